#!/usr/bin/env python3
"""How fast are the same requests answered, by our tracking server and by `mlflow server`, both on SQLite, and how much memory do they hold?

    scripts/with_trackers.sh python3 benches/tracking_server.py [--json RESULT]

Needs MLflow, which `scripts/with_trackers.sh` installs; `TRACKING_SERVER` names our program where it is built already.

Method: each server is a process of its own with an empty database and an empty folder on the same disk; `mlflow server` has one worker, as
have we. Requests are made beforehand and sent over one connection that stays open; a round asks one server and then the other, so that
what disturbs the machine disturbs both; the first round warms up and does not count. The table shows medians and their ratio.

- log-batch: requests with 1,000 metrics, 10 names of 100 steps, to one run
- search: 10,000 runs of one experiment, each with three metrics, three parameters and two tags. They are logged to ours over HTTP. In
  MLflow's database they are copies of one run that was logged over HTTP, written by SQL, because logging them takes a quarter of an hour.
    filter      100 runs by a metric and a parameter, ordered by another metric
    tag         100 runs by a tag, the latest first
    page        the first 1,000 runs, whole
- memory: what the server's processes hold after all of it, shared pages in proportion (PSS)
"""

import argparse
import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUNS = 10_000
ROUNDS = int(os.environ.get("ROUNDS", "7"))
BATCHES_PER_ROUND = {"mvl": 20, "mlflow": 3}
API = "/api/2.0/mlflow/"
SEARCHES = {
    "filter": {"filter": "metrics.loss < 0.5 AND params.lr = '0.01'", "order_by": ["metrics.accuracy DESC"], "max_results": 100},
    "tag": {"filter": "tags.team = 'vision-3'", "max_results": 100},
    "page": {"max_results": 1000},
}


class Server:
    """A server in a process group of its own."""

    def __init__(self, name, folder):
        self.name, self.folder = name, Path(folder) / name
        self.folder.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = self.ours() if name == "mvl" else self.mlflows()
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        log = open(self.folder / "log", "w")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, env=environment)
        for _ in range(1200):
            try:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
                self.connection.request("GET", "/health")
                if self.connection.getresponse().read() == b"OK":
                    return
            except OSError:
                time.sleep(0.1)
        sys.exit(f"{name} did not start: {(self.folder / 'log').read_text()}")

    def ours(self):
        program = os.environ.get("TRACKING_SERVER")
        if not program:
            subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "mvl-serve", "--example", "tracking_server"], cwd=ROOT, check=True)
            program = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/examples/tracking_server"
        return [program, f"sqlite:///{self.folder}/track.db", self.folder / "artifacts", f"127.0.0.1:{self.port}"]

    def mlflows(self):
        python = os.environ.get("MVL_TEST_MLFLOW_PYTHON") or sys.exit("MLflow is missing: run this by scripts/with_trackers.sh")
        return [python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1", "--backend-store-uri",
                f"sqlite:///{self.folder}/track.db", "--artifacts-destination", f"{self.folder}/artifacts"]  # fmt: skip

    def ask(self, method, path, body=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        for again in (True, False):
            try:
                self.connection.request(method, API + path, data, {"Content-Type": "application/json"})
                reply = self.connection.getresponse()
                break
            except (OSError, http.client.HTTPException):
                if not again:
                    raise
                self.connection.close()  # the server has closed a connection that was idle for long
        text = reply.read()
        if reply.status != 200:
            sys.exit(f"{self.name}: {method} {path}: {reply.status} {text[:500]}")
        return text

    def post(self, path, **body):
        return json.loads(self.ask("POST", path, body))

    def memory_mib(self):
        """PSS of all processes of the group."""
        total = 0
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if os.getpgid(int(entry.name)) == self.process.pid:
                        rollup = (entry / "smaps_rollup").read_text()
                        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
                except (OSError, StopIteration):
                    continue
        return total / 1024

    def end(self):
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(20)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, signal.SIGKILL)


def contents(number):
    """What the run of a number logs."""
    rng = random.Random(number)
    metrics = {"loss": rng.random(), "accuracy": rng.random(), "val/loss": rng.random()}
    params = {"lr": rng.choice(["0.1", "0.01", "0.001"]), "epochs": str(rng.randrange(100)), "net": rng.choice(["resnet18", "resnet50"])}
    tags = {"team": f"vision-{number % 50}", "note": f"run {number}"}
    return metrics, params, tags


def log_run(server, experiment, number):
    metrics, params, tags = contents(number)
    run = server.post("runs/create", experiment_id=experiment, start_time=number, run_name=f"run-{number}")["run"]["info"]["run_id"]
    pairs = lambda items: [{"key": key, "value": value} for key, value in items.items()]  # noqa: E731
    server.post("runs/log-batch", run_id=run, metrics=[{**pair, "timestamp": number, "step": 1} for pair in pairs(metrics)], params=pairs(params), tags=pairs(tags))
    return run


def fill_mlflow(server, experiment):
    """Copies of one run, written into MLflow's database."""
    first = log_run(server, experiment, 0)
    database = sqlite3.connect(server.folder / "track.db", timeout=60)
    database.row_factory = sqlite3.Row
    rows = {table: [dict(row) for row in database.execute(f"SELECT * FROM {table} WHERE run_uuid = ?", (first,))] for table in ("runs", "metrics", "latest_metrics", "params", "tags")}
    for number in range(1, RUNS):
        metrics, params, tags = contents(number)
        run = uuid.uuid4().hex
        changes = {
            "runs": lambda row: {"name": f"run-{number}", "start_time": number, "artifact_uri": row["artifact_uri"].replace(first, run)},
            "metrics": lambda row: {"value": metrics[row["key"]], "timestamp": number},
            "latest_metrics": lambda row: {"value": metrics[row["key"]], "timestamp": number},
            "params": lambda row: {"value": params[row["key"]]},
            "tags": lambda row: {"value": {**tags, "mlflow.runName": f"run-{number}"}[row["key"]]},
        }
        for table, templates in rows.items():
            for template in templates:
                row = {**template, "run_uuid": run, **changes[table](template)}
                database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
    database.commit()
    database.close()


def batches(run, first_step, count):
    for batch in range(first_step, first_step + count):
        metrics = [{"key": f"metric-{key}", "value": random.random(), "timestamp": 1_700_000_000_000 + step, "step": step}
                   for key in range(10) for step in range(batch * 100, batch * 100 + 100)]  # fmt: skip
        yield json.dumps({"run_id": run, "metrics": metrics}).encode()


def measure_batches(servers):
    runs = {name: log_run(server, server.post("experiments/create", name="batches")["experiment_id"], 0) for name, server in servers.items()}
    rates = {name: [] for name in servers}
    for round_ in range(ROUNDS + 1):
        for name, server in servers.items():
            count = BATCHES_PER_ROUND[name]
            ready = list(batches(runs[name], round_ * count, count))
            started = time.perf_counter()
            for body in ready:
                server.ask("POST", "runs/log-batch", body)
            rates[name].append(count / (time.perf_counter() - started))
    return {name: statistics.median(all_rates[1:]) for name, all_rates in rates.items()}


def measure_searches(servers):
    experiments = {name: server.post("experiments/create", name="searches")["experiment_id"] for name, server in servers.items()}
    started = time.perf_counter()
    for number in range(RUNS):
        log_run(servers["mvl"], experiments["mvl"], number)
    print(f"10,000 runs logged to ours in {time.perf_counter() - started:.0f} s", flush=True)
    fill_mlflow(servers["mlflow"], experiments["mlflow"])
    results = {}
    for kind, search in SEARCHES.items():
        seconds, found = {name: [] for name in servers}, {}
        for _ in range(ROUNDS + 1):
            for name, server in servers.items():
                body = json.dumps({**search, "experiment_ids": [experiments[name]]}).encode()
                started = time.perf_counter()
                answer = server.ask("POST", "runs/search", body)
                seconds[name].append(time.perf_counter() - started)
                found[name] = [run["info"]["run_name"] for run in json.loads(answer)["runs"]]
        if found["mvl"] != found["mlflow"]:
            sys.exit(f"{kind}: the servers find different runs: {found['mvl'][:5]} and {found['mlflow'][:5]}")
        results[kind] = {name: statistics.median(times[1:]) for name, times in seconds.items()}
    return results


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--json", help="file for the result")
    arguments = arguments.parse_args()
    servers = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name in ("mvl", "mlflow"):
                servers[name] = Server(name, folder)
            idle = {name: server.memory_mib() for name, server in servers.items()}
            rates = measure_batches(servers)
            searches = measure_searches(servers)
            memory = {name: server.memory_mib() for name, server in servers.items()}
        finally:
            for server in servers.values():
                server.end()
    rows = [("log-batch of 1,000 metrics, a second", rates["mvl"], rates["mlflow"], rates["mvl"] / rates["mlflow"])]
    for kind, seconds in searches.items():
        rows.append((f"search, {kind}, ms", seconds["mvl"] * 1000, seconds["mlflow"] * 1000, seconds["mlflow"] / seconds["mvl"]))
    rows.append(("memory at rest, MiB", idle["mvl"], idle["mlflow"], idle["mlflow"] / idle["mvl"]))
    rows.append(("memory after all, MiB", memory["mvl"], memory["mlflow"], memory["mlflow"] / memory["mvl"]))
    print("| | ours | mlflow server | ratio |\n|---|---|---|---|")
    for what, ours, theirs, ratio in rows:
        print(f"| {what} | {ours:.1f} | {theirs:.1f} | {ratio:.1f} |")
    slowest = min(seconds["mlflow"] / seconds["mvl"] for seconds in searches.values())
    print(f"tracking server: log-batch {rates['mvl'] / rates['mlflow']:.1f}x, search {slowest:.1f}x, memory 1/{memory['mlflow'] / memory['mvl']:.1f}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"rates": rates, "searches": searches, "idle_mib": idle, "memory_mib": memory}, indent=1))


main()
