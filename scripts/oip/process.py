"""Runs a server on a free port of this machine until it is no longer needed."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

START_SECONDS = 120


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def running(command, http, log, path="/v2/health/ready", **named):
    """A server that is ready, in a process group of its own, which is ended behind it, stopped or not; gives its process."""
    with open(log, "w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True, **named)
        try:
            end = time.monotonic() + START_SECONDS
            while not is_ready(http, path):
                if process.poll() is not None or time.monotonic() > end:
                    raise SystemExit(f"{command[0]} did not start:\n{Path(log).read_text()[-3000:]}")
                time.sleep(0.1)
            yield process
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} ended by itself:\n{Path(log).read_text()[-3000:]}")
        finally:
            for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, sign)
                    os.killpg(process.pid, signal.SIGCONT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)
                    break


def is_ready(address, path):
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(address, timeout=2)
        connection.request("GET", path)
        return connection.getresponse().status == 200
    return False
