"""What holds of every call: content types, forms of JSON, numbers, errors, and the pages beside the API."""

import json

from framework import case, equal, fresh, keys, whole

JSON = {"Content-Type": "application/json"}


@case("protocol")
def health(server):
    """/health says OK."""
    answer = server.send("GET", "/health")
    equal((answer.status, answer.body), (200, b"OK"))


@case("protocol")
def version(server):
    """/version names a version of MLflow's API."""
    answer = server.send("GET", "/version")
    equal(answer.status, 200)
    assert answer.body.decode().split(".")[0] == "3", answer


@case("protocol")
def server_info(server):
    """What MLflow 3's client asks a server first."""
    answer = server.send("GET", "/api/3.0/mlflow/server-info")
    equal(answer.status, 200)
    for name in ("workspaces_enabled", "trace_archival_enabled", "multipart_uploads_enabled", "multipart_downloads_enabled"):
        assert isinstance(answer.json[name], bool), answer.json
    equal(answer.json["store_type"], "SqlStore")


@case("protocol")
def unknown_route(server):
    equal(server.send("GET", "/api/2.0/mlflow/nonsense").status, 404)


@case("protocol")
def wrong_method(server):
    equal(server.send("POST", "/api/2.0/mlflow/experiments/get", body={}).status, 405)


@case("protocol")
def ajax_prefix(server):
    """MLflow's own UI asks under /ajax-api."""
    answer = server.send("GET", "/ajax-api/2.0/mlflow/experiments/get", query={"experiment_id": server.experiment()})
    equal(answer.status, 200)
    keys(answer.json, "experiment")


@case("protocol")
def content_type_must_be_json(server):
    message = server.invalid("POST", "experiments/create", raw=b'{"name": "x"}', headers={"Content-Type": "text/plain"})
    assert "Content-Type" in message, message


@case("protocol")
def content_type_with_a_charset(server):
    body = json.dumps({"name": fresh("charset")}).encode()
    server.ok("POST", "experiments/create", raw=body, headers={"Content-Type": "application/json; charset=utf-8"})


@case("protocol")
def broken_json_is_an_empty_request(server):
    message = server.invalid("POST", "experiments/create", raw=b"{bad", headers=JSON)
    assert "'name'" in message, message


@case("protocol")
def empty_body(server):
    message = server.invalid("POST", "experiments/create", raw=b"", headers=JSON)
    assert message.startswith("Missing value for required parameter 'name'"), message


@case("protocol")
def wrong_type_of_a_field(server):
    message = server.invalid("POST", "experiments/create", body={"name": 5})
    assert message.startswith("Invalid value 5 for parameter 'name' supplied"), message


@case("protocol")
def wrong_type_of_a_list(server):
    message = server.invalid("POST", "experiments/create", body={"name": fresh("x"), "tags": "no"})
    assert message.startswith("Invalid value \"no\" for parameter 'tags' supplied"), message


@case("protocol")
def null_is_absent(server):
    message = server.invalid("POST", "experiments/create", body={"name": None})
    assert message.startswith("Missing value for required parameter 'name'"), message


@case("protocol")
def unknown_fields_are_ignored(server):
    server.post("experiments/create", name=fresh("unknown"), of_tomorrow=[1, {"a": 2}])


@case("protocol")
def whole_numbers_as_strings(server):
    """proto3's JSON writes 64-bit numbers as strings; MLflow reads both and writes numbers."""
    run = server.post("runs/create", experiment_id=server.experiment(), start_time="12345")["run"]
    equal(run["info"]["start_time"], 12345)
    whole(run["info"]["start_time"])


@case("protocol")
def words_are_no_numbers(server):
    server.invalid("POST", "runs/create", body={"experiment_id": server.experiment(), "start_time": "soon"})


@case("protocol")
def camel_case_names(server):
    experiment = server.experiment()
    run = server.post("runs/create", experimentId=experiment, startTime=5)["run"]
    equal((run["info"]["experiment_id"], run["info"]["start_time"]), (experiment, 5))


@case("protocol")
def one_field_in_two_spellings(server):
    experiment = server.experiment()
    server.invalid("POST", "runs/create", body={"experimentId": experiment, "experiment_id": experiment})


@case("protocol")
def json_in_a_string(server):
    """Older clients encode a request twice."""
    body = json.dumps(json.dumps({"experiment_id": server.experiment(), "start_time": 7})).encode()
    equal(server.ok("POST", "runs/create", raw=body, headers=JSON)["run"]["info"]["start_time"], 7)


@case("protocol")
def enumerations_by_name_and_number(server):
    run = server.run()
    for status in ("FINISHED", 3):
        equal(server.post("runs/update", run_id=run, status=status)["run_info"]["status"], "FINISHED")


@case("protocol")
def unicode_survives(server):
    name = fresh("実験-Ж-🦊")
    experiment = server.post("experiments/create", name=name)["experiment_id"]
    equal(server.get("experiments/get", experiment_id=experiment)["experiment"]["name"], name)
    equal(server.get("experiments/get-by-name", experiment_name=name)["experiment"]["experiment_id"], experiment)


@case("protocol")
def errors_have_a_class(server):
    """Beside code and message, MLflow 3 names an SQLSTATE and a class."""
    answer = server.send("GET", "/api/2.0/mlflow/runs/get", query={"run_id": "none"})
    keys(answer.json, "error_code message sqlstate error_class")
    equal((answer.json["sqlstate"], answer.json["error_class"]), ("KAM00", "RESOURCE_NOT_FOUND"))
