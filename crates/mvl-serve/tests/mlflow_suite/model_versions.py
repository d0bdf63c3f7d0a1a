"""model-versions/*"""

from framework import case, equal, fresh, keys, later, pages, pairs, whole


@case("model_versions")
def create_and_get(server):
    name, run = server.model(), server.run()
    made = server.version(name, run, description="d", tags=[{"key": "a", "value": "b"}], run_link="http://link")
    keys(made, "name version creation_timestamp last_updated_timestamp current_stage description source run_id status tags run_link")
    equal((made["name"], made["version"], made["current_stage"], made["status"]), (name, "1", "None", "READY"))
    equal((made["description"], made["source"], made["run_id"], made["run_link"]), ("d", f"runs:/{run}/model", run, "http://link"))
    equal(pairs(made["tags"]), {"a": "b"})
    whole(made["creation_timestamp"])
    equal(server.get("model-versions/get", name=name, version="1")["model_version"], made)


@case("model_versions")
def versions_count_up(server):
    name = server.model()
    equal([server.version(name)["version"] for _ in range(3)], ["1", "2", "3"])


@case("model_versions")
def a_deleted_version_is_not_given_out_again(server):
    name = server.model()
    server.version(name)
    server.version(name)
    server.delete("model-versions/delete", name=name, version="1")
    equal(server.version(name)["version"], "3")


@case("model_versions")
def from_artifacts_of_the_proxy(server):
    name, experiment = server.model(), server.experiment()
    run = server.run(experiment)
    source = f"mlflow-artifacts:/{experiment}/{run}/artifacts/model"
    equal(server.post("model-versions/create", name=name, source=source, run_id=run)["model_version"]["source"], source)
    server.invalid("POST", "model-versions/create", body={"name": name, "source": f"mlflow-artifacts:/{experiment}/other/artifacts/model", "run_id": run})


@case("model_versions")
def from_an_object_store(server):
    equal(server.post("model-versions/create", name=server.model(), source="s3://bucket/model")["model_version"]["source"], "s3://bucket/model")


@case("model_versions")
def from_another_version(server):
    name, run = server.model(), server.run()
    server.version(name, run)
    made = server.post("model-versions/create", name=server.model(), source=f"models:/{name}/1")["model_version"]
    equal((made["source"], made["run_id"]), (f"models:/{name}/1", run))


@case("model_versions")
def from_a_logged_model(server):
    name, experiment = server.model(), server.experiment()
    model = server.logged_model(experiment, params=[{"key": "p", "value": "1"}])["info"]["model_id"]
    server.post("model-versions/create", name=name, source=f"models:/{model}", model_id=model)
    equal(server.get("model-versions/get-download-uri", name=name, version="1")["artifact_uri"], f"mlflow-artifacts:/{experiment}/models/{model}/artifacts")


@case("model_versions")
def sources_that_lead_out(server):
    name, run = server.model(), server.run()
    for source in (
        "", "/etc/passwd", "file:///etc/passwd", "../x", "mlflow-artifacts:/../../etc", "s3://b/../c", "mlflow-artifacts:/a/%2e%2e/b", "mlflow-artifacts:/%252e%252e/b",
        "runs:/none/model", "models:/m-1234",
    ):  # fmt: skip
        server.invalid("POST", "model-versions/create", body={"name": name, "source": source, "run_id": run})
    server.missing("POST", "model-versions/create", body={"name": name, "source": "models:/none/1", "run_id": run})
    equal(server.get("model-versions/search", filter=f"name = '{name}'"), {})


@case("model_versions")
def a_source_of_another_run(server):
    name, run = server.model(), server.run()
    server.invalid("POST", "model-versions/create", body={"name": name, "source": f"runs:/{run}/model"})
    server.invalid("POST", "model-versions/create", body={"name": name, "source": f"runs:/{run}/model", "run_id": server.run()})


@case("model_versions")
def of_no_model(server):
    server.missing("POST", "model-versions/create", body={"name": fresh("none"), "source": "s3://b/x"})
    server.invalid("POST", "model-versions/create", body={"name": server.model()})
    server.invalid("POST", "model-versions/create", body={"source": "s3://b/x"})


@case("model_versions")
def get_nothing(server):
    name = server.model()
    server.missing("GET", "model-versions/get", query={"name": name, "version": "9"})
    server.missing("GET", "model-versions/get", query={"name": "none", "version": "1"})
    server.invalid("GET", "model-versions/get", query={"name": name, "version": "x"})
    server.invalid("GET", "model-versions/get", query={"name": name})


@case("model_versions")
def update(server):
    name = server.model()
    server.version(name)
    equal(server.patch("model-versions/update", name=name, version="1", description="new")["model_version"]["description"], "new")
    server.missing("PATCH", "model-versions/update", body={"name": name, "version": "9", "description": "x"})


@case("model_versions")
def delete(server):
    name = server.model()
    server.version(name)
    equal(server.delete("model-versions/delete", name=name, version="1"), {})
    server.missing("GET", "model-versions/get", query={"name": name, "version": "1"})
    server.missing("DELETE", "model-versions/delete", body={"name": name, "version": "1"})


@case("model_versions")
def download_address(server):
    name, experiment = server.model(), server.experiment()
    run = server.run(experiment)
    server.post("model-versions/create", name=name, source=f"mlflow-artifacts:/{experiment}/{run}/artifacts/model", run_id=run)
    equal(server.get("model-versions/get-download-uri", name=name, version="1")["artifact_uri"], f"mlflow-artifacts:/{experiment}/{run}/artifacts/model")
    server.missing("GET", "model-versions/get-download-uri", query={"name": name, "version": "9"})


@case("model_versions")
def get_artifact(server):
    name, experiment = server.model(), server.experiment()
    run = server.run(experiment)
    path = "/api/2.0/mlflow-artifacts/artifacts/{}/{}/artifacts/model/MLmodel"
    equal(server.send("PUT", path, experiment, run, raw=b"flavors").status, 200)
    server.post("model-versions/create", name=name, source=f"mlflow-artifacts:/{experiment}/{run}/artifacts/model", run_id=run)
    for query, status in (({"path": "MLmodel"}, 200), ({"path": "none"}, 404), ({"path": "../x"}, 400)):
        equal(server.send("GET", "/model-versions/get-artifact", query={"name": name, "version": "1", **query}).status, status, str(query))


@case("model_versions")
def stages(server):
    name = server.model()
    for _ in range(2):
        server.version(name)

    def move(version, stage, archive):
        return server.post("model-versions/transition-stage", name=name, version=version, stage=stage, archive_existing_versions=archive)["model_version"]["current_stage"]

    def stage(version):
        return server.get("model-versions/get", name=name, version=version)["model_version"]["current_stage"]

    equal(move("1", "production", False), "Production", "whatever its case")
    equal(move("2", "Production", True), "Production")
    equal((stage("1"), stage("2")), ("Archived", "Production"))
    equal(move("1", "Staging", False), "Staging")
    equal(move("1", "None", False), "None")


@case("model_versions")
def stages_refuse(server):
    name = server.model()
    server.version(name)
    body = {"name": name, "version": "1", "stage": "Staging", "archive_existing_versions": False}
    server.invalid("POST", "model-versions/transition-stage", body={**body, "stage": "Somewhere"})
    server.missing("POST", "model-versions/transition-stage", body={**body, "version": "9"})


@case("model_versions")
def tags(server):
    name = server.model()
    server.version(name)
    ask = {"name": name, "version": "1"}
    for value in "12":
        equal(server.post("model-versions/set-tag", **ask, key="a", value=value), {})
    equal(pairs(server.get("model-versions/get", **ask)["model_version"]["tags"]), {"a": "2"})
    for _ in range(2):
        equal(server.delete("model-versions/delete-tag", **ask, key="a"), {}, "also when it is not there")
    assert "tags" not in server.get("model-versions/get", **ask)["model_version"]
    server.missing("POST", "model-versions/set-tag", body={"name": name, "version": "9", "key": "a", "value": "v"})
    server.missing("DELETE", "model-versions/delete-tag", body={"name": name, "version": "9", "key": "a"})
    server.invalid("POST", "model-versions/set-tag", body={**ask, "key": "a$", "value": "v"})


def made(server):
    """Three versions from two runs."""
    name, first, second = server.model(), server.run(), server.run()
    server.version(name, first, tags=[{"key": "kind", "value": "small"}])
    later()
    server.version(name, second)
    later()
    server.version(name, first)
    return name, first, second


def numbers(page):
    return "".join(version["version"] for version in page.get("model_versions", []))


@case("model_versions")
def search(server):
    name, first, second = made(server)
    for text, found in (
        (f"name = '{name}'", "123"), (f"run_id = '{first}'", "13"), (f"run_id IN ('{second}')", "2"), (f"name = '{name}' and tags.kind = 'small'", "1"),
        (f"source_path = 'runs:/{second}/model'", "2"), (f"version_number > 1 AND name = '{name}'", "23"), (f"name LIKE '{name}%' AND version_number = 2", "2"),
        (f"name ILIKE '{name.upper()}'", "123"), ("name = 'none'", ""), (f"name = '{name}' AND version_number <= 1", "1"),
    ):  # fmt: skip
        equal("".join(sorted(numbers(server.get("model-versions/search", filter=text)))), found, text)


@case("model_versions")
def search_in_order(server):
    name, _, _ = made(server)
    for order, found in ((["version_number ASC"], "123"), (["version_number DESC"], "321"), (["creation_timestamp ASC"], "123"), (["name ASC", "version_number DESC"], "321")):
        equal(numbers(server.get("model-versions/search", filter=f"name = '{name}'", order_by=order)), found, str(order))


@case("model_versions")
def search_by_pages(server):
    name, _, _ = made(server)
    ask = {"filter": f"name = '{name}'", "order_by": ["version_number ASC"], "max_results": 2}
    got = pages(lambda token: server.get("model-versions/search", **ask, **({"page_token": token} if token else {})), "model_versions")
    equal([[version["version"] for version in page] for page in got], [["1", "2"], ["3"]])


@case("model_versions")
def search_refuses(server):
    for query in ({"max_results": 200001}, {"filter": "none = 'x'"}, {"filter": "name ="}, {"order_by": ["none"]}, {"max_results": 1, "page_token": "zz"}, {"filter": "version_number = 'x'"}):
        server.invalid("GET", "model-versions/search", query=query)
