"""MobileNetV2 at 224×224 from real JPEGs, behind our server, LitServe and MLServer: answers a second, p50, p99.

    scripts/with_speed_peers.sh python3 benches/serve_speed.py [--mvl PROGRAM] [--seconds 5] [--rounds 2] [--final 11] [--only PATTERN]

All servers and the client share the same two cores (`taskset`). One client program asks everybody (`mvl bench serve`, closed loop): 16 connections,
three photos in turn, an answer with the five likeliest classes. All compute the same graph with the same library of onnxruntime, but for our engines
rten and burn. CPU ms is what a server computed for an answer, which does not depend on what else the machine does. Each server is started in
several ways (processes and threads, sizes of batches), the best of which counts, for everybody. All are started before the first is asked, and
then asked in turn, round by round; whoever is not asked is stopped (SIGSTOP), since LitServe polls. A few rounds of all choose the
best way of each, and only the rounds after those, of the three chosen, give the ratios: taken within a round, the median of the rounds. The peers'
code is in benches/serve_peers; a custom handler for MLServer and base64 for LitServe were the fastest ways that their documentation has.

Then, what batches bring, with one replica.
"""

import argparse
import base64
import contextlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from oip.process import free_port, running  # noqa: E402

CONNECTIONS = 16
CORES = "0,1"
WEIGHTS = "mobilenet_v2-b0353104.pth"
MODEL = "mobilenet_v2.imagenet1k_v1"
PHOTOS = ["china.jpg", "flower.jpg", "rocket.jpg"]


def assets():
    named = os.environ.get("MVL_ASSETS")
    folder = Path(named) if named else ROOT.parent / "shared/assets"
    if not (folder / "mobilenet_v2" / WEIGHTS).is_file():
        raise SystemExit(f"needs the real weights and photos in ../shared/assets or $MVL_ASSETS; {folder}")
    return folder


class Bench:
    def __init__(self, arguments, folder, stack):
        self.arguments, self.folder, self.stack = arguments, folder, stack
        self.mvl = str(Path(arguments.mvl).resolve())
        source = assets()
        self.photos = [source / "photos" / name for name in PHOTOS]
        weights = source / "mobilenet_v2" / WEIGHTS
        cache = folder / "cache/weights"
        cache.mkdir(parents=True)
        shutil.copy(weights, cache / WEIGHTS)
        self.env = {**os.environ, "MVL_CACHE": str(folder / "cache"), "MVL_OFFLINE": "1"}
        self.graph = folder / "mobilenet.onnx"
        self.run("export", MODEL, "--weights", weights, "--answer", "probabilities", "-o", self.graph)
        self.base64 = [self.framed(photo, lambda text: {"image": text}, "lit") for photo in self.photos]
        tensor = lambda text: {"inputs": [{"name": "picture", "shape": [1], "datatype": "BYTES", "data": [text]}]}
        self.protocol = [self.framed(photo, tensor, "v2") for photo in self.photos]

    def framed(self, photo, frame, name):
        path = self.folder / f"{name}-{photo.name}.json"
        path.write_text(json.dumps(frame(base64.b64encode(photo.read_bytes()).decode())))
        return path

    def run(self, *arguments):
        command = ["taskset", "-c", CORES, self.mvl, *map(str, arguments), "--json"]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(map(str, arguments))}: {done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def start(self, name, command, address, path="/v2/health/ready", **named):
        environment = {**self.env, **named.pop("env", {})}
        log = self.folder / f"{re.sub('[^a-z0-9]+', '-', name)}.log"
        command = ["taskset", "-c", CORES, *map(str, command)]
        return self.stack.enter_context(running(command, address, log, path, env=environment, **named))

    def ours(self, name, engine, batch, replicas, threads=None):
        address = f"127.0.0.1:{free_port()}"
        source = MODEL if engine == "burn" else self.graph
        command = [self.mvl, "serve", f"m={source}", "--address", address, "--engine", engine]
        command += ["--max-batch-size", batch, "--replicas", replicas]
        command += ["--engine-threads", threads] if threads else []
        process = self.start(name, command, address, cwd=self.folder)
        return Server(self, process, address, "/v1/models/m:predict", self.photos, "application/octet-stream")

    def litserve(self, name, workers, threads, batch):
        port = free_port()
        app = ROOT / "benches/serve_peers/litserve_app.py"
        command = [os.environ["MVL_LITSERVE_PYTHON"], app, port, self.graph, workers, threads, batch]
        process = self.start(name, command, f"127.0.0.1:{port}", "/health", cwd=self.folder)
        return Server(self, process, f"127.0.0.1:{port}", "/predict", self.base64, "application/json")

    def mlserver(self, name, workers, threads):
        http_port, grpc, metrics = (free_port() for _ in range(3))
        folder = self.folder / f"mlserver-{workers}-{threads}"
        (folder / "m").mkdir(parents=True)
        settings = {
            "host": "127.0.0.1", "http_port": http_port, "grpc_port": grpc, "metrics_port": metrics, "parallel_workers": workers, "debug": False,
            "metrics_endpoint": None,
        }
        (folder / "settings.json").write_text(json.dumps(settings))
        (folder / "m/model-settings.json").write_text(json.dumps({"name": "m", "implementation": "mlserver_runtime.MobileNet"}))
        environment = {
            "PYTHONPATH": str(ROOT / "benches/serve_peers"), "SPEED_MODEL": str(self.graph), "SPEED_THREADS": str(threads),
        }
        command = [Path(os.environ["MVL_MLSERVER_PYTHON"]).parent / "mlserver", "start", folder]
        process = self.start(name, command, f"127.0.0.1:{http_port}", cwd=folder, env=environment)
        if workers:
            return Server(self, process, f"127.0.0.1:{http_port}", "/v2/models/m/infer", self.protocol, "application/json")
        return Server(self, process, f"127.0.0.1:{http_port}", "/picture", self.photos, "application/octet-stream")


class Server:
    def __init__(self, bench, process, address, path, bodies, kind):
        self.bench, self.process, self.address, self.path, self.bodies, self.kind = bench, process, address, path, bodies, kind
        self.signal(signal.SIGSTOP)

    def signal(self, sign):
        os.killpg(self.process.pid, sign)

    def cpu_seconds(self):
        """What the server's processes have computed so far."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rsplit(")", 1)[1].split()
                if int(fields[3]) == self.process.pid:  # the session, which `running` makes
                    ticks += sum(map(int, fields[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def ask(self):
        command = ["bench", "serve", "m", "--address", self.address, "--path", self.path, "--seconds", self.bench.arguments.seconds]
        command += ["--connections", CONNECTIONS, "--header", f"content-type: {self.kind}"]
        self.signal(signal.SIGCONT)
        before = self.cpu_seconds()
        report = self.bench.run(*command, "--photo", *self.bodies)
        # The two seconds of warm-up are in it too.
        answers = report["per_second"] * (self.bench.arguments.seconds + 2)
        report["cpu_ms"] = 1000 * (self.cpu_seconds() - before) / max(answers, 1)
        self.signal(signal.SIGSTOP)
        if report["broken"] or set(report["statuses"]) != {"200"}:
            raise SystemExit(f"{self.path}: {report}")
        return report


def median(reports, key):
    return statistics.median(report[key] for report in reports)


def rounds(servers, count):
    """Reports of each server, round by round."""
    reports = {name: [] for name in servers}
    for _ in range(count):
        for name, server in servers.items():
            reports[name].append(server.ask())
    return reports


def table(reports):
    print(f"{'':<46}{'answers/s':>10}  {'slowest..fastest':>18}  {'p50 ms':>8}{'p99 ms':>9}{'CPU ms':>9}")
    for name, found in reports.items():
        rates = sorted(report["per_second"] for report in found)
        spread = f"{rates[0]:.1f}..{rates[-1]:.1f}"
        print(f"{name:<46}{statistics.median(rates):>10.1f}  {spread:>18}  {median(found, 'p50_ms'):>8.1f}{median(found, 'p99_ms'):>9.1f}{median(found, 'cpu_ms'):>9.1f}")
    print(flush=True)


def best(reports, start):
    return max((name for name in reports if name.startswith(start)), key=lambda name: median(reports[name], "per_second"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mvl", default=str(ROOT / "target/release/mvl"))
    parser.add_argument("--seconds", default=5.0, type=float)
    parser.add_argument("--rounds", default=2, type=int)
    parser.add_argument("--final", default=11, type=int, help="rounds of the best three")
    parser.add_argument("--only", default="", help="only servers whose names this pattern matches, and no ratios")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        bench = Bench(arguments, Path(folder), stack)
        ways = {
            "mvl ort, 2 replicas x 1 thread, batch 1": lambda name: bench.ours(name, "ort", 1, 2, 1),
            "mvl ort, 2 replicas x 1 thread, batch 8": lambda name: bench.ours(name, "ort", 8, 2, 1),
            "mvl ort, 1 replica x 2 threads, batch 8": lambda name: bench.ours(name, "ort", 8, 1, 2),
            "mvl rten, 2 replicas x 1 thread, batch 8": lambda name: bench.ours(name, "rten", 8, 2, 1),
            "mvl burn, 1 replica, batch 8": lambda name: bench.ours(name, "burn", 8, 1),
            "litserve, 2 workers x 1 thread, batch 1": lambda name: bench.litserve(name, 2, 1, 1),
            "litserve, 2 workers x 1 thread, batch 8": lambda name: bench.litserve(name, 2, 1, 8),
            "litserve, 1 worker x 2 threads, batch 8": lambda name: bench.litserve(name, 1, 2, 8),
            "mlserver, handler, 1 thread a pass": lambda name: bench.mlserver(name, 0, 1),
            "mlserver, handler, 2 threads a pass": lambda name: bench.mlserver(name, 0, 2),
            "mlserver, 2 workers x 1 thread": lambda name: bench.mlserver(name, 2, 1),
        }
        chosen = {name: start(name) for name, start in ways.items() if re.search(arguments.only, name)}
        reports = rounds(chosen, arguments.rounds)
        table(reports)
        if arguments.only:
            return
        finalists = [best(reports, start) for start in ("mvl", "litserve", "mlserver")]
        reports = rounds({name: chosen[name] for name in finalists}, arguments.final)
        table(reports)
        ours, *peers = (reports[name] for name in finalists)
        ratios, work = {}, {}
        for peer, theirs in zip(("litserve", "mlserver"), peers):
            ratios[peer] = statistics.median(our["per_second"] / their["per_second"] for our, their in zip(ours, theirs))
            work[peer] = median(theirs, "cpu_ms") / median(ours, "cpu_ms")
        gains = {}
        for engine, threads in (("ort", 2), ("rten", 2), ("burn", None)):
            pair = {batch: bench.ours(f"{engine} batch {batch}", engine, batch, 1, threads) for batch in (1, 8)}
            servers = {f"{engine}, 1 replica, batch {batch}": server for batch, server in pair.items()}
            found = rounds(servers, arguments.rounds + 1)
            table(found)
            alone, together = found.values()
            gains[engine] = statistics.median(b["per_second"] / a["per_second"] for a, b in zip(alone, together))
        said = [f"{ratios['litserve']:.2f}x litserve", f"{ratios['mlserver']:.2f}x mlserver"]
        said += [f"with {work['litserve']:.2f}x and {work['mlserver']:.2f}x the CPU time an answer there"]
        said += [f"batching {engine} {gain:.2f}x" for engine, gain in gains.items()]
        print("serve speed: " + ", ".join(said))


if __name__ == "__main__":
    main()
