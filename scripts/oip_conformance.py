#!/usr/bin/env python3
"""Asks a server of the Open Inference Protocol (KServe's and Triton's "v2") everything that the protocol offers, by the clients
that people use: tritonclient (HTTP in JSON and binary, gRPC, asyncio, streams) and kserve (REST, gRPC), unmodified, and plain HTTP
and gRPC where they hide something.

    python scripts/oip_conformance.py --server mvl --binary target/release/mvl
    python scripts/oip_conformance.py --server mlserver --binary PATH/bin/mlserver
    python scripts/oip_conformance.py --http 127.0.0.1:8000 --grpc 127.0.0.1:8000 --model FP32=fp32 --model BYTES=bytes
    python scripts/oip_conformance.py --table docs/protocol.md mvl=mvl.json mlserver=mlserver.json

The first two start the server with identity models of every type on free ports of this machine; the third asks one that runs; the
last writes what --json left behind into a document. Every server is judged by the same cases. Each case names the part of the
specification it comes from; where that leaves freedom, the case accepts what it allows and says so. A case has one of three results:
pass, fail, and "not offered" for extensions, types and forms that a server need not have, and refuses.

Needs Python 3.10 with `tritonclient[all]` (2.73), `kserve` (0.21) and what they bring.
"""

import argparse
import contextlib
import fnmatch
import json
import os
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

os.environ.setdefault("GRPC_VERBOSITY", "NONE")
# Nothing that is asked here is behind a proxy.
for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
    os.environ.pop(name, None)
sys.path.insert(0, str(Path(__file__).parent))

# The parts, in the order in which they run.
from oip import health, metadata, inference, binary, parameters, errors, statistics, repository, memory, streams  # noqa: E402, F401
from oip import tabulate  # noqa: E402
from oip.case import CASES, NotOffered, Refused  # noqa: E402
from oip.launch import LAUNCH  # noqa: E402
from oip.server import Server  # noqa: E402


# What a case may take, on a machine that is busy with other things.
CASE_SECONDS = 30


def too_long(*_):
    raise AssertionError(f"no answer within {CASE_SECONDS} s")


def run(case, server):
    """One case's result and reason."""
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(CASE_SECONDS)
    try:
        case.run(server)
        return "pass", ""
    except NotOffered as reason:
        return "not offered", str(reason)
    except AssertionError as error:
        return "fail", str(error) or traceback.format_exc(limit=-1).strip().splitlines()[-2].strip()
    except Refused as error:
        return "fail", f"refused: {error}"
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return "fail", f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
    finally:
        signal.alarm(0)


def chosen(patterns):
    cases = [case for case in CASES if not patterns or any(fnmatch.fnmatch(case.name, pattern) for pattern in patterns)]
    twice = [name for name, count in Counter(case.name for case in CASES).items() if count > 1]
    assert not twice, f"names of two cases: {twice}"
    return cases


def table(results):
    """Counts by part."""
    parts = list(dict.fromkeys(result["part"] for result in results))
    count = lambda part, status: sum(r["status"] == status for r in results if part in (r["part"], None))
    lines = [f"{'':16}{'pass':>6}{'fail':>6}{'not offered':>13}"]
    for part in [*parts, None]:
        counts = [count(part, status) if part else sum(r["status"] == status for r in results)
                  for status in ("pass", "fail", "not offered")]
        lines.append(f"{part or 'all':16}{counts[0]:6}{counts[1]:6}{counts[2]:13}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--server", choices=list(LAUNCH), help="start this server")
    parser.add_argument("--binary", help="the program that --server starts")
    parser.add_argument("--http", metavar="HOST:PORT", help="where REST is answered")
    parser.add_argument("--grpc", metavar="HOST:PORT", help="where gRPC is answered")
    parser.add_argument("--model", action="append", default=[], metavar="TYPE=NAME",
                        help="an identity model of a type, of `pair` (INT64,FP32), `all` or `spare` (FP32)")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN", help="cases with such names, `infer.*` for one")
    parser.add_argument("--json", metavar="FILE", help="write every result there")
    parser.add_argument("--table", nargs="+", metavar="DOCUMENT NAME=FILE", help="write results into a document, ask nothing")
    parser.add_argument("--list", action="store_true", help="print the cases and what each wants")
    arguments = parser.parse_args()
    if arguments.table:
        tabulate.write(arguments.table[0], [pair.split("=", 1) for pair in arguments.table[1:]])
        return 0
    cases = chosen(arguments.only)
    if arguments.list:
        for case in cases:
            print(f"{case.name} [{case.part}; {case.section}]\n    {case.says}")
        return 0
    results = []
    with contextlib.ExitStack() as stack:
        if arguments.server:
            started = stack.enter_context(LAUNCH[arguments.server](arguments.binary))
        else:
            models = dict(pair.split("=", 1) for pair in arguments.model)
            started = (arguments.http, arguments.grpc or arguments.http, models)
        server = Server(*started)
        stack.callback(server.close)
        start = time.monotonic()
        for case in cases:
            status, reason = run(case, server)
            results.append({
                "name": case.name, "part": case.part, "section": case.section, "says": case.says, "status": status,
                "reason": reason,
            })
            if status == "fail":
                print(f"fail  {case.name}: {reason}", flush=True)
        seconds = time.monotonic() - start
    print(table(results))
    print(f"{len(results)} cases, {sum(r['status'] == 'fail' for r in results)} failed, {seconds:.1f} s")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    return 0 if results and all(result["status"] != "fail" for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
