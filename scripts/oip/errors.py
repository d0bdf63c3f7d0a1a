"""Errors: requests that are wrong, over REST with the body that the specification wants, and over gRPC with a code."""

import json

import numpy as np

from .case import OIP_GRPC, OIP_REST, Refused, case, holds, is_refused, same
from .clients import read_grpc
from .inference import PAIR, one_input
from .plain_http import check_error
from .tensors import check_equal, from_json, sample

PART = "errors"
SECTION = f"{OIP_REST}, Inference Response JSON Error Object"


def body(**changes):
    return {"inputs": [one_input(**changes)]}


def without(field):
    tensor = one_input()
    del tensor[field]
    return {"inputs": [tensor]}


# What each body is, as text or as a value.
BODIES = [
    ("empty", ""),
    ("not_json", "inputs=1"),
    ("cut_off", json.dumps(body())[:-5]),
    ("trailing_garbage", json.dumps(body()) + "}"),
    ("bad_utf8", b'{"inputs": [{"name": "\xff\xfe"}]}'),
    ("array", []),
    ("text", "\"inputs\""),
    ("null", None),
    ("no_inputs_field", {}),
    ("inputs_of_text", {"inputs": "INPUT0"}),
    ("inputs_of_numbers", {"inputs": [1]}),
    ("no_input_at_all", {"inputs": []}),
    ("no_name", without("name")),
    ("no_shape", without("shape")),
    ("no_datatype", without("datatype")),
    ("no_data", without("data")),
    ("null_data", body(data=None)),
    ("unknown_datatype", body(datatype="FP99")),
    ("datatype_of_number", body(datatype=32)),
    ("shape_of_text", body(shape="2,3")),
    ("shape_negative", body(shape=[-2, -3])),
    ("shape_of_fractions", body(shape=[2.5, 3])),
    ("shape_huge", body(shape=[2**62, 2**62])),
    ("too_few_elements", body(data=[1.0, 2.0])),
    ("too_many_elements", body(data=[1.0] * 7)),
    ("ragged", body(data=[[1.0, 2.0, 3.0], [4.0, 5.0]])),
    ("unknown_input", {"inputs": [one_input(name="INPUT7")]}),
    ("unknown_input_too", {"inputs": [one_input(), one_input(name="INPUT7")]}),
    ("input_twice", {"inputs": [one_input(), one_input()]}),
    ("wrong_datatype", {"inputs": [one_input("INT64")]}),
    ("unknown_output", body() | {"outputs": [{"name": "OUTPUT9"}]}),
    ("output_without_name", body() | {"outputs": [{}]}),
    ("parameters_of_text", body() | {"parameters": "priority"}),
    ("id_of_object", body() | {"id": {}}),
]


@case("error.{0}", PART, SECTION, [(name, value) for name, value in BODIES])
def bad_body(server, what, value):
    """A wrong request has a status of 4xx and exactly {"error": string}. The identity model is told its types and ranks, and refuses
    others as any model would."""
    raw = value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else json.dumps(value).encode()
    path = f"v2/models/{server.model('FP32')}/infer"
    check_error(server.http.ask("POST", path, raw, {"Content-Type": "application/json"}))


@case("error.element.{0}", PART, f"{OIP_REST}, Tensor Data", [("text", "one"), ("object", {}), ("null", None), ("array_deep", [[1]])])
def no_number(server, what, element):
    """An element that is no number is an error, or is coerced to one ("the server can decide to coerce each element")."""
    response = server.http.post(f"v2/models/{server.model('FP32')}/infer", body(data=[element] * 6))
    if response.status != 200:
        return check_error(response)
    got = response.json()["outputs"][0]["data"]
    holds(all(isinstance(one, (int, float)) for one in got), f"came back as FP32: {got}")


@case("error.wrong_rank", PART, SECTION)
def wrong_rank(server):
    """A tensor of another rank than the metadata's is an error, or is taken as one row of a batch: the specification does not say who adds
    the batch's axis. Then its elements come back."""
    response = server.http.post(f"v2/models/{server.model('FP32')}/infer", body(shape=[6]))
    if response.status != 200:
        return check_error(response)
    output = response.json()["outputs"][0]
    holds(output["shape"] in ([6], [1, 6]), f"shape {output['shape']}")
    check_equal(from_json(output["data"], "FP32", [2, 3]), sample("FP32"), "OUTPUT0")


RANGES = [("UINT8", 256), ("UINT8", -1), ("INT8", 128), ("INT16", 1 << 15), ("UINT16", 1 << 16), ("INT32", 1 << 31),
          ("UINT32", 1 << 32), ("INT64", 1 << 63), ("UINT64", -1), ("UINT64", 1 << 64)]


@case("error.range.{0}.{1}", PART, f"{OIP_REST}, Tensor Data", RANGES)
def out_of_range(server, kind, value):
    """A number that its type does not hold is an error, or is coerced to one that it holds ("the server can decide to coerce")."""
    request = {"inputs": [{"name": "INPUT0", "shape": [1, 1], "datatype": kind, "data": [value]}]}
    response = server.http.post(f"v2/models/{server.model(kind)}/infer", request)
    if response.status != 200:
        return check_error(response)
    limits = np.iinfo(sample(kind).dtype)
    (got,) = np.array(response.json()["outputs"][0]["data"], dtype=object).flatten()
    holds(limits.min <= got <= limits.max, f"{got} came back as {kind}")


@case("error.missing_input", PART, SECTION)
def missing_input(server):
    """An input that the metadata names and the request lacks is an error."""
    request = {"inputs": [{"name": "INPUT0", "shape": [1, 1], "datatype": "INT64", "data": [1]}]}
    check_error(server.http.post(f"v2/models/{server.model('pair')}/infer", request))


@case("error.unknown_model", PART, SECTION)
def unknown_model(server):
    """A model that is not there."""
    check_error(server.http.post("v2/models/no_such_model/infer", body()))


@case("error.unknown_version", PART, SECTION)
def unknown_version(server):
    """A version that is not there."""
    model = server.model("FP32")
    server.versions(model)
    check_error(server.http.post(f"v2/models/{model}/versions/987654/infer", body()))


@case("error.traversal", PART, SECTION)
def traversal(server):
    """A model's name that is a path leads nowhere."""
    response = server.http.post("v2/models/..%2f..%2fetc%2fpasswd/infer", body())
    holds(400 <= response.status < 500, f"status {response.status}")


@case("error.name_not_utf8", PART, SECTION)
def name_not_utf8(server):
    """A model's name that is no text is an error with the specification's body."""
    check_error(server.http.post("v2/models/%ff%fe/infer", body()))


@case("error.method", PART, "RFC 9110, 15.5.6 405 Method Not Allowed")
def method(server):
    """GET of infer is not there: 404 or 405."""
    holds(server.http.get(f"v2/models/{server.model('FP32')}/infer").status in (404, 405), "status")


@case("error.path", PART, "RFC 9110, 15.5.5 404 Not Found")
def path(server):
    """A path that is not the protocol's is not there."""
    same(server.http.get("v2/no_such_thing").status, 404, "status")


@case("error.then_right", PART, f"{OIP_REST}, Inference")
def then_right(server):
    """After all these errors a right request is answered."""
    same(server.http.post(f"v2/models/{server.model('FP32')}/infer", body()).status, 200, "status")


# gRPC: "the OK code indicates success and other codes indicate failure". UNKNOWN and INTERNAL say that the server failed, which is
# not so here.
FAULT = ["INVALID_ARGUMENT", "NOT_FOUND", "OUT_OF_RANGE", "FAILED_PRECONDITION", "UNIMPLEMENTED"]


def refused_by(server, request, statuses=FAULT):
    refused = is_refused(lambda: server.clients["grpc-typed"].ask("ModelInfer", request))
    holds(refused.status in statuses, f"code {refused.status}: {refused.message}")


def grpc_request(server, model="FP32", inputs=None, **more):
    return server.clients["grpc-typed"].request(server.model(model), inputs or {"INPUT0": sample("FP32")}, **more)


GRPC = f"{OIP_GRPC}, Inference"


def change(change):
    def request_of(server):
        request = grpc_request(server)
        change(request)
        return request

    return request_of


def both_forms(request):
    request.raw_input_contents.append(sample("FP32").tobytes())


def raw_of(*raws):
    def to_raw(request):
        request.inputs[0].ClearField("contents")
        request.raw_input_contents.extend(raws)

    return change(to_raw)


def renamed(request):
    request.inputs[0].name = "INPUT7"


def retyped(request):
    request.inputs[0].datatype = "FP99"


def reshaped(shape):
    def to_shape(request):
        del request.inputs[0].shape[:]
        request.inputs[0].shape.extend(shape)

    return change(to_shape)


def other_list(request):
    request.inputs[0].ClearField("contents")
    request.inputs[0].contents.int_contents.extend(range(6))


GRPC_REQUESTS = [
    ("no_inputs", change(lambda request: request.ClearField("inputs"))),
    ("unknown_input", change(renamed)),
    ("unknown_datatype", change(retyped)),
    ("unknown_output", lambda server: grpc_request(server, outputs=["OUTPUT9"])),
    ("negative_shape", reshaped([-2, -3])),
    ("huge_shape", reshaped([2**62, 2**62])),
    ("too_few_elements", reshaped([3, 3])),
    ("too_many_elements", reshaped([1, 3])),
    ("contents_of_another_type", change(other_list)),
    ("raw_too_short", raw_of(sample("FP32").tobytes()[:-1])),
    ("raw_too_long", raw_of(sample("FP32").tobytes() + b"\0")),
    ("raw_too_many", raw_of(sample("FP32").tobytes(), b"")),
    ("missing_input", lambda server: grpc_request(server, "pair", {"INPUT0": PAIR["INPUT0"]})),
    ("wrong_datatype", lambda server: grpc_request(server, "FP32", {"INPUT0": sample("INT64")})),
]


@case("grpc.error.{0}", PART, GRPC, GRPC_REQUESTS)
def grpc_error(server, what, request_of):
    """A wrong request has a code that says that the request is wrong."""
    refused_by(server, request_of(server))


LENIENT = [("wrong_rank", reshaped([6])), ("raw_and_contents", change(both_forms))]


@case("grpc.error.{0}", PART, GRPC, LENIENT)
def grpc_lenient(server, what, request_of):
    """A tensor of another rank, or one that is both raw and typed ("must not be specified", which binds the client): an error, or the
    elements come back."""
    try:
        answer = read_grpc(server.clients["grpc-typed"].ask("ModelInfer", request_of(server)))
    except Refused as refused:
        return holds(refused.status in FAULT, f"code {refused.status}: {refused.message}")
    check_equal(answer.outputs["OUTPUT0"].reshape(2, 3), sample("FP32"), "OUTPUT0")


@case("grpc.error.bytes_beyond_end", PART, f"{OIP_GRPC}, Tensor Data: BYTES")
def bytes_beyond_end(server):
    """Raw BYTES whose element goes beyond the tensor's end are refused."""
    request = grpc_request(server, "BYTES", {"INPUT0": np.array([[b"a"]], dtype=object)})
    request.inputs[0].ClearField("contents")
    request.raw_input_contents.append(b"\xff\xff\xff\x7fabc")
    refused_by(server, request)


@case("grpc.error.unknown_model", PART, GRPC)
def grpc_unknown_model(server):
    """A model that is not there."""
    request = grpc_request(server)
    request.model_name = "no_such_model"
    refused_by(server, request, [*FAULT, "UNAVAILABLE"])


@case("grpc.error.unknown_version", PART, GRPC)
def grpc_unknown_version(server):
    """A version that is not there."""
    server.versions(server.model("FP32"))
    refused_by(server, grpc_request(server, version="987654"), [*FAULT, "UNAVAILABLE"])


@case("grpc.error.then_right", PART, GRPC)
def grpc_then_right(server):
    """After all these errors a right request is answered."""
    response = server.clients["grpc-typed"].ask("ModelInfer", grpc_request(server))
    same([output.name for output in response.outputs], ["OUTPUT0"], "outputs")
