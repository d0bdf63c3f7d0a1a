"""Data sets and models that a run read, models that it made."""

from framework import case, equal, keys, pairs

TRAIN = [{"key": "mlflow.data.context", "value": "train"}]


def data(name="faces", digest="abc"):
    return {"name": name, "digest": digest, "source_type": "local", "source": '{"uri": "x"}', "schema": "{}", "profile": '{"rows": 3}'}


@case("inputs")
def log_and_read(server):
    run = server.run()
    equal(server.post("runs/log-inputs", run_id=run, datasets=[{"dataset": data(), "tags": TRAIN}]), {})
    (given,) = server.read(run)["inputs"]["dataset_inputs"]
    equal((given["dataset"], pairs(given["tags"])), (data(), {"mlflow.data.context": "train"}))


@case("inputs")
def several(server):
    run = server.run()
    server.post("runs/log-inputs", run_id=run, datasets=[{"dataset": data("a")}, {"dataset": data("b")}])
    server.post("runs/log-inputs", run_id=run, datasets=[{"dataset": data("c")}])
    given = server.read(run)["inputs"]["dataset_inputs"]
    equal(sorted(each["dataset"]["name"] for each in given), ["a", "b", "c"])


@case("inputs")
def one_data_set_twice_is_one(server):
    run = server.run()
    for _ in range(2):
        server.post("runs/log-inputs", run_id=run, datasets=[{"dataset": data(), "tags": TRAIN}])
    equal(len(server.read(run)["inputs"]["dataset_inputs"]), 1)


@case("inputs")
def one_data_set_of_two_runs(server):
    experiment = server.experiment()
    for run in (server.run(experiment), server.run(experiment)):
        server.post("runs/log-inputs", run_id=run, datasets=[{"dataset": data(), "tags": TRAIN}])
        equal(len(server.read(run)["inputs"]["dataset_inputs"]), 1)


@case("inputs")
def bad_requests(server):
    run = server.run()
    server.invalid("POST", "runs/log-inputs", body={"run_id": run, "datasets": "x"})
    server.invalid("POST", "runs/log-inputs", body={"datasets": []})
    server.missing("POST", "runs/log-inputs", body={"run_id": "none", "datasets": [{"dataset": data()}]})
    equal(server.post("runs/log-inputs", run_id=run), {})


@case("inputs")
def search_data_sets(server):
    """What MLflow's UI offers to filter by."""
    experiment = server.experiment()
    run = server.run(experiment)
    server.post("runs/log-inputs", run_id=run, datasets=[{"dataset": data(), "tags": TRAIN}])
    answer = server.send("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", body={"experiment_ids": [experiment]})
    equal((answer.status, answer.json), (200, {"dataset_summaries": [{"experiment_id": experiment, "name": "faces", "digest": "abc", "context": "train"}]}))
    for body in ({}, {"experiment_ids": [str(i) for i in range(21)]}):
        answer = server.send("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", body=body)
        equal((answer.status, answer.json["error_code"]), (400, "INVALID_PARAMETER_VALUE"))


@case("inputs")
def models_read_and_made(server):
    experiment = server.experiment()
    run = server.run(experiment)
    read, made = (server.logged_model(experiment)["info"]["model_id"] for _ in range(2))
    equal(server.post("runs/log-inputs", run_id=run, models=[{"model_id": read}]), {})
    equal(server.post("runs/outputs", run_id=run, models=[{"model_id": made, "step": 3}]), {})
    now = server.read(run)
    equal(now["inputs"], {"model_inputs": [{"model_id": read}]})
    keys(now["outputs"], "model_outputs")
    equal(now["outputs"]["model_outputs"], [{"model_id": made, "step": 3}])


@case("inputs")
def outputs_must_be_named(server):
    server.invalid("POST", "runs/outputs", body={"run_id": server.run()})
