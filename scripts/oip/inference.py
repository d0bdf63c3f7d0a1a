"""Inference: every type by every client, ids, versions, choice of outputs, shapes."""

import json

import numpy as np

from .case import OIP_GRPC, OIP_REST, TRITON, NotOffered, Refused, case, holds, is_refused, same
from .clients import BINARY, CLIENTS, read_grpc
from .tensors import TYPES, check_equal, from_json, sample, to_json

TENSORS = f"{OIP_REST} and gRPC, Inference; Tensor Data Types"


def binary_or_not_offered(server, client, call):
    """Calls; a server without the binary extension may refuse what needs it."""
    try:
        return call()
    except Refused as refused:
        if client in BINARY and "binary_tensor_data" not in server.extensions:
            raise NotOffered(f"binary_tensor_data is not in the server's extensions ({str(refused)[:120]})") from None
        raise


def there_and_back(server, client, kind, array, **more):
    """The identity model gives back an array, with its type and shape."""
    call = lambda: server.clients[client].infer(server.model(kind), {"INPUT0": array}, **more)
    answer = binary_or_not_offered(server, client, call)
    same(answer.datatypes, {"OUTPUT0": kind}, "datatypes")
    check_equal(answer.outputs["OUTPUT0"], array, "OUTPUT0")
    return answer


def can(client, kind):
    """Whether a client can send a type at all: see `cannot_send` in clients.py."""
    no_bf16 = client in ("plain-json", "triton-http-json", "grpc-typed") or client.startswith("kserve")
    # The specification calls FP16 in JSON "problematic", without forbidding it; kserve refuses by itself.
    no_fp16 = client in ("grpc-typed", "kserve-rest-json", "kserve-grpc-typed")
    return not (kind == "BF16" and no_bf16) and not (kind == "FP16" and no_fp16)


EVERY = [(client, kind) for client in CLIENTS for kind in TYPES if can(client, kind)]


@case("infer.{0}.{1}", "types", TENSORS, EVERY)
def every_type(server, client, kind):
    """A tensor of each type comes back bit by bit, its smallest and largest values and (BYTES) text in UTF-8 among them. FP16 in JSON
    may be refused: the specification calls it problematic."""
    try:
        there_and_back(server, client, kind, sample(kind))
    except Refused as refused:
        if kind == "FP16" and client.endswith("json"):
            raise NotOffered(f"FP16 in JSON is refused, as the specification allows: {refused}") from None
        raise


@case("infer.{0}.BF16", "types", f"{TRITON}, data types (BF16)", [c for c in CLIENTS if can(c, "BF16")])
def bfloat(server, client):
    """BF16, which Triton adds, comes back bit by bit where the server has a model for it."""
    there_and_back(server, client, "BF16", sample("BF16"))


RAW = ["triton-http-binary", "triton-http-aio", "triton-grpc", "triton-grpc-aio", "kserve-rest-binary", "kserve-grpc-raw"]


@case("infer.bytes_not_text.{0}", "types", f"{OIP_REST}, Tensor Data Types: BYTES", [
    # kserve's REST client makes text of every answer by itself.
    *[client for client in RAW if client != "kserve-rest-binary"], "grpc-typed",
])
def bytes_not_text(server, client):
    """BYTES that are not UTF-8, with zeros in them, come back bit by bit where they are sent raw."""
    array = np.array([[b"\x00\xff\xfe", b"a\x00b\x00", bytes(range(256))]], dtype=object)
    there_and_back(server, client, "BYTES", array)


def not_finite(server, client, kind, array):
    try:
        there_and_back(server, client, kind, array)
    except Refused as refused:
        raise NotOffered(f"values that are not finite are refused: {refused}"[:200]) from None


@case("infer.nan.{0}", "types", f"{OIP_REST} and gRPC, Tensor Data", RAW + ["grpc-typed"])
def not_a_number(server, client):
    """NaN and infinities come back bit by bit where they are sent raw or in typed lists. JSON has no words for them. A server may
    refuse them, which the specification does not forbid, but not change them."""
    not_finite(server, client, "FP32", np.array([[np.nan, np.inf, -np.inf, -0.0]], dtype=np.float32))


@case("infer.nan.fp16.{0}", "types", f"{OIP_REST} and gRPC, Tensor Data", RAW)
def half_not_a_number(server, client):
    """The same of FP16, with a subnormal."""
    not_finite(server, client, "FP16", np.array([[np.nan, np.inf, -np.inf, 6e-8]], dtype=np.float16))


SHAPES = [(client, shape) for client in CLIENTS for shape in ("1x1", "5x4")]


@case("infer.shape.{0}.{1}", "inference", f"{OIP_REST} and gRPC, Request Input: shape", SHAPES)
def shapes(server, client, shape):
    """The shape counts the whole batch and comes back."""
    rows, columns = (int(side) for side in shape.split("x"))
    there_and_back(server, client, "FP32", np.arange(rows * columns, dtype=np.float32).reshape(rows, columns) / 7)


LARGE = ["triton-http-binary", "triton-http-json", "triton-grpc", "kserve-rest-binary", "kserve-grpc-raw"]


@case("infer.large.{0}", "inference", f"{OIP_REST} and gRPC, Inference", LARGE)
def large(server, client):
    """A tensor of 2.4 MB, an image's size, comes back."""
    there_and_back(server, client, "FP32", np.linspace(-1, 1, 3 * 448 * 448, dtype=np.float32).reshape(1, -1))


@case("infer.id.{0}", "inference", f"{OIP_REST} and gRPC, Inference Request: id", CLIENTS)
def ids(server, client):
    """The id of a request is in its answer."""
    answer = there_and_back(server, client, "FP32", sample("FP32"), id="request-42")
    same(answer.id, "request-42", "id")


@case("infer.id_not_ascii.{0}", "inference", f"{OIP_REST} and gRPC, Inference Request: id", CLIENTS)
def ids_in_unicode(server, client):
    """An id may be any text."""
    text = "gr\u00fc\u00dfe \u6f22 \u2713"
    same(there_and_back(server, client, "FP32", sample("FP32"), id=text).id, text, "id")


@case("infer.model_name.{0}", "inference", f"{OIP_REST} and gRPC, Inference Response: model_name", CLIENTS)
def names(server, client):
    """The answer names the model, and no version that the metadata does not name."""
    model = server.model("FP32")
    answer = there_and_back(server, client, "FP32", sample("FP32"))
    same(answer.model, model, "model_name")
    if answer.version:
        holds(answer.version in server.versions(model), f"version {answer.version!r}")


PAIR = {"INPUT0": np.array([[1, -2], [3, 4]], dtype=np.int64), "INPUT1": np.array([[0.5], [-4.0]], dtype=np.float32)}


@case("infer.pair.{0}", "inference", f"{OIP_REST} and gRPC, Inference: inputs", CLIENTS)
def pair(server, client):
    """Two inputs of different types are told apart; without a choice of outputs all come."""
    call = lambda: server.clients[client].infer(server.model("pair"), PAIR)
    answer = binary_or_not_offered(server, client, call)
    same(sorted(answer.outputs), ["OUTPUT0", "OUTPUT1"], "outputs")
    check_equal(answer.outputs["OUTPUT0"], PAIR["INPUT0"], "OUTPUT0")
    check_equal(answer.outputs["OUTPUT1"], PAIR["INPUT1"], "OUTPUT1")


@case("infer.input_order.{0}", "inference", f"{OIP_REST} and gRPC, Inference: inputs", CLIENTS)
def input_order(server, client):
    """Inputs are known by their names, in whatever order they are sent."""
    given = {"INPUT1": PAIR["INPUT1"], "INPUT0": PAIR["INPUT0"]}
    call = lambda: server.clients[client].infer(server.model("pair"), given, outputs=["OUTPUT0", "OUTPUT1"])
    answer = binary_or_not_offered(server, client, call)
    check_equal(answer.outputs["OUTPUT0"], PAIR["INPUT0"], "OUTPUT0")
    check_equal(answer.outputs["OUTPUT1"], PAIR["INPUT1"], "OUTPUT1")


@case("infer.output_selection.{0}", "inference", f"{OIP_REST} and gRPC, Request Output", CLIENTS)
def selection(server, client):
    """Only the outputs come that were asked for."""
    call = lambda: server.clients[client].infer(server.model("pair"), PAIR, outputs=["OUTPUT1"])
    answer = binary_or_not_offered(server, client, call)
    same(list(answer.outputs), ["OUTPUT1"], "outputs")
    check_equal(answer.outputs["OUTPUT1"], PAIR["INPUT1"], "OUTPUT1")


@case("infer.output_order.{0}", "inference", f"{OIP_REST} and gRPC, Request Output", CLIENTS)
def both_outputs(server, client):
    """Both outputs, asked for in the other order, have the right data. The order in the answer is left free."""
    call = lambda: server.clients[client].infer(server.model("pair"), PAIR, outputs=["OUTPUT1", "OUTPUT0"])
    answer = binary_or_not_offered(server, client, call)
    same(sorted(answer.outputs), ["OUTPUT0", "OUTPUT1"], "outputs")
    check_equal(answer.outputs["OUTPUT0"], PAIR["INPUT0"], "OUTPUT0")
    check_equal(answer.outputs["OUTPUT1"], PAIR["INPUT1"], "OUTPUT1")


@case("infer.unknown_output.{0}", "inference", f"{OIP_REST} and gRPC, Request Output", CLIENTS)
def unknown_output(server, client):
    """An output that the model does not have is an error."""
    is_refused(lambda: server.clients[client].infer(server.model("pair"), PAIR, outputs=["OUTPUT9"]))


@case("infer.all_types.{0}", "inference", f"{OIP_REST} and gRPC, Inference: inputs", [c for c in CLIENTS if can(c, "FP16")])
def all_types(server, client):
    """One request with an input of every type."""
    given = {f"INPUT{place}": sample(kind) for place, kind in enumerate(TYPES)}
    call = lambda: server.clients[client].infer(server.model("all"), given)
    try:
        answer = binary_or_not_offered(server, client, call)
    except Refused as refused:
        if client.endswith("json") and "FP16" in str(refused):
            raise NotOffered(f"FP16 in JSON is refused, as the specification allows: {refused}") from None
        raise
    same(len(answer.outputs), len(TYPES), "outputs")
    for place, kind in enumerate(TYPES):
        check_equal(answer.outputs[f"OUTPUT{place}"], sample(kind), f"OUTPUT{place} ({kind})")


VERSIONED = [client for client in CLIENTS if not client.startswith("kserve")]


@case("infer.version.{0}", "inference", f"{OIP_REST} and gRPC, Inference: model_version", VERSIONED)
def version(server, client):
    """Each version that the metadata names can be asked, and says which it is."""
    model = server.model("FP32")
    for version in server.versions(model):
        answer = there_and_back(server, client, "FP32", sample("FP32"), version=version)
        same(answer.version, version, "model_version")


@case("infer.unknown_version.{0}", "inference", f"{OIP_REST} and gRPC, Inference: model_version", VERSIONED)
def unknown_version(server, client):
    """A version that is not there is an error."""
    model = server.model("FP32")
    server.versions(model)
    is_refused(lambda: server.clients[client].infer(model, {"INPUT0": sample("FP32")}, version="987654"))


@case("infer.unknown_model.{0}", "inference", f"{OIP_REST} and gRPC, Inference", CLIENTS)
def unknown_model(server, client):
    """A model that is not there is an error."""
    is_refused(lambda: server.clients[client].infer("no_such_model", {"INPUT0": sample("FP32")}))


# JSON as it is written.


def one_input(kind="FP32", **changes):
    array = sample(kind)
    return {"name": "INPUT0", "shape": list(array.shape), "datatype": kind, "data": to_json(array)} | changes


@case("json.fields", "inference", f"{OIP_REST}, Inference Response JSON Object")
def response_fields(server):
    """The answer is JSON with model_name and outputs; outputs have name, shape, datatype and data; a field that is not the
    specification's does not occur. An id that was not given may be missing or made up."""
    response = server.http.post(f"v2/models/{server.model('FP32')}/infer", {"inputs": [one_input()]})
    same(response.status, 200, "status")
    holds(response.headers.get("content-type", "").startswith("application/json"), f"{response.headers}")
    body = response.json()
    holds({"model_name", "outputs"} <= set(body), f"fields {sorted(body)}")
    holds(set(body) <= {"model_name", "model_version", "id", "parameters", "outputs"}, f"fields {sorted(body)}")
    for output in body["outputs"]:
        holds({"name", "shape", "datatype", "data"} <= set(output), f"fields {sorted(output)}")
        holds(set(output) <= {"name", "shape", "datatype", "data", "parameters"}, f"fields {sorted(output)}")


@case("json.nested.{0}", "inference", f"{OIP_REST}, Tensor Data", ["FP32", "INT64", "BOOL", "BYTES"])
def nested(server, kind):
    """Data may be nested as the shape says, or flat: both mean the same."""
    array = sample(kind)
    rows = [to_json(row) for row in array]
    body = {"inputs": [one_input(kind, data=rows)]}
    answer = server.http.ok(server.http.post(f"v2/models/{server.model(kind)}/infer", body))
    output = answer["outputs"][0]
    check_equal(from_json(output["data"], output["datatype"], output["shape"]), array, "OUTPUT0")


@case("json.content_type.{0}", "inference", f"{OIP_REST}, Inference Request Examples", [
    ("with_charset", "application/json; charset=utf-8"), ("plain", "application/json"),
])
def content_type(server, what, kind):
    """JSON with its Content-Type is taken, with a charset beside it too."""
    body = json.dumps({"inputs": [one_input()]}).encode()
    path = f"v2/models/{server.model('FP32')}/infer"
    same(server.http.ask("POST", path, body, {"Content-Type": kind}).status, 200, "status")


@case("json.chunked", "inference", "RFC 9112, 7.1 Chunked Transfer Coding")
def chunked(server):
    """A body may come in chunks, without a Content-Length."""
    body = json.dumps({"inputs": [one_input()]}).encode()
    path = f"v2/models/{server.model('FP32')}/infer"
    pieces = iter([body[:10], body[10:]])
    headers = {"Content-Type": "application/json"}
    same(server.http.ask("POST", path, pieces, headers).status, 200, "status")


@case("json.integers_as_floats", "inference", f"{OIP_REST}, Tensor Data")
def whole_numbers(server):
    """FP32 may be written as whole numbers."""
    body = {"inputs": [one_input(data=[1, 2, 3, -4, 5, 0])]}
    answer = server.http.ok(server.http.post(f"v2/models/{server.model('FP32')}/infer", body))
    same(answer["outputs"][0]["data"], [1, 2, 3, -4, 5, 0], "data")


@case("json.null_outputs", "inference", f"{OIP_REST}, Inference Request JSON Object: outputs")
def no_outputs(server):
    """An empty list of outputs is as none: all come."""
    body = {"inputs": [one_input()], "outputs": []}
    answer = server.http.ok(server.http.post(f"v2/models/{server.model('FP32')}/infer", body))
    same([output["name"] for output in answer["outputs"]], ["OUTPUT0"], "outputs")


@case("grpc.typed_answers_typed_or_raw", "inference", f"{OIP_GRPC}, Tensor Data")
def typed(server):
    """A request in typed lists has an answer in typed lists or raw, never a mixture."""
    client = server.clients["grpc-typed"]
    request = client.request(server.model("pair"), PAIR)
    answer = read_grpc(client.ask("ModelInfer", request))
    check_equal(answer.outputs["OUTPUT1"], PAIR["INPUT1"], "OUTPUT1")


@case("grpc.raw_answers_raw", "inference", f"{OIP_GRPC}, ModelInferResponse; what tritonclient reads")
def raw(server):
    """A raw request has a raw answer: Triton always does so, and its Python client reads nothing else."""
    client = server.clients["grpc-typed"]
    request = client.messages.ModelInferRequest(model_name=server.model("FP32"))
    array = sample("FP32")
    request.inputs.add(name="INPUT0", datatype="FP32", shape=array.shape)
    request.raw_input_contents.append(array.tobytes())
    response = client.ask("ModelInfer", request)
    same(list(response.raw_output_contents), [array.tobytes()], "raw_output_contents")
