"""Triton's system-shared-memory extension, by tritonclient's own helper."""

import contextlib
import uuid

import numpy as np

from .case import TRITON, NotOffered, Refused, case, holds, is_refused, same
from .plain_http import check_error
from .tensors import check_equal, sample

PART = "shared memory"
SECTION = f"{TRITON}, Shared memory: system"
CLIENTS = ["triton-http-json", "triton-http-aio", "triton-grpc", "triton-grpc-aio"]
BYTES = 256


def protocol(client):
    return "grpc" if "grpc" in client else "http"


@contextlib.contextmanager
def region(server, client, registered=True, offset=0):
    """A region of this machine's shared memory, known to the server under its name."""
    import tritonclient.utils.shared_memory as shared

    server.needs("system_shared_memory", protocol(client))
    one = server.clients[client]
    name = f"mvl_oip_{uuid.uuid4().hex[:12]}"
    handle = shared.create_shared_memory_region(name, f"/{name}", BYTES + offset)
    try:
        if registered:
            one.told(lambda: one.call("register_system_shared_memory", name, f"/{name}", BYTES, offset))
        yield name, handle, shared
    finally:
        with contextlib.suppress(Refused):
            one.told(lambda: one.call("unregister_system_shared_memory", name))
        shared.destroy_shared_memory_region(handle)


def status(server, client, name=""):
    one = server.clients[client]
    named = {"as_json": True} if protocol(client) == "grpc" else {}
    answer = one.told(lambda: one.call("get_system_shared_memory_status", name, **named))
    lines = answer if isinstance(answer, list) else list(answer.get("regions", {}).values())
    return {line["name"]: (line["key"], int(line.get("offset", 0)), int(line["byte_size"])) for line in lines}


def infer(server, client, model, given, outputs=None):
    """The tensors of a request are made by the caller."""
    one = server.clients[client]
    return one.told(lambda: one.call("infer", model, given, outputs=outputs))


def input_in(one, array, name, offset=0, kind="FP32", size=None):
    tensor = one.module.InferInput("INPUT0", list(array.shape), kind)
    return tensor.set_shared_memory(name, array.nbytes if size is None else size, offset)


def output_in(one, name, size, offset=0):
    output = one.module.InferRequestedOutput("OUTPUT0")
    output.set_shared_memory(name, size, offset)
    return output


def carried(answer):
    """What the answer itself holds of OUTPUT0."""
    response = answer.get_response()
    if isinstance(response, dict):
        return response["outputs"][0].get("data") or response["outputs"][0].get("parameters", {}).get("binary_data_size")
    return b"".join(response.raw_output_contents) or response.outputs[0].HasField("contents")


@case("memory.register.{0}", PART, f"{SECTION}: Register, Status, Unregister", CLIENTS)
def register(server, client):
    """A registered region is told by its name and among all, with key, offset and size; unregistered, it is gone."""
    with region(server, client, offset=64) as (name, _, _):
        expected = {name: (f"/{name}", 64, BYTES)}
        same(status(server, client, name), expected, "by name")
        same({key: one for key, one in status(server, client).items() if key == name}, expected, "among all")
        one = server.clients[client]
        one.told(lambda: one.call("unregister_system_shared_memory", name))
        holds(name not in status(server, client), "it is still there")


@case("memory.input.{0}", PART, f"{SECTION}: shared_memory_region of inputs", CLIENTS)
def of_input(server, client):
    """An input is read from the region, at its offset."""
    array = sample("FP32")
    with region(server, client) as (name, handle, shared):
        shared.set_shared_memory_region(handle, [array], offset=32)
        answer = infer(server, client, server.model("FP32"), [input_in(server.clients[client], array, name, 32)])
        check_equal(answer.as_numpy("OUTPUT0"), array, "OUTPUT0")


@case("memory.output.{0}", PART, f"{SECTION}: shared_memory_region of outputs", CLIENTS)
def of_output(server, client):
    """An output is written to the region, at its offset, and is not in the answer."""
    array, one = sample("FP32"), server.clients[client]
    with region(server, client) as (name, handle, shared):
        given = one.module.InferInput("INPUT0", list(array.shape), "FP32")
        given.set_data_from_numpy(array)
        answer = infer(server, client, server.model("FP32"), [given], [output_in(one, name, array.nbytes, 128)])
        holds(not carried(answer), "the output is in the answer too")
        check_equal(shared.get_contents_as_numpy(handle, np.float32, [2, 3], offset=128), array, "OUTPUT0")


@case("memory.both.{0}.{1}", PART, SECTION, [(client, kind) for client in CLIENTS for kind in ("FP32", "BYTES", "FP16")])
def of_both(server, client, kind):
    """Input and output lie in one region."""
    array, one = sample(kind), server.clients[client]
    with region(server, client) as (name, handle, shared):
        from .tensors import to_raw

        size = len(to_raw(array))
        if kind == "BYTES":
            shared.set_shared_memory_region(handle, [np.frombuffer(to_raw(array), dtype=np.uint8)])
        else:
            shared.set_shared_memory_region(handle, [array])
        given = input_in(one, array, name, kind=kind, size=size)
        answer = infer(server, client, server.model(kind), [given], [output_in(one, name, size, 128)])
        described = answer.get_output("OUTPUT0")
        holds(described is not None, "the answer does not name the output")
        if kind == "BYTES":
            raw = shared.get_contents_as_numpy(handle, np.uint8, [size], offset=128)
            same(raw.tobytes(), to_raw(array), "OUTPUT0")
        else:
            check_equal(shared.get_contents_as_numpy(handle, array.dtype.type, [2, 3], offset=128), array, "OUTPUT0")


def both_clients(name):
    return case(f"memory.error.{name}.{{0}}", PART, SECTION, ["triton-http-json", "triton-grpc"])


@both_clients("unknown_key")
def unknown_key(server, client):
    """A key of no shared memory cannot be registered."""
    server.needs("system_shared_memory", protocol(client))
    one = server.clients[client]
    is_refused(lambda: one.told(lambda: one.call("register_system_shared_memory", "mvl_none", "/mvl_none", BYTES)))


@both_clients("too_large")
def too_large(server, client):
    """A region larger than the memory behind its key cannot be registered."""
    with region(server, client, registered=False) as (name, _, _):
        one = server.clients[client]
        is_refused(lambda: one.told(lambda: one.call("register_system_shared_memory", name, f"/{name}", 1 << 40)))


@both_clients("twice")
def twice(server, client):
    """A name is registered once."""
    with region(server, client) as (name, _, _):
        one = server.clients[client]
        is_refused(lambda: one.told(lambda: one.call("register_system_shared_memory", name, f"/{name}", BYTES)))


@both_clients("unknown_region")
def unknown_region(server, client):
    """An input in a region that is not registered."""
    server.needs("system_shared_memory", protocol(client))
    given = input_in(server.clients[client], sample("FP32"), "mvl_none")
    is_refused(lambda: infer(server, client, server.model("FP32"), [given]))


@both_clients("beyond_region")
def beyond_region(server, client):
    """An input that reaches beyond its region."""
    with region(server, client) as (name, _, _):
        given = input_in(server.clients[client], sample("FP32"), name, BYTES - 8)
        is_refused(lambda: infer(server, client, server.model("FP32"), [given]))


@both_clients("wrong_size")
def wrong_size(server, client):
    """An input whose size is not its shape's."""
    with region(server, client) as (name, _, _):
        given = input_in(server.clients[client], sample("FP32"), name, size=20)
        is_refused(lambda: infer(server, client, server.model("FP32"), [given]))


@both_clients("output_too_small")
def output_too_small(server, client):
    """An output that does not fit into its place."""
    with region(server, client) as (name, handle, shared):
        one, array = server.clients[client], sample("FP32")
        shared.set_shared_memory_region(handle, [array])
        outputs = [output_in(one, name, 8, 128)]
        is_refused(lambda: infer(server, client, server.model("FP32"), [input_in(one, array, name)], outputs))


@both_clients("unknown_status")
def unknown_status(server, client):
    """The status of a region that is not registered."""
    server.needs("system_shared_memory", protocol(client))
    is_refused(lambda: status(server, client, "mvl_none"))


def memory_request(**parameters):
    return {"inputs": [{"name": "INPUT0", "shape": [2, 3], "datatype": "FP32", "parameters": parameters}]}


@case("memory.error.data_too", PART, f"{SECTION}: data must not be set")
def data_too(server):
    """An input with data and a region is an error with the specification's body."""
    with region(server, "triton-http-json") as (name, handle, shared):
        shared.set_shared_memory_region(handle, [sample("FP32")])
        request = memory_request(shared_memory_region=name, shared_memory_byte_size=24)
        request["inputs"][0]["data"] = [1.0] * 6
        check_error(server.http.post(f"v2/models/{server.model('FP32')}/infer", request))


@case("memory.error.no_size", PART, f"{SECTION}: the other two parameters are required")
def no_size(server):
    """A region without its size is an error with the specification's body."""
    with region(server, "triton-http-json") as (name, _, _):
        request = memory_request(shared_memory_region=name)
        check_error(server.http.post(f"v2/models/{server.model('FP32')}/infer", request))


@case("memory.error.no_region", PART, f"{SECTION}: the other two parameters are required")
def no_region(server):
    """A size without a region is an error with the specification's body."""
    server.needs("system_shared_memory")
    request = memory_request(shared_memory_byte_size=24)
    check_error(server.http.post(f"v2/models/{server.model('FP32')}/infer", request))


@case("memory.error.traversal", PART, SECTION)
def traversal(server):
    """A key that is a path to another file is refused."""
    server.needs("system_shared_memory")
    body = {"key": "/../../etc/passwd", "offset": 0, "byte_size": 8}
    check_error(server.http.post("v2/systemsharedmemory/region/mvl_passwd/register", body))


@case("memory.unregister_all.{0}", PART, f"{SECTION}: Unregister", ["triton-http-json", "triton-grpc"])
def unregister_all(server, client):
    """Without a name all regions are unregistered."""
    with region(server, client) as (name, _, _):
        one = server.clients[client]
        one.told(lambda: one.call("unregister_system_shared_memory"))
        same(status(server, client), {}, "regions")


OTHERS = ["cuda_shared_memory", "trace", "logging", "generate"]


@case("extension.{0}", "other extensions", f"{TRITON}s that most servers leave out", OTHERS)
def others(server, extension):
    """Whether the server has it at all; when it has, its plainest request must be answered."""
    server.needs(extension)


@case("extension.{0}", "other extensions", f"{TRITON}s that most servers leave out", ["classification", "sequence"])
def in_requests(server, extension):
    """The same for those that are parameters of requests: a server that does not list them must not be taken to have them."""
    if extension not in server.extensions:
        raise NotOffered("not in the server's extensions")
