"""Asserts the same things of any server that speaks MLflow's REST API.

    python mlflow_suite --uri http://127.0.0.1:5000 [--key KEY] [--json RESULT] [--only PART] [--with torch]

Prints one line a case, and at the end how many passed and how many calls of how many kinds were made; a kind is a method, a path, the
names of the arguments and the status that came back. It needs a Python with MLflow's own client (`pip install 'mlflow>=3,<4'`), which it
leaves as it is.

`--with psutil` adds the client's own measurements of the machine, `--with torch` autologging from PyTorch with Lightning. One way to have
all that they need:

    python -m venv VENV && VENV/bin/pip install 'mlflow>=3,<4' torch pytorch-lightning psutil
"""

import argparse
import contextlib
import json
import os
import sys
import time
import traceback

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import framework  # noqa: E402

GROUPS = [
    "protocol", "experiments", "runs", "metrics", "batches", "run_search", "inputs", "logged_models", "artifacts", "registered_models",
    "model_versions", "aliases", "ui_questions", "client_tracking", "client_artifacts", "client_models", "autologging",
]  # fmt: skip


def main():
    arguments = argparse.ArgumentParser(prog="mlflow_suite", description=__doc__.split("\n")[0])
    arguments.add_argument("--uri", default=os.environ.get("MVL_TEST_MLFLOW_URI"), help="address of the server")
    arguments.add_argument("--key", help="key that the server asks for")
    arguments.add_argument("--json", help="file for the result")
    arguments.add_argument("--only", default="", help="run only cases whose name has this in it")
    arguments.add_argument("--with", dest="extras", action="append", default=[], help="also run cases that need this")
    arguments = arguments.parse_args()
    if not arguments.uri:
        sys.exit("name a server: --uri, or MVL_TEST_MLFLOW_URI")
    if arguments.key:
        os.environ["MLFLOW_TRACKING_TOKEN"] = arguments.key
    os.environ["MLFLOW_TRACKING_URI"] = arguments.uri
    for group in GROUPS:
        __import__(group)

    results = []
    for group, name, needs, function in framework.CASES:
        if arguments.only not in f"{group}::{name}" or (needs and needs not in arguments.extras):
            continue
        results.append(run(group, name, function, framework.Server(arguments.uri, arguments.key)))

    failed = [result for result in results if result["error"]]
    calls = [call for result in results for call in result["calls"]]
    kinds = {(call["method"], call["path"], *call["arguments"], call["status"]) for call in calls}
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"uri": arguments.uri, "cases": results, "calls": len(calls), "kinds": len(kinds)}, file, indent=1)
    print(f"mlflow suite: {len(results) - len(failed)} of {len(results)} cases passed, {len(calls)} calls of {len(kinds)} kinds")
    sys.exit(1 if failed else 0)


def run(group, name, function, server):
    started, error = time.monotonic(), None
    try:
        with contextlib.redirect_stdout(sys.stderr):
            function(server)
    except Exception as caught:  # noqa: BLE001: whatever a case trips over is its result
        where = traceback.extract_tb(caught.__traceback__)
        line = next((frame for frame in reversed(where) if os.path.dirname(__file__) in frame.filename and "framework" not in frame.filename), where[-1])
        error = f"{type(caught).__name__}: {caught} ({os.path.basename(line.filename)}:{line.lineno})"
    print(f"{'FAIL' if error else 'pass'} {group}::{name}" + (f"\n     {error}" if error else ""), flush=True)
    seconds = round(time.monotonic() - started, 3)
    return {"group": group, "name": name, "says": function.__doc__, "error": error, "seconds": seconds, "calls": server.calls}


main()
