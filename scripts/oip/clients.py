"""The clients, unmodified, behind one set of names: live, ready, model_ready, server_metadata, model_metadata, infer."""

import asyncio
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass, field

from .case import Refused
from .plain_http import PlainHttp
from .tensors import CONTENTS, from_json, from_raw, kind_of, to_json


@dataclass
class Answer:
    """What came of a request: outputs as name -> array, datatypes as the server names them."""

    model: str
    version: str
    id: str
    outputs: dict
    datatypes: dict = field(default_factory=dict)


@dataclass
class Metadata:
    """A model's metadata: tensors as (name, datatype, shape)."""

    name: str
    versions: list
    platform: str
    inputs: list
    outputs: list


# Types that a client cannot send in a form, by its own code or because the form has no place for them.
NO_FP16 = {"FP16"}
NONE = set()


class PlainJson:
    """JSON over http.client: the protocol itself."""

    cannot_send = {"BF16"}
    has_versions = True

    def __init__(self, http):
        self.http = PlainHttp(http)

    def close(self):
        pass

    def infer(self, model, inputs, outputs=None, version=None, id=None, parameters=None):
        body = {"inputs": [
            {"name": name, "shape": list(array.shape), "datatype": kind_of(array), "data": to_json(array)}
            for name, array in inputs.items()
        ]}
        if id is not None:
            body["id"] = id
        if parameters is not None:
            body["parameters"] = parameters
        if outputs is not None:
            body["outputs"] = [{"name": name} for name in outputs]
        place = f"v2/models/{model}/versions/{version}/infer" if version else f"v2/models/{model}/infer"
        answer = self.http.ok(self.http.post(place, body))
        tensors = answer["outputs"]
        arrays = {one["name"]: from_json(one["data"], one["datatype"], one["shape"]) for one in tensors}
        datatypes = {one["name"]: one["datatype"] for one in tensors}
        return Answer(answer["model_name"], answer.get("model_version"), answer.get("id"), arrays, datatypes)


class Triton:
    """What tritonclient's four clients have in common."""

    has_versions = True

    def __init__(self, address):
        self.address = address
        self.open()

    def told(self, call):
        from tritonclient.utils import InferenceServerException

        try:
            return call()
        except InferenceServerException as error:
            status = str(error.status() or "").removeprefix("StatusCode.")
            raise Refused(str(error.message()), int(status) if status.isdigit() else status) from error

    def live(self):
        return self.told(lambda: self.call("is_server_live"))

    def ready(self):
        return self.told(lambda: self.call("is_server_ready"))

    def model_ready(self, model, version=None):
        return self.told(lambda: self.call("is_model_ready", model, version or ""))

    def server_metadata(self):
        answer = self.told(lambda: self.call("get_server_metadata"))
        if isinstance(answer, dict):
            return answer["name"], answer["version"], list(answer["extensions"])
        return answer.name, answer.version, list(answer.extensions)

    def model_metadata(self, model, version=None):
        answer = self.told(lambda: self.call("get_model_metadata", model, version or ""))
        if isinstance(answer, dict):
            tensors = lambda key: [(one["name"], one["datatype"], [int(n) for n in one["shape"]]) for one in answer[key]]
            return Metadata(
                answer["name"], answer.get("versions", []), answer["platform"], tensors("inputs"), tensors("outputs")
            )
        tensors = lambda found: [(one.name, one.datatype, list(one.shape)) for one in found]
        return Metadata(
            answer.name, list(answer.versions), answer.platform, tensors(answer.inputs), tensors(answer.outputs)
        )

    def request(self, inputs, outputs):
        given = []
        for name, array in inputs.items():
            tensor = self.module.InferInput(name, list(array.shape), kind_of(array))
            given.append(self.filled(tensor, array))
        wanted = None if outputs is None else [self.wanted(name) for name in outputs]
        return given, wanted

    def infer(self, model, inputs, outputs=None, version=None, id=None, parameters=None, **more):
        given, wanted = self.request(inputs, outputs)
        if wanted is None and self.asks_for_all:
            # Without a list this client asks for binary outputs.
            wanted = [self.wanted(name.replace("INPUT", "OUTPUT")) for name in inputs]
        result = self.told(lambda: self.call(
            "infer", model, given, model_version=version or "", outputs=wanted, request_id=id or "",
            parameters=parameters, **more,
        ))
        return self.answer(result)

    @staticmethod
    def answer(result):
        response = result.get_response()
        if isinstance(response, dict):
            tensors = [(one["name"], one["datatype"]) for one in response["outputs"]]
            head = response["model_name"], response.get("model_version"), response.get("id")
        else:
            tensors = [(one.name, one.datatype) for one in response.outputs]
            head = response.model_name, response.model_version, response.id
        return Answer(*head, {name: as_bytes(result.as_numpy(name)) for name, _ in tensors}, dict(tensors))


class TritonHttp(Triton):
    """tritonclient.http, with tensors in binary or in JSON."""

    def __init__(self, address, binary):
        self.binary = binary
        self.asks_for_all = not binary
        self.cannot_send = NONE if binary else {"BF16"}
        super().__init__(address)

    def open(self):
        import tritonclient.http as module

        self.module = module
        self.client = module.InferenceServerClient(self.address, concurrency=4)

    def close(self):
        self.client.close()

    def filled(self, tensor, array):
        return tensor.set_data_from_numpy(array, binary_data=self.binary)

    def wanted(self, name):
        return self.module.InferRequestedOutput(name, binary_data=self.binary)

    def call(self, name, *arguments, **named):
        return getattr(self.client, name)(*arguments, **named)


class TritonGrpc(Triton):
    """tritonclient.grpc: raw tensors."""

    asks_for_all = False
    cannot_send = NONE

    def open(self):
        import tritonclient.grpc as module

        self.module = module
        self.client = module.InferenceServerClient(self.address)

    def close(self):
        self.client.close()

    def filled(self, tensor, array):
        return tensor.set_data_from_numpy(array)

    def wanted(self, name):
        return self.module.InferRequestedOutput(name)

    def call(self, name, *arguments, **named):
        return getattr(self.client, name)(*arguments, **named)


class Asyncio:
    """Calls a client of asyncio; each call has its own."""

    def close(self):
        pass

    def open(self):
        self.module = self.find()

    def call(self, name, *arguments, **named):
        async def go():
            async with self.module.InferenceServerClient(self.address) as client:
                return await getattr(client, name)(*arguments, **named)

        return asyncio.run(go())


class TritonHttpAsyncio(Asyncio, TritonHttp):
    """tritonclient.http.aio, binary tensors."""

    @staticmethod
    def find():
        import tritonclient.http.aio as module

        return module


class TritonGrpcAsyncio(Asyncio, TritonGrpc):
    """tritonclient.grpc.aio."""

    @staticmethod
    def find():
        import tritonclient.grpc.aio as module

        return module


class TypedGrpc:
    """The gRPC stub itself, with tensors in the typed lists of InferTensorContents."""

    cannot_send = {"FP16", "BF16"}
    has_versions = True

    def __init__(self, address):
        import grpc
        from tritonclient.grpc import service_pb2, service_pb2_grpc

        self.messages, self.grpc = service_pb2, grpc
        self.channel = grpc.insecure_channel(address)
        self.stub = service_pb2_grpc.GRPCInferenceServiceStub(self.channel)

    def close(self):
        self.channel.close()

    def ask(self, method, request, **named):
        """Calls any method of the service."""
        try:
            return getattr(self.stub, method)(request, timeout=20, **named)
        except self.grpc.RpcError as error:
            raise Refused(error.details(), error.code().name) from error

    def request(self, model, inputs, outputs=None, version=None, id=None):
        """A request with typed contents."""
        request = self.messages.ModelInferRequest(model_name=model, model_version=version or "", id=id or "")
        for name, array in inputs.items():
            tensor = request.inputs.add(name=name, datatype=kind_of(array), shape=array.shape)
            getattr(tensor.contents, CONTENTS[kind_of(array)]).extend(array.flatten().tolist())
        for name in outputs or []:
            request.outputs.add(name=name)
        return request

    def infer(self, model, inputs, outputs=None, version=None, id=None, parameters=None):
        request = self.request(model, inputs, outputs, version, id)
        for key, value in (parameters or {}).items():
            field = {bool: "bool_param", int: "int64_param", str: "string_param", float: "double_param"}[type(value)]
            setattr(request.parameters[key], field, value)
        return read_grpc(self.ask("ModelInfer", request))


def as_bytes(array):
    """BYTES as bytes: clients give what came in JSON as str."""
    import numpy as np

    if array is None or array.dtype != np.object_:
        return array
    encoded = np.empty(array.size, dtype=object)
    encoded[:] = [item.encode() if isinstance(item, str) else item for item in array.flatten()]
    return encoded.reshape(array.shape)


def read_grpc(response):
    """An answer from the message, whose tensors are raw or typed but not both."""
    import numpy as np
    from .tensors import NUMPY

    raws = list(response.raw_output_contents)
    if raws and (len(raws) != len(response.outputs) or any(one.contents.ByteSize() for one in response.outputs)):
        raise AssertionError("raw_output_contents must hold every output, and contents none")
    arrays = {}
    for place, one in enumerate(response.outputs):
        if raws:
            arrays[one.name] = from_raw(raws[place], one.datatype, list(one.shape))
            continue
        items = list(getattr(one.contents, CONTENTS[one.datatype]))
        array = np.empty(len(items), dtype=NUMPY[one.datatype])
        array[:] = items
        arrays[one.name] = array.reshape(list(one.shape))
    datatypes = {one.name: one.datatype for one in response.outputs}
    return Answer(response.model_name, response.model_version, response.id, arrays, datatypes)


class Kserve:
    """kserve's clients, in a process of their own: their messages have the same names as tritonclient's, which Python's protobuf
    does not allow in one process."""

    has_versions = False
    _worker = None

    def __init__(self, form, address):
        self.form, self.address = form, address
        # kserve itself refuses to send FP16 other than raw and does not know BF16.
        self.cannot_send = {"BF16"} if form in ("rest-binary", "grpc-raw") else {"BF16", "FP16"}

    def close(self):
        if Kserve._worker is not None:
            Kserve._worker.stdin.close()
            Kserve._worker.wait()
            Kserve._worker = None

    def ask(self, method, **named):
        if Kserve._worker is None:
            folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
            Kserve._worker = subprocess.Popen(
                [sys.executable, "-m", "oip.kserve_worker"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        pickle.dump((self.form, self.address, method, named), Kserve._worker.stdin)
        Kserve._worker.stdin.flush()
        kind, value = pickle.load(Kserve._worker.stdout)
        if kind == "refused":
            raise Refused(*value)
        if kind == "failed":
            raise AssertionError(value)
        return value

    def live(self):
        return self.ask("is_server_live")

    def ready(self):
        return self.ask("is_server_ready")

    def model_ready(self, model):
        return self.ask("is_model_ready", model_name=model)

    def infer(self, model, inputs, outputs=None, id=None, parameters=None):
        tensors = [(name, kind_of(array), array) for name, array in inputs.items()]
        head, outputs = self.ask("infer", model=model, inputs=tensors, outputs=outputs, id=id, parameters=parameters)
        arrays = {name: as_bytes(array) for name, _, array in outputs}
        return Answer(*head, arrays, {name: kind for name, kind, _ in outputs})


def all_clients(http, grpc):
    """Every client by name."""
    return {
        "plain-json": PlainJson(http),
        "triton-http-json": TritonHttp(http, binary=False),
        "triton-http-binary": TritonHttp(http, binary=True),
        "triton-http-aio": TritonHttpAsyncio(http, binary=True),
        "triton-grpc": TritonGrpc(grpc),
        "triton-grpc-aio": TritonGrpcAsyncio(grpc),
        "grpc-typed": TypedGrpc(grpc),
        "kserve-rest-json": Kserve("rest-json", http),
        "kserve-rest-binary": Kserve("rest-binary", http),
        "kserve-grpc-raw": Kserve("grpc-raw", grpc),
        "kserve-grpc-typed": Kserve("grpc-typed", grpc),
    }


# Which clients send tensors in binary over HTTP: an extension.
BINARY = ["triton-http-binary", "triton-http-aio", "kserve-rest-binary"]
CLIENTS = [
    "plain-json", "triton-http-json", "triton-http-binary", "triton-http-aio", "triton-grpc", "triton-grpc-aio", "grpc-typed",
    "kserve-rest-json", "kserve-rest-binary", "kserve-grpc-raw", "kserve-grpc-typed",
]
# One for each client that asks for health; the others are the same client with tensors in another form.
HEALTH = ["triton-http-json", "triton-http-aio", "triton-grpc", "triton-grpc-aio", "kserve-rest-json", "kserve-grpc-raw"]
METADATA = ["triton-http-json", "triton-http-aio", "triton-grpc", "triton-grpc-aio"]


def is_grpc(client):
    return "grpc" in client
