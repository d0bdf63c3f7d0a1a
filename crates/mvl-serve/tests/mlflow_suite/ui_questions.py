"""/graphql: the four questions that MLflow's UI asks in GraphQL, in its words."""

from framework import case, equal

RUN = """{ info { runName status runUuid experimentId artifactUri endTime lifecycleStage startTime userId }
  experiment { experimentId name tags { key value } artifactLocation lifecycleStage lastUpdateTime } modelVersions { status version name source creationTimestamp }
  data { metrics { key value step timestamp } params { key value } tags { key value } }
  inputs { datasetInputs { dataset { digest name profile schema source sourceType } tags { key value } } modelInputs { modelId } }
  outputs { modelOutputs { modelId step } } }"""
GET_RUN = """query GetRun($data: MlflowGetRunInput!) @component(name: "MLflow.ExperimentRunTracking") {
  mlflowGetRun(input: $data) { apiError { helpUrl code message } run %s } }""" % RUN
SEARCH_RUNS = "query SearchRuns($data: MlflowSearchRunsInput!) { mlflowSearchRuns(input: $data) { apiError { helpUrl code message } runs %s nextPageToken } }" % RUN
GET_EXPERIMENT = """query MlflowGetExperimentQuery($input: MlflowGetExperimentInput!) { mlflowGetExperiment(input: $input) { apiError { code message }
  experiment { artifactLocation creationTime experimentId lastUpdateTime lifecycleStage name tags { key value } } } }"""
INTERVAL = """query GetMetricHistoryBulkInterval($data: MlflowGetMetricHistoryBulkIntervalInput!) {
  mlflowGetMetricHistoryBulkInterval(input: $data) { __typename metrics { __typename timestamp step runId key value } apiError { code message } } }"""


def ask(server, name, query, **variables):
    answer = server.send("POST", "/graphql", body={"operationName": name, "query": query, "variables": variables})
    equal(answer.status, 200, f"{name}: {answer}")
    return answer.json


def told(server, name, query, **variables):
    answer = ask(server, name, query, **variables)
    assert not answer["errors"], answer
    (value,) = answer["data"].values()
    equal(value["apiError"], None)
    return value


def full_run(server):
    """A run with something in every field: its experiment and the run."""
    experiment = server.experiment(tags=[{"key": "a", "value": "b"}])
    run = server.run(experiment, run_name="r", user_id="ada")
    metrics = [{"key": "m", "value": i / 2, "timestamp": i, "step": i} for i in range(3)] + [{"key": "nan", "value": "NaN", "timestamp": 1}]
    server.post("runs/log-batch", run_id=run, metrics=metrics, params=[{"key": "p", "value": "1"}])
    data = {"name": "faces", "digest": "d", "source_type": "local", "source": "s"}
    server.post("runs/log-inputs", run_id=run, datasets=[{"dataset": data, "tags": [{"key": "k", "value": "v"}]}])
    model = server.logged_model(experiment)["info"]["model_id"]
    server.post("runs/outputs", run_id=run, models=[{"model_id": model, "step": 2}])
    name = server.model()
    server.version(name, run)
    return experiment, run, model, name


@case("graphql")
def get_run(server):
    experiment, run, model, name = full_run(server)
    got = told(server, "GetRun", GET_RUN, data={"runId": run})["run"]
    info = {"runName": "r", "status": "RUNNING", "runUuid": run, "experimentId": experiment, "artifactUri": f"mlflow-artifacts:/{experiment}/{run}/artifacts",
            "endTime": "0", "lifecycleStage": "active", "startTime": "1000", "userId": "ada"}  # fmt: skip
    equal(got["info"], info)
    metrics = [{"key": "m", "value": 1.0, "step": "2", "timestamp": "2"}, {"key": "nan", "value": None, "step": "0", "timestamp": "1"}]
    equal((got["data"]["metrics"], got["data"]["params"], got["data"]["tags"]), (metrics, [{"key": "p", "value": "1"}], [{"key": "mlflow.runName", "value": "r"}]))
    equal((got["experiment"]["experimentId"], got["experiment"]["tags"]), (experiment, [{"key": "a", "value": "b"}]))
    (version,) = got["modelVersions"]
    assert version.pop("creationTimestamp").isdigit()
    equal(version, {"status": "READY", "version": "1", "name": name, "source": f"runs:/{run}/model"})
    (read,) = got["inputs"]["datasetInputs"]
    equal(read, {"dataset": {"digest": "d", "name": "faces", "profile": "", "schema": "", "source": "s", "sourceType": "local"}, "tags": [{"key": "k", "value": "v"}]})
    equal((got["inputs"]["modelInputs"], got["outputs"]["modelOutputs"]), ([], [{"modelId": model, "step": "2"}]))


@case("graphql")
def search_runs(server):
    experiment = server.experiment()
    made = [server.run(experiment, start_time=n) for n in range(3)]
    got = told(server, "SearchRuns", SEARCH_RUNS, data={"experimentIds": [experiment], "filter": "", "maxResults": 2})
    equal([run["info"]["runUuid"] for run in got["runs"]], [made[2], made[1]])
    assert got["nextPageToken"], got
    more = {"experimentIds": [experiment], "filter": "", "maxResults": 2, "pageToken": got["nextPageToken"]}
    got = told(server, "SearchRuns", SEARCH_RUNS, data=more)
    equal(([run["info"]["runUuid"] for run in got["runs"]], got["nextPageToken"]), (made[:1], ""))


@case("graphql")
def get_experiment(server):
    experiment = server.experiment()
    got = told(server, "MlflowGetExperimentQuery", GET_EXPERIMENT, input={"experimentId": experiment})["experiment"]
    rest = server.get("experiments/get", experiment_id=experiment)["experiment"]
    equal((got["name"], got["creationTime"], got["lifecycleStage"], got["tags"]), (rest["name"], str(rest["creation_time"]), "active", []))


@case("graphql")
def metric_history(server):
    _, run, _, _ = full_run(server)
    got = told(server, "GetMetricHistoryBulkInterval", INTERVAL, data={"runIds": [run], "metricKey": "m", "maxResults": 320})
    points = [{"__typename": "MlflowMetricWithRunId", "timestamp": str(i), "step": str(i), "runId": run, "key": "m", "value": i / 2} for i in range(3)]
    equal((got["__typename"], got["metrics"]), ("MlflowGetMetricHistoryBulkIntervalResponse", points))


@case("graphql")
def errors(server):
    answer = ask(server, "GetRun", GET_RUN, data={"runId": "none"})
    equal((answer["data"], answer["errors"]), ({"mlflowGetRun": None}, ["Run with id=none not found"]))
    answer = ask(server, "Q", "query Q { nothing { a } }")
    equal(answer["errors"], ["Cannot query field 'nothing' on type 'Query'."])
