"""Liveness and readiness of server and models."""

from .case import OIP_REST, Refused, case, holds, same
from .clients import HEALTH
from .plain_http import check_error

PART = "health"


@case("health.live.{0}", PART, f"{OIP_REST} and gRPC, Server Live", HEALTH)
def live(server, client):
    """The client finds the server live."""
    same(server.clients[client].live(), True, "live")


@case("health.ready.{0}", PART, f"{OIP_REST} and gRPC, Server Ready", HEALTH)
def ready(server, client):
    """The client finds the server ready."""
    same(server.clients[client].ready(), True, "ready")


@case("health.model_ready.{0}", PART, f"{OIP_REST} and gRPC, Model Ready", HEALTH)
def model_ready(server, client):
    """The client finds a loaded model ready."""
    same(server.clients[client].model_ready(server.model("FP32")), True, "ready")


@case("health.unknown_model.{0}", PART, f"{OIP_REST} and gRPC, Model Ready", HEALTH)
def unknown_model(server, client):
    """A model that is not there is not ready: false, or an error."""
    try:
        same(server.clients[client].model_ready("no_such_model"), False, "ready")
    except Refused:
        pass


VERSIONED = [client for client in HEALTH if client.startswith("triton")]


@case("health.version_ready.{0}", PART, f"{OIP_REST} and gRPC, Model Ready", VERSIONED)
def version_ready(server, client):
    """Each version that the metadata names is ready."""
    model = server.model("FP32")
    for version in server.versions(model):
        same(server.clients[client].model_ready(model, version), True, f"ready {version}")


@case("health.unknown_version.{0}", PART, f"{OIP_REST} and gRPC, Model Ready", VERSIONED)
def unknown_version(server, client):
    """A version that is not there is not ready: false, or an error."""
    model = server.model("FP32")
    server.versions(model)
    try:
        same(server.clients[client].model_ready(model, "987654"), False, "ready")
    except Refused:
        pass


BODIES = [("live", "v2/health/live"), ("ready", "v2/health/ready"), ("model_ready", "v2/models/{}/ready")]


@case("health.body.{0}", PART, f"{OIP_REST}, Payload Contents", BODIES)
def bodies(server, what, path):
    """Status 200. The body is the object of the specification's text (where readiness of the server is called "live"), or empty
    as in its OpenAPI document and in Triton."""
    model = server.model("FP32")
    response = server.http.get(path.format(model))
    same(response.status, 200, "status")
    if response.body:
        body = response.json()
        holds(isinstance(body, dict), f"the body is no object: {body!r}")
        known = {"live": ["live"], "ready": ["live", "ready"], "model_ready": ["ready"]}[what]
        holds(any(body.get(key) is True for key in known), f"none of {known} is true in {body!r}")
        if what == "model_ready":
            same(body.get("name"), model, "name")


@case("health.unknown_model.status", PART, f"{OIP_REST}, Model Ready")
def unknown_status(server):
    """A model that is not there answers with an error status."""
    response = server.http.get("v2/models/no_such_model/ready")
    holds(400 <= response.status < 500 or response.status == 503, f"status {response.status}")
    if response.body:
        check_error(response, [response.status])
