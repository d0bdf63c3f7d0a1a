"""Triton's binary tensor data extension, and bodies that are compressed."""

import gzip
import json
import zlib

import numpy as np

from .case import TRITON, NotOffered, Refused, case, holds, same
from .inference import PAIR
from .plain_http import check_error
from .tensors import check_equal, from_json, from_raw, kind_of, sample, to_json, to_raw

PART = "binary"
SECTION = f"{TRITON}, Binary tensor data"


def encoded(inputs, json_for=(), **more):
    """A request's JSON and what follows it; the inputs named in `json_for` are in the JSON."""
    tensors, binary = [], b""
    for name, array in inputs.items():
        tensor = {"name": name, "shape": list(array.shape), "datatype": kind_of(array)}
        if name in json_for:
            tensor["data"] = to_json(array)
        else:
            raw = to_raw(array)
            tensor["parameters"] = {"binary_data_size": len(raw)}
            binary += raw
        tensors.append(tensor)
    return json.dumps({"inputs": tensors} | more).encode(), binary


def send(server, kind, head, binary, length=None, headers=None):
    named = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    if length is not None:
        named["Inference-Header-Content-Length"] = length
    path = f"v2/models/{server.model(kind)}/infer"
    return server.http.ask("POST", path, head + binary, named | (headers or {}))


def read(response):
    """Outputs as name -> (array, whether it was binary); checks the header and that every byte belongs to a tensor."""
    if response.status != 200:
        raise Refused(response.body[:200].decode(errors="replace"), response.status)
    length = response.headers.get("inference-header-content-length")
    head = response.body if length is None else response.body[: int(length)]
    rest = b"" if length is None else response.body[int(length) :]
    outputs = {}
    for one in json.loads(head)["outputs"]:
        size = one.get("parameters", {}).get("binary_data_size")
        if size is None:
            outputs[one["name"]] = (from_json(one["data"], one["datatype"], one["shape"]), False)
        else:
            holds(length is not None, "binary data without the header Inference-Header-Content-Length")
            holds("data" not in one, "an output in binary has data too")
            holds(size <= len(rest), f"{size} bytes of binary data, {len(rest)} are there")
            outputs[one["name"]] = (from_raw(rest[:size], one["datatype"], one["shape"]), True)
            rest = rest[size:]
    same(len(rest), 0, "bytes behind the last output")
    return outputs


def offered(server, call):
    """The outputs, unless the server has no binary extension."""
    try:
        return read(call())
    except (Refused, AssertionError) as error:
        if "binary_tensor_data" not in server.extensions:
            raise NotOffered(f"binary_tensor_data is not in the server's extensions ({str(error)[:120]})") from None
        raise


def check(outputs, expected):
    """Fails unless outputs are as `name -> (array, whether binary)`."""
    same({name: binary for name, (_, binary) in outputs.items()}, {name: b for name, (_, b) in expected.items()}, "binary")
    for name, (array, _) in expected.items():
        check_equal(outputs[name][0], array, name)


@case("binary.input", PART, f"{SECTION}: binary_data_size")
def binary_input(server):
    """A binary input and, as nothing was said of it, an output in JSON."""
    head, binary = encoded({"INPUT0": sample("FP32")})
    outputs = offered(server, lambda: send(server, "FP32", head, binary))
    check(outputs, {"OUTPUT0": (sample("FP32"), False)})


@case("binary.output", PART, f"{SECTION}: binary_data")
def binary_output(server):
    """An input in JSON and a binary output; the request has no header for lengths, as all of it is JSON."""
    head, _ = encoded(
        {"INPUT0": sample("FP32")}, ["INPUT0"], outputs=[{"name": "OUTPUT0", "parameters": {"binary_data": True}}]
    )
    path = f"v2/models/{server.model('FP32')}/infer"
    needs_binary(server)
    outputs = offered(server, lambda: server.http.ask("POST", path, head, {"Content-Type": "application/json"}))
    check(outputs, {"OUTPUT0": (sample("FP32"), True)})


@case("binary.all_outputs", PART, f"{SECTION}: binary_data_output")
def all_outputs(server):
    """The request's parameter makes all outputs binary."""
    head, binary = encoded(PAIR, parameters={"binary_data_output": True})
    outputs = offered(server, lambda: send(server, "pair", head, binary))
    check(outputs, {"OUTPUT0": (PAIR["INPUT0"], True), "OUTPUT1": (PAIR["INPUT1"], True)})


@case("binary.overridden", PART, f"{SECTION}: binary_data overrides binary_data_output")
def overridden(server):
    """An output's parameter goes before the request's."""
    wanted = [{"name": "OUTPUT0", "parameters": {"binary_data": False}}, {"name": "OUTPUT1"}]
    head, binary = encoded(PAIR, parameters={"binary_data_output": True}, outputs=wanted)
    outputs = offered(server, lambda: send(server, "pair", head, binary))
    check(outputs, {"OUTPUT0": (PAIR["INPUT0"], False), "OUTPUT1": (PAIR["INPUT1"], True)})


@case("binary.mixed_inputs.{0}", PART, SECTION, ["INPUT0", "INPUT1"])
def mixed_inputs(server, in_json):
    """One input in JSON beside one in binary."""
    head, binary = encoded(PAIR, [in_json])
    outputs = offered(server, lambda: send(server, "pair", head, binary))
    check(outputs, {"OUTPUT0": (PAIR["INPUT0"], False), "OUTPUT1": (PAIR["INPUT1"], False)})


@case("binary.order", PART, f"{SECTION}: order of the binary data")
def order(server):
    """Binary data lies in the order of the inputs in the JSON, whatever the model's order."""
    head, binary = encoded({"INPUT1": PAIR["INPUT1"], "INPUT0": PAIR["INPUT0"]}, parameters={"binary_data_output": True})
    outputs = offered(server, lambda: send(server, "pair", head, binary))
    check(outputs, {"OUTPUT0": (PAIR["INPUT0"], True), "OUTPUT1": (PAIR["INPUT1"], True)})


@case("binary.every_type", PART, SECTION)
def every_type(server):
    """Every type in one binary request, all outputs binary."""
    from .tensors import TYPES

    inputs = {f"INPUT{place}": sample(kind) for place, kind in enumerate(TYPES)}
    head, binary = encoded(inputs, parameters={"binary_data_output": True})
    outputs = offered(server, lambda: send(server, "all", head, binary))
    check(outputs, {f"OUTPUT{place}": (sample(kind), True) for place, kind in enumerate(TYPES)})


@case("binary.header_of_json", PART, f"{SECTION}: Inference-Header-Content-Length")
def header_of_json(server):
    """The header may be there when all of the body is JSON."""
    head, _ = encoded({"INPUT0": sample("FP32")}, ["INPUT0"])
    outputs = offered(server, lambda: send(server, "FP32", head, b""))
    check(outputs, {"OUTPUT0": (sample("FP32"), False)})


@case("binary.content_type.{0}", PART, SECTION, ["application/json", "application/octet-stream"])
def content_type(server, kind):
    """What tells binary from JSON is the header for lengths, not Content-Type: kserve and Triton's examples differ in that."""
    head, binary = encoded({"INPUT0": sample("FP32")})
    outputs = offered(server, lambda: send(server, "FP32", head, binary, headers={"Content-Type": kind}))
    check(outputs, {"OUTPUT0": (sample("FP32"), False)})


@case("binary.raw_request", PART, f"{TRITON}, Binary tensor data: Raw Binary Request")
def raw_request(server):
    """With the header 0 the body is the tensor alone, a batch of one whose open dimension follows from the size; outputs are binary."""
    array = np.arange(4, dtype=np.float32).reshape(1, 4)
    outputs = offered(server, lambda: send(server, "FP32", b"", array.tobytes(), "0"))
    check(outputs, {"OUTPUT0": (array, True)})


@case("binary.raw_request.two_inputs", PART, f"{TRITON}, Binary tensor data: Raw Binary Request")
def raw_for_two(server):
    """A model of two inputs cannot be asked so."""
    needs_binary(server)
    check_error(send(server, "pair", b"", bytes(16), "0"))


@case("binary.raw_request.uneven", PART, f"{TRITON}, Binary tensor data: Raw Binary Request")
def raw_uneven(server):
    """A size that is no multiple of the elements' is an error."""
    needs_binary(server)
    check_error(send(server, "FP32", b"", bytes(15), "0"))


def needs_binary(server):
    head, binary = encoded({"INPUT0": sample("FP32")})
    offered(server, lambda: send(server, "FP32", head, binary))


BROKEN = [
    ("too_short", lambda head, binary: (head, binary[:-1], None)),
    ("too_long", lambda head, binary: (head, binary + b"\0", None)),
    ("none_there", lambda head, binary: (head, b"", None)),
    ("length_beyond_body", lambda head, binary: (head, binary, str(len(head) + len(binary) + 1))),
    ("length_cuts_json", lambda head, binary: (head, binary, str(len(head) - 1))),
    ("length_of_text", lambda head, binary: (head, binary, "many")),
    ("length_negative", lambda head, binary: (head, binary, "-1")),
    ("length_huge", lambda head, binary: (head, binary, "99999999999999999999999")),
]


@case("binary.error.{0}", PART, SECTION, BROKEN)
def broken(server, what, change):
    """A body that is not as its lengths say is an error with the specification's body."""
    needs_binary(server)
    check_error(send(server, "FP32", *change(*encoded({"INPUT0": sample("FP32")}))))


SIZES = [("wrong_for_shape", 20), ("of_text", "24"), ("negative", -24), ("fraction", 24.5), ("huge", 2**63)]


@case("binary.error.size_{0}", PART, f"{SECTION}: binary_data_size", SIZES)
def wrong_size(server, what, size):
    """A binary_data_size that is none, or does not fit type and shape."""
    needs_binary(server)
    tensor = {"name": "INPUT0", "shape": [2, 3], "datatype": "FP32", "parameters": {"binary_data_size": size}}
    check_error(send(server, "FP32", json.dumps({"inputs": [tensor]}).encode(), bytes(24)))


@case("binary.error.bytes_beyond_end", PART, f"{SECTION}: BYTES")
def bytes_beyond_end(server):
    """An element of BYTES whose length goes beyond the tensor."""
    needs_binary(server)
    tensor = {"name": "INPUT0", "shape": [1, 1], "datatype": "BYTES", "parameters": {"binary_data_size": 6}}
    check_error(send(server, "BYTES", json.dumps({"inputs": [tensor]}).encode(), b"\xff\xff\xff\x7fab"))


# Compression.

COMPRESSION = "Triton client documentation, Compression"


def http_infer(server, algorithm, answer, binary=True):
    client = server.clients["triton-http-binary" if binary else "triton-http-json"]
    model, array = server.model("FP32"), np.zeros((4, 1000), dtype=np.float32)
    named = {"request_compression_algorithm": algorithm, "response_compression_algorithm": answer}
    try:
        result = client.infer(model, {"INPUT0": array}, **named)
    except Refused as refused:
        raise NotOffered(f"the server refuses it: {refused}"[:200]) from None
    check_equal(result.outputs["OUTPUT0"], array, "OUTPUT0")


@case("compression.request.{0}.{1}", "compression", COMPRESSION, [
    (algorithm, form) for algorithm in ("gzip", "deflate") for form in ("json", "binary")
])
def request_compression(server, algorithm, form):
    """tritonclient compresses its request. A server that refuses does not offer it; one that answers must answer right."""
    http_infer(server, algorithm, None, form == "binary")


@case("compression.response.{0}.{1}", "compression", COMPRESSION, [
    (algorithm, form) for algorithm in ("gzip", "deflate") for form in ("json", "binary")
])
def response_compression(server, algorithm, form):
    """tritonclient asks for a compressed answer, and reads it. A server may answer uncompressed (RFC 9110, 12.5.3)."""
    http_infer(server, None, algorithm, form == "binary")


@case("compression.response_is_compressed.{0}", "compression", COMPRESSION, ["gzip", "deflate"])
def really_compressed(server, algorithm):
    """A large answer is really compressed when that was asked for, by the header that says so."""
    array = np.zeros((4, 5000), dtype=np.float32)
    head, _ = encoded({"INPUT0": array}, ["INPUT0"])
    headers = {"Content-Type": "application/json", "Accept-Encoding": algorithm}
    response = server.http.ask("POST", f"v2/models/{server.model('FP32')}/infer", head, headers)
    same(response.status, 200, "status")
    encoding = response.headers.get("content-encoding")
    if encoding is None:
        raise NotOffered("the server answers uncompressed")
    same(encoding, algorithm, "Content-Encoding")
    unpacked = gzip.decompress(response.body) if algorithm == "gzip" else zlib.decompress(response.body)
    same(len(json.loads(unpacked)["outputs"][0]["data"]), array.size, "elements")


@case("compression.error.{0}", "compression", "RFC 9110, 8.4 Content-Encoding", [
    ("not_gzip", "gzip", b"this is not gzip"), ("cut_off", "gzip", None), ("unknown", "br2", b"{}"),
])
def wrong_compression(server, what, encoding, raw):
    """A body that is not in its encoding, or in one that is not known, is an error."""
    head, _ = encoded({"INPUT0": sample("FP32")}, ["INPUT0"])
    raw = gzip.compress(head)[:-12] if raw is None else raw
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    check_error(server.http.ask("POST", f"v2/models/{server.model('FP32')}/infer", raw, headers))


@case("compression.grpc.{0}", "compression", COMPRESSION, ["gzip", "deflate"])
def grpc_compression(server, algorithm):
    """tritonclient compresses its gRPC messages. A server that answers UNIMPLEMENTED does not offer it (gRPC, Compression)."""
    client, array = server.clients["triton-grpc"], np.zeros((4, 1000), dtype=np.float32)
    try:
        result = client.infer(server.model("FP32"), {"INPUT0": array}, compression_algorithm=algorithm)
    except Refused as refused:
        if refused.status == "UNIMPLEMENTED":
            raise NotOffered(f"the server refuses it: {refused}"[:200]) from None
        raise
    check_equal(result.outputs["OUTPUT0"], array, "OUTPUT0")
