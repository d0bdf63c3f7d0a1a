"""logged-models: MLflow 3's models that belong to an experiment."""

from framework import case, equal, keys, later, pages, pairs, whole


@case("logged_models")
def create(server):
    experiment = server.experiment()
    run = server.run(experiment)
    pair = [{"key": "a", "value": "1"}]
    info = server.logged_model(experiment, name="net", model_type="classifier", source_run_id=run, params=pair, tags=pair)
    keys(info, "info data")
    equal(info["data"], {"params": pair})
    info = info["info"]
    equal((info["name"], info["model_type"], info["source_run_id"], info["experiment_id"]), ("net", "classifier", run, experiment))
    equal((info["status"], pairs(info["tags"])), ("LOGGED_MODEL_PENDING", {"a": "1"}))
    assert info["model_id"].startswith("m-") and len(info["model_id"]) == 34, info
    equal(info["artifact_uri"], f"mlflow-artifacts:/{experiment}/models/{info['model_id']}/artifacts")
    whole(info["creation_timestamp_ms"])
    whole(info["last_updated_timestamp_ms"])


@case("logged_models")
def a_name_is_made_up(server):
    assert server.logged_model()["info"]["name"]


@case("logged_models")
def bad_models(server):
    experiment = server.experiment()
    server.invalid("POST", "logged-models", body={"name": "x"})
    server.missing("POST", "logged-models", body={"experiment_id": "987654321"})
    for name in ("a/b", "a:b", "a.b", "a%b", "a'b", 'a"b'):
        server.invalid("POST", "logged-models", body={"experiment_id": experiment, "name": name})


@case("logged_models")
def get(server):
    model = server.logged_model(name="net")
    equal(server.get("logged-models/{}", model["info"]["model_id"])["model"], model)
    server.missing("GET", "logged-models/{}", "m-none")


@case("logged_models")
def finalize(server):
    model = server.logged_model()["info"]["model_id"]
    for status, expected in (("LOGGED_MODEL_READY", "LOGGED_MODEL_READY"), (3, "LOGGED_MODEL_UPLOAD_FAILED"), (2, "LOGGED_MODEL_READY")):
        equal(server.patch("logged-models/{}", model, model_id=model, status=status)["model"]["info"]["status"], expected)
    server.invalid("PATCH", "logged-models/{}", model, body={"model_id": model})
    server.missing("PATCH", "logged-models/{}", "m-none", body={"model_id": "m-none", "status": 2})


@case("logged_models")
def tags(server):
    model = server.logged_model()["info"]["model_id"]
    equal(server.patch("logged-models/{}/tags", model, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]), {})
    server.patch("logged-models/{}/tags", model, tags=[{"key": "a", "value": "3"}])
    equal(pairs(server.get("logged-models/{}", model)["model"]["info"]["tags"]), {"a": "3", "b": "2"})
    equal(server.delete("logged-models/{}/tags/{}", model, "a"), {})
    equal(pairs(server.get("logged-models/{}", model)["model"]["info"]["tags"]), {"b": "2"})
    server.missing("DELETE", "logged-models/{}/tags/{}", model, "a")
    server.missing("PATCH", "logged-models/{}/tags", "m-none", body={"tags": [{"key": "a", "value": "1"}]})


@case("logged_models")
def parameters(server):
    model = server.logged_model()["info"]["model_id"]
    equal(server.post("logged-models/{}/params", model, model_id=model, params=[{"key": "a", "value": "1"}]), {})
    equal(pairs(server.get("logged-models/{}", model)["model"]["data"]["params"]), {"a": "1"})
    server.missing("POST", "logged-models/{}/params", "m-none", body={"model_id": "m-none", "params": [{"key": "a", "value": "1"}]})


@case("logged_models")
def metrics_of_a_model(server):
    """A metric that names a model stands with the run and with the model."""
    experiment = server.experiment()
    run, model = server.run(experiment), server.logged_model(experiment)["info"]["model_id"]
    server.post("runs/log-metric", run_id=run, key="acc", value=0.9, timestamp=1, step=3, model_id=model, dataset_name="faces", dataset_digest="d")
    (metric,) = server.get("logged-models/{}", model)["model"]["data"]["metrics"]
    equal(metric, {"key": "acc", "value": 0.9, "timestamp": 1, "step": 3, "dataset_name": "faces", "dataset_digest": "d", "model_id": model, "run_id": run})
    equal(pairs(server.read(run)["data"]["metrics"]), {"acc": 0.9})


@case("logged_models")
def delete(server):
    model = server.logged_model()["info"]["model_id"]
    equal(server.delete("logged-models/{}", model), {})
    server.missing("GET", "logged-models/{}", model)
    equal(server.get("logged-models/{}", model, allow_deleted="true")["model"]["info"]["model_id"], model)
    server.missing("DELETE", "logged-models/{}", "m-none")


SEARCHED = {}


def three(server):
    """Three models of one experiment; made once."""
    if server.uri not in SEARCHED:
        experiment = server.experiment()
        run = server.run(experiment)
        for n, name in enumerate("abc"):
            later()
            pair = [{"key": "k", "value": name}]
            model = server.logged_model(experiment, name=name, model_type="even" if n % 2 == 0 else "odd", params=pair, tags=pair)["info"]["model_id"]
            server.post("runs/log-metric", run_id=run, key="acc", value=n / 10, timestamp=1, step=n, model_id=model, dataset_name=f"set-{n}", dataset_digest="d")
            server.patch("logged-models/{}", model, model_id=model, status="LOGGED_MODEL_READY" if n else "LOGGED_MODEL_UPLOAD_FAILED")
        SEARCHED[server.uri] = experiment
    return SEARCHED[server.uri]


def found(server, **ask):
    page = server.post("logged-models/search", experiment_ids=[three(server)], **ask)
    return "".join(model["info"]["name"] for model in page.get("models", []))


@case("logged_models")
def search(server):
    """The latest first."""
    equal(found(server), "cba")
    equal(server.post("logged-models/search", experiment_ids=[server.experiment()]), {})


@case("logged_models")
def search_with_filters(server):
    for text, names in (
        ("name = 'a'", "a"), ("name LIKE '%'", "abc"), ("params.k = 'b'", "b"), ("tags.k != 'b'", "ac"), ("model_type = 'even'", "ac"), ("metrics.acc > 0.05", "bc"),
        ("metrics.acc > 0.05 AND name = 'c'", "c"), ("creation_timestamp > 0", "abc"), ("name IN ('a', 'b')", "ab"),
    ):  # fmt: skip
        equal("".join(sorted(found(server, filter=text))), names, text)


@case("logged_models")
def search_on_a_data_set(server):
    equal(found(server, datasets=[{"dataset_name": "set-1", "dataset_digest": "d"}], filter="metrics.acc >= 0"), "b")
    equal(found(server, datasets=[{"dataset_name": "set-1"}], filter="metrics.acc > 5"), "")


@case("logged_models")
def search_in_order(server):
    for by, names in (
        ([{"field_name": "name", "ascending": True}], "abc"), ([{"field_name": "name", "ascending": False}], "cba"), ([{"field_name": "metrics.acc", "ascending": False}], "cba"),
        ([{"field_name": "creation_time"}], "abc"), ([{"field_name": "metrics.acc"}], "abc"),
        ([{"field_name": "metrics.acc", "dataset_name": "set-1", "dataset_digest": "d"}], "bca"),
    ):  # fmt: skip
        equal(found(server, order_by=by), names, str(by))


@case("logged_models")
def search_by_pages(server):
    ask = {"experiment_ids": [three(server)], "max_results": 2}
    got = pages(lambda token: server.post("logged-models/search", **ask, **({"page_token": token} if token else {})), "models")
    equal([[model["info"]["name"] for model in page] for page in got], [["c", "b"], ["a"]])


@case("logged_models")
def search_refuses_bad_requests(server):
    experiment = three(server)
    for ask in ({"filter": "nonsense ="}, {"filter": "none = 'x'"}, {"order_by": [{"field_name": "none"}]}, {"filter": "name = 'a' OR name = 'b'"}):
        server.invalid("POST", "logged-models/search", body={"experiment_ids": [experiment], **ask})


@case("logged_models")
def artifacts(server):
    experiment = server.experiment()
    model = server.logged_model(experiment)["info"]["model_id"]
    root = f"{experiment}/models/{model}/artifacts"
    equal(server.get("logged-models/{}/artifacts/directories", model), {"root_uri": f"mlflow-artifacts:/{root}"})
    for path in ("MLmodel", "data/weights.bin"):
        equal(server.send("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{root}/{path}".replace(root, "{}/models/{}/artifacts"), experiment, model, raw=b"1234").status, 200)
    files = server.get("logged-models/{}/artifacts/directories", model)["files"]
    equal(files, [{"path": "MLmodel", "is_dir": False, "file_size": 4}, {"path": "data", "is_dir": True}])
    files = server.get("logged-models/{}/artifacts/directories", model, artifact_directory_path="data")["files"]
    equal(files, [{"path": "data/weights.bin", "is_dir": False, "file_size": 4}])
    file = "/ajax-api/2.0/mlflow/logged-models/{}/artifacts/files"
    equal(server.send("GET", file, model, query={"artifact_file_path": "MLmodel"}).body, b"1234")
    equal(server.send("GET", file, model, query={"artifact_file_path": "none"}).status, 404)
    equal(server.send("GET", file, model).status, 400)
    server.missing("GET", "logged-models/{}/artifacts/directories", "m-none")
    server.invalid("GET", "logged-models/{}/artifacts/directories", model, query={"artifact_directory_path": "../.."})
