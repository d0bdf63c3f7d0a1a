"""MLflow's own client, unmodified: models, logged, registered and loaded again."""

import mlflow
import pandas
from client_tracking import refused
from framework import case, equal, fresh
from mlflow import MlflowClient
from mlflow.models import infer_signature


class Adder(mlflow.pyfunc.PythonModel):
    """A model that needs nothing but what MLflow brings along."""

    def __init__(self, number):
        self.number = number

    def predict(self, context, model_input: pandas.DataFrame, params=None):
        return model_input["x"] + self.number


TABLE = pandas.DataFrame({"x": [1.0, 2.0]})


def log(number, **more):
    signature = infer_signature(TABLE, TABLE["x"] + number)
    return mlflow.pyfunc.log_model(python_model=Adder(number), signature=signature, pip_requirements=[], **more)


@case("client_models")
def log_and_load(server):
    mlflow.set_experiment(fresh("models"))
    with mlflow.start_run() as run:
        info = log(3, name="adder")
    equal(list(mlflow.pyfunc.load_model(info.model_uri).predict(TABLE)), [4.0, 5.0])
    model = mlflow.get_logged_model(info.model_id)
    equal((model.name, str(model.status.value), model.source_run_id), ("adder", "READY", run.info.run_id))
    equal([output.model_id for output in mlflow.get_run(run.info.run_id).outputs.model_outputs], [info.model_id])


@case("client_models")
def load_by_alias_and_version(server):
    name = fresh("adder")
    mlflow.set_experiment(fresh("models"))
    for number in (1, 10):
        with mlflow.start_run():
            log(number, name="adder", registered_model_name=name)
    client = MlflowClient()
    client.set_registered_model_alias(name, "champion", "1")
    equal(list(mlflow.pyfunc.load_model(f"models:/{name}@champion").predict(TABLE)), [2.0, 3.0])
    equal(list(mlflow.pyfunc.load_model(f"models:/{name}/2").predict(TABLE)), [11.0, 12.0])
    client.set_registered_model_alias(name, "champion", "2")
    equal(list(mlflow.pyfunc.load_model(f"models:/{name}@champion").predict(TABLE)), [11.0, 12.0])
    equal(list(mlflow.pyfunc.load_model(f"models:/{name}/latest").predict(TABLE)), [11.0, 12.0])


@case("client_models")
def register_later(server):
    name = fresh("later")
    mlflow.set_experiment(fresh("models"))
    with mlflow.start_run() as run:
        info = log(5, name="adder")
    version = mlflow.register_model(info.model_uri, name, tags={"a": "b"})
    equal((version.name, str(version.version), version.status, version.run_id), (name, "1", "READY", run.info.run_id))
    equal(list(mlflow.pyfunc.load_model(f"models:/{name}/1").predict(TABLE)), [6.0, 7.0])
    equal(MlflowClient().get_model_version(name, "1").tags, {"a": "b"})


@case("client_models")
def signature_of_a_version(server):
    name = fresh("signed")
    mlflow.set_experiment(fresh("models"))
    with mlflow.start_run():
        log(5, name="adder", registered_model_name=name)
    signature = mlflow.models.get_model_info(f"models:/{name}/1").signature
    equal(signature.inputs.input_names(), ["x"])


@case("client_models")
def scikit_learn(server):
    import numpy
    from sklearn.linear_model import LinearRegression

    name = fresh("sklearn")
    mlflow.set_experiment(fresh("models"))
    x = numpy.arange(10).reshape(-1, 1)
    with mlflow.start_run():
        # MLflow has a safer form since 3; pickle is what the client writes without another package.
        mlflow.sklearn.log_model(LinearRegression().fit(x, 2 * x[:, 0] + 1), name="line", registered_model_name=name, serialization_format="pickle", pip_requirements=[])
    loaded = mlflow.sklearn.load_model(f"models:/{name}/1")
    equal([round(float(y), 6) for y in loaded.predict([[20]])], [41.0])


@case("client_models")
def registry_from_the_client(server):
    client, name = MlflowClient(), fresh("registry")
    client.create_registered_model(name, tags={"a": "b"}, description="d")
    run = client.create_run(client.create_experiment(fresh("registry"))).info
    version = client.create_model_version(name, f"{run.artifact_uri}/model", run_id=run.run_id, description="v")
    client.set_model_version_tag(name, version.version, "k", "v")
    client.update_model_version(name, version.version, description="w")
    client.update_registered_model(name, description="e")
    client.set_registered_model_tag(name, "c", "d")
    client.delete_registered_model_tag(name, "a")
    read = client.get_registered_model(name)
    equal((read.description, read.tags, len(read.latest_versions)), ("e", {"c": "d"}, 1))
    read = client.get_model_version(name, version.version)
    equal((read.description, read.tags, read.current_stage, read.run_id), ("w", {"k": "v"}, "None", run.run_id))
    equal(client.get_model_version_download_uri(name, version.version), f"{run.artifact_uri}/model")
    equal([v.version for v in client.search_model_versions(f"name = '{name}'")], [version.version])
    equal([m.name for m in client.search_registered_models(f"name = '{name}'")], [name])
    client.rename_registered_model(name, name + "-2")
    client.delete_model_version(name + "-2", version.version)
    client.delete_registered_model(name + "-2")
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model(name + "-2"))


@case("client_models")
def aliases_from_the_client(server):
    client, name = MlflowClient(), fresh("aliases")
    client.create_registered_model(name)
    for _ in range(2):
        client.create_model_version(name, "s3://bucket/model")
    client.set_registered_model_alias(name, "canary", "2")
    equal(str(client.get_model_version_by_alias(name, "canary").version), "2")
    equal(client.get_registered_model(name).aliases, {"canary": "2"} if isinstance(client.get_registered_model(name).aliases["canary"], str) else {"canary": 2})
    client.delete_registered_model_alias(name, "canary")
    refused("INVALID_PARAMETER_VALUE", lambda: client.get_model_version_by_alias(name, "canary"))


@case("client_models")
def copy_a_version(server):
    client, name, other = MlflowClient(), fresh("source"), fresh("copy")
    client.create_registered_model(name)
    client.create_model_version(name, "s3://bucket/model")
    copied = client.copy_model_version(f"models:/{name}/1", other)
    equal((copied.name, str(copied.version), copied.source), (other, "1", f"models:/{name}/1"))


@case("client_models")
def logged_models(server):
    experiment = mlflow.set_experiment(fresh("logged")).experiment_id
    model = mlflow.create_external_model(name="outside", params={"p": "1"}, tags={"t": "v"})
    with mlflow.start_run():
        mlflow.log_metric("acc", 0.75, step=1, model_id=model.model_id)
    client = MlflowClient()
    client.set_logged_model_tags(model.model_id, {"u": "w"})
    client.delete_logged_model_tag(model.model_id, "t")
    read = mlflow.get_logged_model(model.model_id)
    equal((read.name, read.params, read.metrics[0].value), ("outside", {"p": "1"}, 0.75))
    assert read.tags["u"] == "w" and "t" not in read.tags, read.tags
    found = mlflow.search_logged_models(experiment_ids=[experiment], filter_string="metrics.acc > 0.5", output_format="list")
    equal([each.model_id for each in found], [model.model_id])
    client.delete_logged_model(model.model_id)
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_logged_model(model.model_id))
