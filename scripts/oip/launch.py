"""Starts the servers with identity models of every type, each on free ports of this machine, and ends them."""

import contextlib
import json
import os
import tempfile
from pathlib import Path

from .process import free_port, running
from .tensors import TYPES


def types_of(also=()):
    """Models by what they are for, with the types of their tensors."""
    every = {kind: [kind] for kind in [*TYPES, *also]}
    return every | {"pair": ["INT64", "FP32"], "all": TYPES, "spare": ["FP32"]}


@contextlib.contextmanager
def mvl(binary):
    """`mvl serve` with REST and gRPC on one port."""
    address = f"127.0.0.1:{free_port()}"
    types = types_of(["BF16"])
    models = {use: use.lower() for use in types}
    served = [f"{models[use]}=identity:{','.join(kinds)}" for use, kinds in types.items()]
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(binary or "target/release/mvl").resolve()), "serve", *served, "--address", address, "--shared-memory"]
        with running(command, address, Path(folder) / "log", cwd=folder):
            yield address, address, models


# What a user of mlserver writes to serve a model of their own. Types, ranks, counts and ranges of elements are checked here because mlserver
# leaves that to the model; so is the choice of outputs. Data that its codec for NumPy cannot decode is refused, but goes back as it came.
IDENTITY = '''
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceResponse, ResponseOutput


def count(data):
    return sum(map(count, data)) if isinstance(data, list) else 1


class Identity(MLModel):
    async def load(self):
        return True

    async def predict(self, request):
        known = {spec.name: spec for spec in self.inputs}
        given = {tensor.name: tensor for tensor in request.inputs}
        if set(given) != set(known) or len(given) != len(request.inputs):
            raise InferenceError(f"expected inputs {sorted(known)}, got {[tensor.name for tensor in request.inputs]}")
        wanted = [output.name for output in request.outputs or []] or [spec.name for spec in self.outputs]
        outputs = []
        for name in wanted:
            tensor = given.get(name.replace("OUTPUT", "INPUT"))
            if tensor is None:
                raise InferenceError(f"no output {name}")
        for name, tensor in given.items():
            if tensor.datatype != known[name].datatype or len(tensor.shape) != len(known[name].shape):
                raise InferenceError(f"input {name} is not as the model's metadata says")
            elements = 1
            for side in tensor.shape:
                elements *= side
            if any(side < 0 for side in tensor.shape) or count(list(tensor.data)) != elements:
                raise InferenceError(f"input {name} has not as many elements as its shape says")
            if tensor.datatype != "BYTES":
                try:
                    NumpyCodec.decode_input(tensor)
                except (TypeError, ValueError, OverflowError) as error:
                    raise InferenceError(f"input {name}: {error}")
        for name in wanted:
            tensor = given[name.replace("OUTPUT", "INPUT")]
            outputs.append(ResponseOutput(name=name, shape=tensor.shape, datatype=tensor.datatype, data=tensor.data))
        return InferenceResponse(model_name=self.name, model_version=self.version, id=request.id, outputs=outputs)

    async def predict_stream(self, requests):
        async for request in requests:
            yield await self.predict(request)
'''


@contextlib.contextmanager
def mlserver(binary):
    """`mlserver start` with a runtime of our own."""
    http, grpc, metrics = (free_port() for _ in range(3))
    types = types_of()
    models = {use: use.lower() for use in types}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "identity_runtime.py").write_text(IDENTITY)
        # Without metrics: mlserver's documentation wants that for streams.
        settings = {
            "host": "127.0.0.1", "http_port": http, "grpc_port": grpc, "metrics_port": metrics, "metrics_endpoint": None,
            "parallel_workers": 0, "debug": False,
        }
        (folder / "settings.json").write_text(json.dumps(settings))
        for use, kinds in types.items():
            tensors = lambda start: [
                {"name": f"{start}{place}", "datatype": kind, "shape": [-1, -1]} for place, kind in enumerate(kinds)
            ]
            model = {
                "name": models[use], "implementation": "identity_runtime.Identity", "inputs": tensors("INPUT"),
                "outputs": tensors("OUTPUT"), "parameters": {"version": "1"},
            }
            (folder / models[use]).mkdir()
            (folder / models[use] / "model-settings.json").write_text(json.dumps(model))
        command = [binary or "mlserver", "start", str(folder)]
        named = {"cwd": folder, "env": {**os.environ, "PYTHONPATH": str(folder)}}
        with running(command, f"127.0.0.1:{http}", folder / "log", **named):
            yield f"127.0.0.1:{http}", f"127.0.0.1:{grpc}", models


@contextlib.contextmanager
def furnace(binary):
    """furnace-server, as scripts/oip/furnace builds it; it has three types."""
    http, grpc = free_port(), free_port()
    models = {use: use.lower() for use in ("FP32", "INT32", "INT64", "pair", "spare")}
    program = str(Path(binary or "target/furnace/release/furnace-identity").resolve())
    with tempfile.TemporaryDirectory() as folder:
        with running([program, str(http), str(grpc)], f"127.0.0.1:{http}", Path(folder) / "log", cwd=folder):
            yield f"127.0.0.1:{http}", f"127.0.0.1:{grpc}", models


LAUNCH = {"mvl": mvl, "mlserver": mlserver, "furnace": furnace}
