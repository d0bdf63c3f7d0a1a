"""Metadata of server and models."""

from .case import OIP_GRPC, OIP_REST, case, holds, is_refused, same
from .clients import METADATA
from .plain_http import check_error
from .tensors import TYPES

PART = "metadata"


@case("metadata.server.{0}", PART, f"{OIP_REST} and gRPC, Server Metadata", METADATA)
def of_server(server, client):
    """Name and version are texts, extensions a list of texts."""
    name, version, extensions = server.clients[client].server_metadata()
    holds(isinstance(name, str) and name, f"name {name!r}")
    holds(isinstance(version, str) and version, f"version {version!r}")
    holds(all(isinstance(one, str) and one for one in extensions), f"extensions {extensions!r}")


@case("metadata.server.fields", PART, f"{OIP_REST}, Server Metadata Response JSON Object")
def fields(server):
    """GET v2 answers JSON with exactly name, version and extensions."""
    response = server.http.get("v2")
    same(response.status, 200, "status")
    same(sorted(response.json()), ["extensions", "name", "version"], "fields")
    holds(response.headers.get("content-type", "").startswith("application/json"), f"{response.headers}")


@case("metadata.server.slash", PART, f"{OIP_REST}, OpenAPI document, /v2/")
def slash(server):
    """The OpenAPI document writes the path with a slash at its end, the text without: both lead there, if by a redirection."""
    response = server.http.get("v2/")
    holds(response.status in (200, 301, 307, 308), f"status {response.status}")


@case("metadata.server.same", PART, f"{OIP_REST} and gRPC, Server Metadata")
def same_over_both(server):
    """REST and gRPC tell the same name and version."""
    http, grpc = (server.clients[name].server_metadata() for name in ("triton-http-json", "triton-grpc"))
    same(http[:2], grpc[:2], "name and version")


@case("metadata.model.{0}", PART, f"{OIP_REST} and gRPC, Model Metadata", METADATA)
def of_model(server, client):
    """Names, types and shapes of a model's tensors; an open dimension is -1."""
    model = server.model("pair")
    metadata = server.clients[client].model_metadata(model)
    same(metadata.name, model, "name")
    holds(isinstance(metadata.platform, str), f"platform {metadata.platform!r}")
    holds(all(isinstance(one, str) and one for one in metadata.versions), f"versions {metadata.versions!r}")
    expected = lambda name: [(f"{name}0", "INT64", [-1, -1]), (f"{name}1", "FP32", [-1, -1])]
    same(metadata.inputs, expected("INPUT"), "inputs")
    same(metadata.outputs, expected("OUTPUT"), "outputs")


@case("metadata.model.fields", PART, f"{OIP_REST}, Model Metadata Response JSON Object")
def model_fields(server):
    """The JSON has the fields of the specification; tensors have name, datatype and shape."""
    response = server.http.get(f"v2/models/{server.model('FP32')}")
    same(response.status, 200, "status")
    body = response.json()
    missing = {"name", "platform", "inputs", "outputs"} - set(body)
    holds(not missing, f"missing {missing}")
    for tensor in body["inputs"] + body["outputs"]:
        missing = {"name", "datatype", "shape"} - set(tensor)
        holds(not missing, f"missing {missing} in {tensor}")
        holds(all(type(side) is int and side >= -1 for side in tensor["shape"]), f"shape {tensor['shape']}")


@case("metadata.version.{0}", PART, f"{OIP_REST} and gRPC, Model Metadata", METADATA)
def of_version(server, client):
    """Each version that the metadata names has metadata."""
    model = server.model("FP32")
    for version in server.versions(model):
        same(server.clients[client].model_metadata(model, version).name, model, f"name of version {version}")


@case("metadata.type.{0}", PART, f"{OIP_REST}, Tensor Data Types", TYPES)
def of_type(server, kind):
    """Each type has its name in metadata, over REST and gRPC."""
    model = server.model(kind)
    for client in ("triton-http-json", "triton-grpc"):
        metadata = server.clients[client].model_metadata(model)
        same(metadata.inputs, [("INPUT0", kind, [-1, -1])], f"{client}: inputs")
        same(metadata.outputs, [("OUTPUT0", kind, [-1, -1])], f"{client}: outputs")


@case("metadata.unknown_model.{0}", PART, f"{OIP_REST} and gRPC, Model Metadata", METADATA)
def unknown_model(server, client):
    """A model that is not there has an error with a message."""
    is_refused(lambda: server.clients[client].model_metadata("no_such_model"))


@case("metadata.unknown_version.{0}", PART, f"{OIP_REST} and gRPC, Model Metadata", METADATA)
def unknown_version(server, client):
    """A version that is not there has an error with a message."""
    model = server.model("FP32")
    server.versions(model)
    is_refused(lambda: server.clients[client].model_metadata(model, "987654"))


@case("metadata.error.model", PART, f"{OIP_REST}, Model Metadata Response JSON Error Object")
def error_model(server):
    """The error of a model that is not there is exactly {"error": string}."""
    check_error(server.http.get("v2/models/no_such_model"))


@case("metadata.error.version", PART, f"{OIP_REST}, Model Metadata Response JSON Error Object")
def error_version(server):
    """The error of a version that is not there is exactly {"error": string}."""
    model = server.model("FP32")
    server.versions(model)
    check_error(server.http.get(f"v2/models/{model}/versions/987654"))


@case("metadata.grpc.unknown_code", PART, f"{OIP_GRPC}, Metadata")
def grpc_code(server):
    """gRPC tells a model that is not there by a code other than OK; UNKNOWN and INTERNAL, which say that the server failed, are
    wrong."""
    refused = is_refused(lambda: server.clients["triton-grpc"].model_metadata("no_such_model"))
    holds(refused.status in ("NOT_FOUND", "INVALID_ARGUMENT", "UNAVAILABLE"), f"code {refused.status}")
