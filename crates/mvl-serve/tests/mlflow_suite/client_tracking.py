"""MLflow's own client, unmodified: runs, searches, errors."""

import time

import mlflow
from framework import case, equal, fresh
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException


def refused(code, act):
    try:
        act()
    except MlflowException as error:
        equal(error.error_code, code)
        return str(error)
    raise AssertionError(f"expected {code}, got no error")


@case("client_tracking")
def a_run_as_in_the_tutorial(server):
    mlflow.set_experiment(fresh("tutorial"))
    with mlflow.start_run(run_name="first", description="what I tried", tags={"team": "vision"}) as run:
        mlflow.log_param("lr", 0.1)
        mlflow.log_params({"epochs": 3, "net": "resnet18"})
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"acc": 0.9, "top5": 0.99}, step=4)
        mlflow.set_tag("stage", "try")
        mlflow.set_tags({"a": 1, "b": 2})
    read = mlflow.get_run(run.info.run_id)
    equal(read.data.params, {"lr": "0.1", "epochs": "3", "net": "resnet18"})
    equal(read.data.metrics, {"loss": 0.2, "acc": 0.9, "top5": 0.99})
    equal((read.info.status, read.info.run_name), ("FINISHED", "first"))
    assert read.info.end_time >= read.info.start_time
    for key, value in (("team", "vision"), ("stage", "try"), ("a", "1"), ("mlflow.note.content", "what I tried")):
        equal(read.data.tags[key], value, key)
    equal([(m.step, m.value) for m in MlflowClient().get_metric_history(run.info.run_id, "loss")], [(i, 1 / (i + 1)) for i in range(5)])


@case("client_tracking")
def a_run_that_fails(server):
    mlflow.set_experiment(fresh("fails"))
    try:
        with mlflow.start_run() as run:
            raise RuntimeError("as it happens")
    except RuntimeError:
        pass
    equal(mlflow.get_run(run.info.run_id).info.status, "FAILED")


@case("client_tracking")
def nested_runs(server):
    experiment = mlflow.set_experiment(fresh("nested")).experiment_id
    with mlflow.start_run() as parent:
        for n in range(3):
            with mlflow.start_run(nested=True):
                mlflow.log_metric("m", n)
    children = mlflow.search_runs([experiment], filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["metrics.m DESC"])
    equal(list(children["metrics.m"]), [2.0, 1.0, 0.0])
    equal(MlflowClient().get_parent_run(children["run_id"][0]).info.run_id, parent.info.run_id)


@case("client_tracking")
def a_run_goes_on(server):
    mlflow.set_experiment(fresh("goes-on"))
    with mlflow.start_run() as run:
        mlflow.log_metric("m", 1, step=0)
    with mlflow.start_run(run_id=run.info.run_id):
        mlflow.log_metric("m", 2, step=1)
    read = mlflow.get_run(run.info.run_id)
    equal((read.data.metrics, read.info.status), ({"m": 2.0}, "FINISHED"))


@case("client_tracking")
def runs_as_a_table(server):
    experiment = mlflow.set_experiment(fresh("table")).experiment_id
    for n in range(4):
        with mlflow.start_run(run_name=f"r{n}"):
            mlflow.log_metric("loss", n)
            mlflow.log_param("n", n)
    table = mlflow.search_runs([experiment], filter_string="metrics.loss < 3 and params.n != '0'", order_by=["metrics.loss ASC"])
    equal(list(table["params.n"]), ["1", "2"])
    equal(list(table["tags.mlflow.runName"]), ["r1", "r2"])
    equal(set(table["experiment_id"]), {experiment})
    assert str(table["start_time"].dtype).startswith("datetime64"), table["start_time"].dtype
    equal(len(mlflow.search_runs([experiment], max_results=2)), 2)
    assert mlflow.search_runs([experiment], filter_string="params.n = '9'").empty
    equal(len(mlflow.search_runs(experiment_names=[mlflow.get_experiment(experiment).name])), 4)


@case("client_tracking")
def a_large_batch(server):
    """The client splits what is more than a batch."""
    mlflow.set_experiment(fresh("large"))
    with mlflow.start_run() as run:
        mlflow.log_metrics({f"m{i}": i for i in range(1500)})
        mlflow.log_params({f"p{i}": i for i in range(250)})
    read = mlflow.get_run(run.info.run_id)
    equal((len(read.data.metrics), len(read.data.params)), (1500, 250))


@case("client_tracking")
def asynchronous_logging(server):
    mlflow.set_experiment(fresh("async"))
    with mlflow.start_run() as run:
        pending = [mlflow.log_metric("m", step, step=step, synchronous=False) for step in range(20)]
        pending.append(mlflow.log_param("p", 1, synchronous=False))
        for operation in pending:
            operation.wait()
    equal(len(MlflowClient().get_metric_history(run.info.run_id, "m")), 20)
    equal(mlflow.get_run(run.info.run_id).data.params, {"p": "1"})


@case("client_tracking")
def log_batch(server):
    client = MlflowClient()
    run = client.create_run(client.create_experiment(fresh("batch"))).info.run_id
    now = int(time.time() * 1000)
    client.log_batch(run, metrics=[Metric("m", float("nan"), now, 0), Metric("m", 2.0, now, 1)], params=[Param("p", "v")], tags=[RunTag("t", "v")])
    data = client.get_run(run).data
    equal((data.metrics, data.params, data.tags["t"]), ({"m": 2.0}, {"p": "v"}, "v"))
    first = client.get_metric_history(run, "m")[0].value
    assert first != first, first


@case("client_tracking")
def experiments(server):
    client, name = MlflowClient(), fresh("experiments")
    identifier = client.create_experiment(name, tags={"a": "b"})
    client.set_experiment_tag(identifier, "c", "d")
    experiment = client.get_experiment_by_name(name)
    equal((experiment.experiment_id, experiment.tags), (identifier, {"a": "b", "c": "d"}))
    client.rename_experiment(identifier, name + "-2")
    equal(client.get_experiment(identifier).name, name + "-2")
    equal(client.get_experiment_by_name(name), None)
    client.delete_experiment(identifier)
    equal([e.experiment_id for e in client.search_experiments(view_type=ViewType.DELETED_ONLY, filter_string=f"name = '{name}-2'")], [identifier])
    client.restore_experiment(identifier)
    equal([e.name for e in mlflow.search_experiments(filter_string=f"name LIKE '{name}%'")], [name + "-2"])


@case("client_tracking")
def errors_arrive_as_they_are(server):
    client = MlflowClient()
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_run("none"))
    name = fresh("twice")
    run = client.create_run(client.create_experiment(name)).info.run_id
    refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_experiment(name))
    client.log_param(run, "p", "1")
    refused("INVALID_PARAMETER_VALUE", lambda: client.log_param(run, "p", "2"))
    refused("INVALID_PARAMETER_VALUE", lambda: client.search_runs([client.get_run(run).info.experiment_id], "metrics.a LIKE 'b'"))


@case("client_tracking")
def end_states(server):
    client = MlflowClient()
    experiment = client.create_experiment(fresh("end"))
    for status in ("FINISHED", "FAILED", "KILLED"):
        run = client.create_run(experiment).info.run_id
        client.set_terminated(run, status)
        equal(client.get_run(run).info.status, status)
    client.update_run(run, name="renamed")
    equal(client.get_run(run).info.run_name, "renamed")
    client.delete_run(run)
    equal(client.get_run(run).info.lifecycle_stage, "deleted")
    client.restore_run(run)
    client.delete_tag(run, "mlflow.runName")


@case("client_tracking")
def data_sets(server):
    import pandas

    experiment = mlflow.set_experiment(fresh("data")).experiment_id
    table = pandas.DataFrame({"x": [1.0, 2.0], "y": [0, 1]})
    with mlflow.start_run() as run:
        mlflow.log_input(mlflow.data.from_pandas(table, name="points", targets="y"), context="training")
    (given,) = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    equal((given.dataset.name, {t.key: t.value for t in given.tags}), ("points", {"mlflow.data.context": "training"}))
    equal(len(mlflow.search_runs([experiment], filter_string="dataset.name = 'points'")), 1)


@case("client_tracking", needs="psutil")
def system_metrics(server):
    mlflow.set_experiment(fresh("system"))
    mlflow.set_system_metrics_sampling_interval(0.1)
    try:
        with mlflow.start_run(log_system_metrics=True) as run:
            time.sleep(1)
    finally:
        mlflow.set_system_metrics_sampling_interval(None)
    names = mlflow.get_run(run.info.run_id).data.metrics
    assert any(name.startswith("system/") for name in names), names


@case("client_tracking")
def autologging_from_scikit_learn(server):
    import numpy
    from sklearn.linear_model import LogisticRegression

    mlflow.set_experiment(fresh("sklearn"))
    mlflow.sklearn.autolog(log_models=False, silent=True)
    try:
        with mlflow.start_run() as run:
            LogisticRegression(C=0.5).fit(numpy.arange(20).reshape(10, 2), numpy.arange(10) % 2)
    finally:
        mlflow.sklearn.autolog(disable=True)
    data = mlflow.get_run(run.info.run_id).data
    equal(data.params["C"], "0.5")
    assert "training_accuracy_score" in data.metrics, data.metrics
