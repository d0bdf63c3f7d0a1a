"""runs/*: life of a run, its name, tags and parameters."""

from framework import case, equal, fresh, keys, pairs, whole


@case("runs")
def create(server):
    experiment = server.experiment()
    run = server.post("runs/create", experiment_id=experiment, start_time=1000, run_name="first", user_id="ada", tags=[{"key": "t", "value": "v"}])["run"]
    info = run["info"]
    keys(info, "run_uuid experiment_id run_name user_id status start_time artifact_uri lifecycle_stage run_id")
    equal(info["run_id"], info["run_uuid"])
    equal((info["experiment_id"], info["run_name"], info["user_id"], info["status"], info["start_time"], info["lifecycle_stage"]),
          (experiment, "first", "ada", "RUNNING", 1000, "active"))  # fmt: skip
    equal(info["artifact_uri"], f"mlflow-artifacts:/{experiment}/{info['run_id']}/artifacts")
    equal(pairs(run["data"]["tags"]), {"t": "v", "mlflow.runName": "first"})
    whole(info["start_time"])


@case("runs")
def identifiers_are_32_hexadecimal_digits(server):
    run = server.run()
    assert len(run) == 32 and set(run) <= set("0123456789abcdef"), run


@case("runs")
def a_name_is_made_up(server):
    run = server.post("runs/create", experiment_id=server.experiment())["run"]
    assert run["info"]["run_name"], run
    equal(pairs(run["data"]["tags"])["mlflow.runName"], run["info"]["run_name"])


@case("runs")
def the_name_of_the_tag(server):
    run = server.post("runs/create", experiment_id=server.experiment(), tags=[{"key": "mlflow.runName", "value": "tagged"}])["run"]
    equal(run["info"]["run_name"], "tagged")


@case("runs")
def two_names_are_refused(server):
    body = {"experiment_id": server.experiment(), "run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]}
    server.invalid("POST", "runs/create", body=body)


@case("runs")
def not_in_an_unknown_experiment(server):
    server.missing("POST", "runs/create", body={"experiment_id": "987654321"})


@case("runs")
def not_in_a_deleted_experiment(server):
    experiment = server.experiment()
    server.post("experiments/delete", experiment_id=experiment)
    server.invalid("POST", "runs/create", body={"experiment_id": experiment})


@case("runs")
def get(server):
    run = server.read(server.run())
    keys(run, "info data inputs outputs")
    keys(run["data"], "tags")


@case("runs")
def get_by_the_old_name(server):
    run = server.run()
    equal(server.get("runs/get", run_uuid=run)["run"]["info"]["run_id"], run)


@case("runs")
def get_nothing(server):
    equal(server.missing("GET", "runs/get", query={"run_id": "none"}), "Run with id=none not found")
    server.invalid("GET", "runs/get")


@case("runs")
def update(server):
    run = server.run()
    info = server.post("runs/update", run_id=run, status="FINISHED", end_time=2000, run_name="other")["run_info"]
    equal((info["status"], info["end_time"], info["run_name"]), ("FINISHED", 2000, "other"))
    whole(info["end_time"])
    equal(pairs(server.read(run)["data"]["tags"])["mlflow.runName"], "other")


@case("runs")
def every_status(server):
    run = server.run()
    for status in ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"):
        equal(server.post("runs/update", run_id=run, status=status)["run_info"]["status"], status)


@case("runs")
def update_nothing_changes_nothing(server):
    run = server.run(run_name="same")
    server.post("runs/update", run_id=run, status="FINISHED", end_time=5)
    info = server.post("runs/update", run_id=run)["run_info"]
    equal((info["status"], info["end_time"], info["run_name"]), ("FINISHED", 5, "same"))
    equal(server.post("runs/update", run_id=run, run_name="")["run_info"]["run_name"], "same")


@case("runs")
def update_an_unknown_run(server):
    server.missing("POST", "runs/update", body={"run_id": "none", "status": "FINISHED"})


@case("runs")
def delete_and_restore(server):
    run = server.run()
    equal(server.post("runs/delete", run_id=run), {})
    equal(server.read(run)["info"]["lifecycle_stage"], "deleted")
    equal(server.post("runs/delete", run_id=run), {}, "a second time")
    equal(server.post("runs/restore", run_id=run), {})
    equal(server.read(run)["info"]["lifecycle_stage"], "active")
    equal(server.post("runs/restore", run_id=run), {}, "a second time")


@case("runs")
def delete_and_restore_nothing(server):
    server.missing("POST", "runs/delete", body={"run_id": "none"})
    server.missing("POST", "runs/restore", body={"run_id": "none"})


@case("runs")
def a_deleted_run_takes_no_more(server):
    run = server.run()
    server.post("runs/delete", run_id=run)
    for path, more in (
        ("log-metric", {"key": "m", "value": 1, "timestamp": 1}), ("log-parameter", {"key": "p", "value": "1"}), ("set-tag", {"key": "t", "value": "1"}),
        ("update", {"status": "KILLED"}), ("log-batch", {"tags": [{"key": "a", "value": "a"}]}), ("delete-tag", {"key": "mlflow.runName"}),
    ):  # fmt: skip
        server.invalid("POST", "runs/" + path, body={"run_id": run, **more})


@case("runs")
def tags(server):
    run = server.run(run_name="r")
    equal(server.post("runs/set-tag", run_id=run, key="a", value="1"), {})
    server.post("runs/set-tag", run_id=run, key="a", value="2")
    server.post("runs/set-tag", run_id=run, key="without")
    equal(pairs(server.read(run)["data"]["tags"]), {"a": "2", "without": "", "mlflow.runName": "r"})
    equal(server.post("runs/delete-tag", run_id=run, key="a"), {})
    equal(pairs(server.read(run)["data"]["tags"]), {"without": "", "mlflow.runName": "r"})


@case("runs")
def a_tag_renames(server):
    run = server.run(run_name="before")
    server.post("runs/set-tag", run_id=run, key="mlflow.runName", value="after")
    equal(server.read(run)["info"]["run_name"], "after")


@case("runs")
def delete_a_tag_that_is_not_there(server):
    server.missing("POST", "runs/delete-tag", body={"run_id": server.run(), "key": "none"})


@case("runs")
def long_tags_are_cut(server):
    run = server.run()
    server.post("runs/set-tag", run_id=run, key="long", value="y" * 8001)
    equal(len(pairs(server.read(run)["data"]["tags"])["long"]), 8000)


@case("runs")
def bad_tags(server):
    run = server.run()
    for key, value in (("", "v"), ("x" * 251, "v"), ("../up", "v"), ("/root", "v"), ("a//b", "v"), ("a!", "v"), (".", "v"), ("a", 5)):
        server.invalid("POST", "runs/set-tag", body={"run_id": run, "key": key, "value": value})
    server.missing("POST", "runs/set-tag", body={"run_id": "none", "key": "a", "value": "b"})


@case("runs")
def parameters(server):
    run = server.run()
    equal(server.post("runs/log-parameter", run_id=run, key="lr", value="0.1"), {})
    server.post("runs/log-parameter", run_id=run, key="empty")
    server.post("runs/log-parameter", run_id=run, key="Ünï cöde/a.b-c_d:e", value="ж")
    equal(pairs(server.read(run)["data"]["params"]), {"lr": "0.1", "empty": "", "Ünï cöde/a.b-c_d:e": "ж"})


@case("runs")
def a_parameter_does_not_change(server):
    run = server.run()
    server.post("runs/log-parameter", run_id=run, key="lr", value="0.1")
    server.post("runs/log-parameter", run_id=run, key="lr", value="0.1")
    message = server.invalid("POST", "runs/log-parameter", body={"run_id": run, "key": "lr", "value": "0.2"})
    assert message.startswith("Changing param values is not allowed. Param with key='lr' was already logged with value='0.1'"), message
    equal(pairs(server.read(run)["data"]["params"]), {"lr": "0.1"})


@case("runs")
def long_parameters_are_cut(server):
    run = server.run()
    server.post("runs/log-parameter", run_id=run, key="long", value="x" * 6001)
    equal(len(pairs(server.read(run)["data"]["params"])["long"]), 6000)


@case("runs")
def bad_parameters(server):
    run = server.run()
    for key in ("", "x" * 251, "../up", "/root", "a//b", "a/../b", "a?", "a\nb#"):
        server.invalid("POST", "runs/log-parameter", body={"run_id": run, "key": key, "value": "1"})
    server.missing("POST", "runs/log-parameter", body={"run_id": fresh("none"), "key": "a", "value": "1"})
