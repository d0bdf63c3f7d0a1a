"""Triton's statistics and model configuration extensions."""

from .case import TRITON, case, holds, is_refused, same
from .plain_http import check_error
from .tensors import sample

PART = "statistics"
SECTION = f"{TRITON}, Statistics"
CLIENTS = ["triton-http-json", "triton-http-aio", "triton-grpc", "triton-grpc-aio"]


def protocol(client):
    return "grpc" if "grpc" in client else "http"


def plain(value):
    """gRPC's message as JSON has it, 64-bit numbers as numbers."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return int(value) if isinstance(value, str) and value.isdigit() else value


def statistics(server, client, *arguments):
    client = server.clients[client]
    named = {"as_json": True} if "Grpc" in type(client).__name__ else {}
    return client.told(lambda: client.call("get_inference_statistics", *arguments, **named))["model_stats"]


@case("statistics.all.{0}", PART, SECTION, CLIENTS)
def of_all(server, client):
    """Without a model's name all models are there."""
    server.needs("statistics", protocol(client))
    names = {one["name"] for one in statistics(server, client)}
    wanted = {server.model("FP32"), server.model("INT32")}
    holds(wanted <= names, f"of {wanted} only {names & wanted} are there")


@case("statistics.model.{0}", PART, SECTION, CLIENTS)
def of_model(server, client):
    """With a model's name it is there alone."""
    server.needs("statistics", protocol(client))
    model = server.model("FP32")
    same({one["name"] for one in statistics(server, client, model)}, {model}, "models")


@case("statistics.version.{0}", PART, SECTION, CLIENTS)
def of_version(server, client):
    """With a version it is there alone."""
    server.needs("statistics", protocol(client))
    model = server.model("FP32")
    version = server.versions(model)[-1]
    found = [(one["name"], one["version"]) for one in statistics(server, client, model, version)]
    same(found, [(model, version)], "models")


@case("statistics.count.{0}", PART, f"{SECTION}: inference_count, execution_count, success", CLIENTS)
def counts(server, client):
    """Three requests of two rows count as three successes and six inferences, in at most three executions."""
    server.needs("statistics", protocol(client))
    model = server.model("INT16")
    before = plain(statistics(server, client, model)[0])
    for _ in range(3):
        server.clients[client].infer(model, {"INPUT0": sample("INT16")})
    after = plain(statistics(server, client, model)[0])
    grown = lambda *path: at(after, *path) - at(before, *path)
    same(grown("inference_stats", "success", "count"), 3, "success.count")
    same(grown("inference_count"), 6, "inference_count")
    holds(1 <= grown("execution_count") <= 3, f"execution_count grew by {grown('execution_count')}")
    holds(grown("inference_stats", "success", "ns") > 0, "success.ns did not grow")
    holds(at(after, "last_inference") > 1_600_000_000_000, f"last_inference {at(after, 'last_inference')}, milliseconds are wanted")


def at(value, *path):
    for key in path:
        value = value.get(key, 0) if isinstance(value, dict) else value
    return value or 0


@case("statistics.fields", PART, f"{SECTION}: Statistics Response JSON Object")
def fields(server):
    """The fields of the specification are there."""
    server.needs("statistics")
    model = server.model("FP32")
    server.clients["plain-json"].infer(model, {"INPUT0": sample("FP32")})
    body = server.http.ok(server.http.get(f"v2/models/{model}/stats"))
    for one in body["model_stats"]:
        missing = {"name", "last_inference", "inference_count", "execution_count", "inference_stats", "batch_stats"} - set(one)
        holds(not missing, f"missing {missing}")
        stages = {"success", "fail", "queue", "compute_input", "compute_infer", "compute_output"}
        holds(not stages - set(one["inference_stats"]), f"missing {stages - set(one['inference_stats'])}")
        for stage in stages:
            same(sorted(one["inference_stats"][stage]), ["count", "ns"], stage)
        for batch in one["batch_stats"]:
            missing = {"batch_size", "compute_input", "compute_infer", "compute_output"} - set(batch)
            holds(not missing, f"missing {missing}")


@case("statistics.unknown_model.{0}", PART, SECTION, CLIENTS)
def unknown_model(server, client):
    """A model that is not there has an error."""
    server.needs("statistics", protocol(client))
    is_refused(lambda: statistics(server, client, "no_such_model"))


@case("statistics.error", PART, SECTION)
def error(server):
    """The error has the specification's body."""
    server.needs("statistics")
    check_error(server.http.get("v2/models/no_such_model/stats"))


# Configuration.

CONFIGURATION = f"{TRITON}, Model configuration"


def configuration(server, client, *arguments):
    server.needs("model_configuration", protocol(client))
    client = server.clients[client]
    named = {"as_json": True} if "Grpc" in type(client).__name__ else {}
    answer = client.told(lambda: client.call("get_model_config", *arguments, **named))
    return answer.get("config", answer)


@case("configuration.{0}", "configuration", CONFIGURATION, CLIENTS)
def of_pair(server, client):
    """Names and types of the tensors, as ModelConfig has them; dimensions without the batch's where the model is batched."""
    model = server.model("pair")
    config = configuration(server, client, model)
    same(config["name"], model, "name")
    dims = ["-1"] if int(config.get("max_batch_size", 0)) > 0 else ["-1", "-1"]
    for key, name in (("input", "INPUT"), ("output", "OUTPUT")):
        found = [(one["name"], one["data_type"], [str(side) for side in one["dims"]]) for one in config[key]]
        same(found, [(f"{name}0", "TYPE_INT64", dims), (f"{name}1", "TYPE_FP32", dims)], key)


@case("configuration.text.{0}", "configuration", CONFIGURATION, CLIENTS)
def of_texts(server, client):
    """BYTES are TYPE_STRING there."""
    same(configuration(server, client, server.model("BYTES"))["input"][0]["data_type"], "TYPE_STRING", "data_type")


@case("configuration.version.{0}", "configuration", CONFIGURATION, CLIENTS)
def of_a_version(server, client):
    """Of a version, too."""
    model = server.model("FP32")
    same(configuration(server, client, model, server.versions(model)[-1])["name"], model, "name")


@case("configuration.unknown_model.{0}", "configuration", CONFIGURATION, CLIENTS)
def configuration_unknown(server, client):
    """A model that is not there has an error."""
    server.needs("model_configuration", protocol(client))
    is_refused(lambda: configuration(server, client, "no_such_model"))


@case("configuration.error", "configuration", CONFIGURATION)
def configuration_error(server):
    """The error has the specification's body."""
    server.needs("model_configuration")
    check_error(server.http.get("v2/models/no_such_model/config"))
