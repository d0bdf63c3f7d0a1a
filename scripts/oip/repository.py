"""Triton's model repository extension."""

from .case import TRITON, Refused, case, holds, is_refused, same
from .plain_http import check_error
from .tensors import check_equal, sample

PART = "repository"
SECTION = f"{TRITON}, Model repository"
CLIENTS = ["triton-http-json", "triton-http-aio", "triton-grpc", "triton-grpc-aio"]


def protocol(client):
    return "grpc" if "grpc" in client else "http"


def ask(server, client, method, *arguments):
    server.needs("model_repository", protocol(client))
    client = server.clients[client]
    named = {"as_json": True} if "Grpc" in type(client).__name__ and method == "get_model_repository_index" else {}
    return client.told(lambda: client.call(method, *arguments, **named))


def index(server, client):
    answer = ask(server, client, "get_model_repository_index")
    return answer.get("models", []) if isinstance(answer, dict) else answer


def states(lines, model):
    return {line.get("state") for line in lines if line["name"] == model}


@case("repository.index.{0}", PART, f"{SECTION}: Index", CLIENTS)
def of_all(server, client):
    """Every model is in the index, the loaded ones READY."""
    lines = index(server, client)
    for model in (server.model("FP32"), server.model("BYTES")):
        same(states(lines, model), {"READY"}, model)


@case("repository.index.fields", PART, f"{SECTION}: $repository_index_response")
def fields(server):
    """A list of objects of name, state, version and reason, texts all."""
    server.needs("model_repository")
    lines = server.http.ok(server.http.post("v2/repository/index", {}))
    holds(isinstance(lines, list) and lines, f"{lines!r}"[:100])
    for line in lines:
        holds({"name", "state"} <= set(line) <= {"name", "version", "state", "reason"}, f"fields {sorted(line)}")
        holds(all(isinstance(value, str) for value in line.values()), f"{line}")


@case("repository.index.unloaded.{0}", PART, f"{SECTION}: Index", CLIENTS)
def of_unloaded(server, client):
    """A model that is not loaded is in the index, as something else than READY."""
    spare = server.model("spare")
    ask(server, client, "unload_model", spare)
    try:
        found = states(index(server, client), spare)
        holds(found and not any("READY" in state for state in found), f"states after unload: {found}")
    finally:
        ask(server, client, "load_model", spare)


@case("repository.index.ready", PART, f"{SECTION}: ready")
def ready_only(server):
    """With "ready" only models are told that are."""
    server.needs("model_repository")
    spare = server.model("spare")
    server.http.post(f"v2/repository/models/{spare}/unload")
    try:
        every = server.http.ok(server.http.post("v2/repository/index", {"ready": False}))
        ready = server.http.ok(server.http.post("v2/repository/index", {"ready": True}))
    finally:
        server.http.post(f"v2/repository/models/{spare}/load")
    holds("READY" not in states(every, spare), f"states {states(every, spare)}")
    holds(states(every, spare), "an unloaded model is not in the index")
    same(states(ready, spare), set(), "an unloaded model among the ready")
    same(states(ready, server.model("FP32")), {"READY"}, "a loaded one")


@case("repository.unload_and_load.{0}", PART, f"{SECTION}: Load, Unload", CLIENTS)
def unload_and_load(server, client):
    """An unloaded model is not ready, and is refused; loaded again it answers."""
    spare = server.model("spare")
    one = server.clients[client]
    asked = one if protocol(client) == "grpc" else server.clients["plain-json"]  # binary tensors are another extension
    ask(server, client, "unload_model", spare)
    try:
        try:
            same(one.model_ready(spare), False, "ready after unload")
        except Refused:
            pass
        is_refused(lambda: asked.infer(spare, {"INPUT0": sample("FP32")}), "a request after unload")
    finally:
        ask(server, client, "load_model", spare)
    same(one.model_ready(spare), True, "ready after load")
    check_equal(asked.infer(spare, {"INPUT0": sample("FP32")}).outputs["OUTPUT0"], sample("FP32"), "OUTPUT0")


@case("repository.load_again.{0}", PART, f"{SECTION}: Load", CLIENTS)
def load_again(server, client):
    """A loaded model may be loaded again, and answers."""
    spare = server.model("spare")
    ask(server, client, "load_model", spare)
    same(server.clients[client].model_ready(spare), True, "ready")


@case("repository.server_stays_ready", PART, f"{SECTION}; OIP, Server Ready")
def stays_ready(server):
    """Unloading a model leaves the server live."""
    server.needs("model_repository")
    spare = server.model("spare")
    server.http.post(f"v2/repository/models/{spare}/unload")
    try:
        same(server.http.get("v2/health/live").status, 200, "live")
    finally:
        server.http.post(f"v2/repository/models/{spare}/load")


@case("repository.body.{0}", PART, f"{SECTION}: $repository_load_request", [("empty", None), ("object", {}), ("parameters", {"parameters": {}})])
def bodies(server, what, body):
    """Load takes an empty body, an empty object, and empty parameters."""
    server.needs("model_repository")
    response = server.http.post(f"v2/repository/models/{server.model('spare')}/load", body)
    same(response.status, 200, f"status, {response.body[:150]!r}")


@case("repository.unload_dependents", PART, f"{SECTION}: unload_dependents")
def dependents(server):
    """tritonclient sends the parameter unload_dependents; it is taken."""
    server.needs("model_repository")
    spare = server.model("spare")
    body = {"parameters": {"unload_dependents": True}}
    try:
        same(server.http.post(f"v2/repository/models/{spare}/unload", body).status, 200, "status")
    finally:
        server.http.post(f"v2/repository/models/{spare}/load")


@case("repository.unknown.load.{0}", PART, f"{SECTION}: Load", CLIENTS)
def unknown_load(server, client):
    """A model that is not in the repository cannot be loaded."""
    server.needs("model_repository", protocol(client))
    is_refused(lambda: ask(server, client, "load_model", "no_such_model"))


@case("repository.error.load", PART, f"{SECTION}: $repository_load_error_response")
def load_error(server):
    """The error has the specification's body."""
    server.needs("model_repository")
    check_error(server.http.post("v2/repository/models/no_such_model/load"))


@case("repository.error.body", PART, f"{SECTION}: $repository_load_error_response")
def body_error(server):
    """A body that is no JSON is an error with the specification's body."""
    server.needs("model_repository")
    headers = {"Content-Type": "application/json"}
    path = f"v2/repository/models/{server.model('spare')}/load"
    check_error(server.http.ask("POST", path, b"{", headers))


@case("repository.config", PART, f"{SECTION}: config")
def config(server):
    """A configuration sent along is used, or refused with the specification's error; not ignored without a word, which cannot be seen
    from here, so a 200 is taken at its word."""
    server.needs("model_repository")
    body = {"parameters": {"config": "{\"max_batch_size\": 4}"}}
    response = server.http.post(f"v2/repository/models/{server.model('spare')}/load", body)
    if response.status != 200:
        check_error(response)
