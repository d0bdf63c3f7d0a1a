#!/usr/bin/env python3
"""Tries what deploy/ holds on a running `mvl serve`: promtool on its pages and on the rules, a real Prometheus that scrapes it, the dashboard.

    MVL_DASHBOARD_PYTHON=target/grafana/bin/python scripts/check_monitoring.py target/release/mvl

Needs Debian's prometheus (with promtool). A small net is trained on drawn pictures, served beside an identity model, and asked a known
number of times: Prometheus has to count the same. Without $MVL_DASHBOARD_PYTHON (a Python with grafana-foundation-sdk) the dashboard is
only read as JSON, and the last line says so. The last line is the verdict.
"""

import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
DASHBOARD = DEPLOY / "grafana" / "mvl_serve.json"
SIDE = 28
# Requests of each kind; Prometheus has to count them.
PICTURES, TENSORS, WRONG = 240, 37, 5
PATIENCE = 30
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# What promtool says of Triton's names, which were given before there were customs.
CUSTOMS = (
    'counter metrics should have "_total" suffix',
    'non-histogram and non-summary metrics should not have "_count" suffix',
    "metric names should not contain abbreviated units",
)


def picture(rng, light):
    """A grey PNG: a level, with noise."""
    level = rng.randrange(150, 200) if light else rng.randrange(30, 80)
    rows = b"".join(b"\0" + bytes(level + rng.randrange(40) for _ in range(SIDE)) for _ in range(SIDE))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def ask(url, body=None, kind="application/octet-stream"):
    request = urllib.request.Request(url, data=body, headers={"content-type": kind})
    try:
        with OPENER.open(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def run(*command, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, **more)
    return done.returncode, (done.stdout + done.stderr).strip()


def expect(holds, what):
    if not holds:
        raise SystemExit(f"monitoring: {what}")


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def start(command, **more):
    return subprocess.Popen([str(part) for part in command], **more)


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def train(mvl, work):
    rng = random.Random(1)
    for name, light in (("dark", False), ("light", True)):
        (work / "data" / name).mkdir(parents=True)
        for index in range(200):
            (work / "data" / name / f"{index}.png").write_bytes(picture(rng, light))
    arguments = ["train", "--data", "data", "--model", "resnet8", "--epochs", "1", "--run-dir", "run", "--no-tracking"]
    settings = ["data.image_size=[28,28]", "data.validation=0.5", "data.batch_size=50"]
    code, said = run(mvl, *arguments, *[word for setting in settings for word in ("--set", setting)], cwd=work)
    expect(code == 0, f"training failed: {said}")
    expect(list((work / "run").rglob("reference.json")), "training wrote no reference.json beside the model")


def load(address):
    """Asks a known number of times: pictures as in training, then darker ones; tensors; and what is wrong."""
    rng = random.Random(2)
    for index in range(PICTURES):
        status, said = ask(f"{address}/v1/models/net:predict", picture(rng, index % 2 == 0))
        expect(status == 200, f"a picture was answered with {status}: {said}")
    calm = ask(f"{address}/metrics")[1]
    tensor = {"name": "INPUT0", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}
    for _ in range(TENSORS):
        status, said = ask(f"{address}/v2/models/echo/infer", json.dumps({"inputs": [tensor]}).encode(), "application/json")
        expect(status == 200, f"a tensor was answered with {status}: {said}")
    for _ in range(WRONG):
        status, _ = ask(f"{address}/v1/models/net:predict", b"no picture")
        expect(status == 400, f"what is no picture was answered with {status}")
    for _ in range(4 * PICTURES):
        ask(f"{address}/v1/models/net:predict", picture(rng, False))
    return calm


def series(page, name, **labels):
    """The values of the series with these labels."""
    lines = [line for line in page.splitlines() if line.startswith(name + "{")]
    lines = [line for line in lines if all(f'{key}="{value}"' in line for key, value in labels.items())]
    return [float(line.rsplit(" ", 1)[1]) for line in lines]


def names_of(page):
    return {re.match(r"[a-zA-Z_:]+", line)[0] for line in page.splitlines() if line and not line.startswith("#")}


def check_pages(address):
    page = ask(f"{address}/metrics")[1]
    code, said = run("promtool", "check", "metrics", input=page)
    expect(code == 0 and not said, f"promtool on /metrics: {said}")
    code, said = run("promtool", "check", "metrics", input=ask(f"{address}/metrics/triton")[1])
    other = [line for line in said.splitlines() if not line.endswith(CUSTOMS)]
    expect(not other, f"promtool on /metrics/triton, beside its names: {other}")
    return page


def dashboard_queries():
    """The dashboard's queries; its panels as Grafana's own library reads them, where it is there."""
    text = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in text["panels"] for target in panel["targets"]]
    python = os.environ.get("MVL_DASHBOARD_PYTHON")
    if python:
        program = (
            "import json, sys\n"
            "from grafana_foundation_sdk.cog.encoder import JSONEncoder\n"
            "from grafana_foundation_sdk.cog.plugins import register_default_plugins\n"
            "from grafana_foundation_sdk.models.dashboard import Dashboard\n"
            "register_default_plugins()\n"
            "board = Dashboard.from_json(json.load(open(sys.argv[1])))\n"
            "print(JSONEncoder(sort_keys=True).encode(board))\n"
        )
        code, said = run(python, "-c", program, DASHBOARD)
        expect(code == 0, f"grafana-foundation-sdk cannot read the dashboard: {said}")
        read = json.loads(said)
        kept = [target["expr"] for panel in read["panels"] for target in panel["targets"]]
        expect(kept == queries, "grafana-foundation-sdk reads other queries than the dashboard has")
    ready = []
    for query in queries:
        for variable, value in (("$__rate_interval", "1m"), ("$instance", ".*"), ("$model", ".*")):
            query = query.replace(variable, value)
        ready.append(query)
    return ready, bool(python)


class Prometheus:
    """A real one, that reads a server every fifth of a second."""

    def __init__(self, work, target):
        config = {
            "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"},
            "rule_files": [str(RULES)],
            "scrape_configs": [{"job_name": "mvl-serve", "static_configs": [{"targets": [target]}]}],
        }
        file = work / "prometheus.json"
        file.write_text(json.dumps(config))  # JSON is YAML
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        options = [f"--config.file={file}", f"--storage.tsdb.path={work / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}"]
        self.log = open(work / "prometheus.log", "wb")
        self.process = start(["prometheus", *options], stdout=self.log, stderr=self.log)

    def get(self, path):
        try:
            status, said = ask(self.address + path)
        except OSError:
            return None
        return json.loads(said) if status == 200 else {"status": status, "said": said}

    def query(self, query):
        return self.get("/api/v1/query?" + urllib.parse.urlencode({"query": query}))

    def value(self, query):
        answer = self.query(query)
        results = (answer or {}).get("data", {}).get("result", [])
        return float(results[0]["value"][1]) if len(results) == 1 else None

    def wait_for(self, query, wanted):
        deadline = time.time() + PATIENCE
        while self.value(query) != wanted:
            expect(time.time() < deadline, f"Prometheus answers {query} with {self.value(query)}, not {wanted}")
            time.sleep(0.1)


def main():
    mvl = Path(sys.argv[1]).resolve()
    code, said = run("promtool", "check", "rules", RULES)
    expect(code == 0, said)
    code, said = run("promtool", "check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    expect(code == 0, said)
    code, said = run("promtool", "test", "rules", DEPLOY / "prometheus" / "rules_test.yml")
    expect(code == 0 and "SUCCESS" in said, said)
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        train(mvl, work)
        serve = [mvl, "serve", "net=run", "echo=identity:FP32", "--address", "127.0.0.1:0", "--json"]
        server = start(serve, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        processes = [server]
        try:
            told = ""
            while "}" not in told:
                line = server.stdout.readline().decode()
                expect(line, "the server ended")
                told += line
            address = json.loads(told)["address"]
            calm = load(address)
            page = check_pages(address)
            seen = {figure: series(calm, "mvl_serve_input_drift", figure=figure) for figure in ("brightness", "contrast")}
            expect(all(len(value) == 1 and value[0] < 0.25 for value in seen.values()), f"drift of pictures as in training: {seen}")
            [drifted] = series(page, "mvl_serve_input_drift", figure="brightness")
            expect(drifted > 0.25, f"drift of dark pictures alone: {drifted}")

            prometheus = Prometheus(work, address.removeprefix("http://"))
            processes.append(prometheus.process)
            count = lambda model: f'sum(mvl_serve_requests_total{{model="{model}", outcome="answered"}})'
            prometheus.wait_for(count("net"), 5 * PICTURES)
            prometheus.wait_for(count("echo"), TENSORS)
            prometheus.wait_for('up{job="mvl-serve"}', 1)
            rules = prometheus.get("/api/v1/rules")["data"]["groups"]
            rules = [rule for group in rules for rule in group["rules"]]
            unwell = [rule["name"] for rule in rules if rule["health"] == "err"]
            expect(len(rules) == RULES.read_text().count("- alert:") + RULES.read_text().count("- record:"), "rules are missing")
            expect(not unwell, f"rules that Prometheus cannot evaluate: {unwell}")

            queries, parsed = dashboard_queries()
            known = names_of(page) | {rule["name"] for rule in rules}
            used = set(re.findall(r"\bmvl_serve[a-z0-9_:]+", " ".join(queries) + RULES.read_text()))
            expect(not used - known, f"figures of the dashboard or the rules that are on no page: {sorted(used - known)}")
            for query in queries:
                answer = prometheus.query(query)
                expect(answer["status"] == "success", f"the dashboard asks {query}: {answer}")
            drift = prometheus.value('mvl_serve_input_drift{figure="brightness"}')
        finally:
            for process in reversed(processes):
                end(process)
        expect(server.returncode == 0, f"the server ended with {server.returncode}")
    board = "read by grafana-foundation-sdk" if parsed else "read as JSON alone"
    print(
        f"{5 * PICTURES + TENSORS} requests counted by Prometheus, {len(rules)} rules evaluated, {len(queries)} queries of the dashboard, "
        f"{board}; drift {max(value[0] for value in seen.values()):.3f} as in training, {drift:.2f} in the dark"
    )


main()
