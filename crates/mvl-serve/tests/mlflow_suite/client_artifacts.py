"""MLflow's own client, unmodified: artifacts through the proxy."""

import json
import os
import tempfile

import mlflow
from framework import case, equal, fresh
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException


def new_run():
    mlflow.set_experiment(fresh("artifacts"))
    return mlflow.start_run()


def listing(run, path=None):
    return {file.path: (file.is_dir, file.file_size) for file in MlflowClient().list_artifacts(run, path)}


@case("client_artifacts")
def files_and_folders(server):
    with new_run() as run, tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "deep", "er"))
        for path, text in (("one.txt", "1"), ("deep/two.txt", "22"), ("deep/er/three.txt", "333")):
            with open(os.path.join(folder, path), "w") as file:
                file.write(text)
        mlflow.log_artifact(os.path.join(folder, "one.txt"))
        mlflow.log_artifact(os.path.join(folder, "one.txt"), artifact_path="single")
        mlflow.log_artifacts(folder, artifact_path="all")
    run = run.info.run_id
    equal(listing(run), {"all": (True, None), "one.txt": (False, 1), "single": (True, None)})
    equal(listing(run, "all/deep"), {"all/deep/er": (True, None), "all/deep/two.txt": (False, 2)})
    with tempfile.TemporaryDirectory() as folder:
        there = mlflow.artifacts.download_artifacts(run_id=run, artifact_path="all", dst_path=folder)
        found = {os.path.relpath(os.path.join(at, name), there): os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(there) for name in names}
        equal(found, {"one.txt": 1, "deep/two.txt": 2, "deep/er/three.txt": 3})


@case("client_artifacts")
def text_and_dictionaries(server):
    with new_run() as run:
        mlflow.log_text("Grüße", "notes/hello.txt")
        mlflow.log_dict({"a": [1, 2], "b": None}, "config.json")
        mlflow.log_dict({"a": 1}, "config.yaml")
    base = run.info.artifact_uri
    equal(mlflow.artifacts.load_text(f"{base}/notes/hello.txt"), "Grüße")
    equal(mlflow.artifacts.load_dict(f"{base}/config.json"), {"a": [1, 2], "b": None})
    equal(mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/config.yaml").strip(), "a: 1")


@case("client_artifacts")
def figures(server):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.plot([1, 2, 3])
    with new_run() as run:
        mlflow.log_figure(figure, "plots/line.png")
        mlflow.log_figure(figure, "plots/line.svg")
    pyplot.close(figure)
    equal(mlflow.artifacts.load_image(f"{run.info.artifact_uri}/plots/line.png").size, (640, 480))
    equal(set(listing(run.info.run_id, "plots")), {"plots/line.png", "plots/line.svg"})


@case("client_artifacts")
def images(server):
    import numpy

    picture = numpy.zeros((8, 6, 3), dtype=numpy.uint8)
    picture[2, 3] = (255, 0, 0)
    with new_run() as run:
        mlflow.log_image(picture, "picture.png")
        for step in range(2):
            mlflow.log_image(picture, key="samples", step=step)
        mlflow.flush_artifact_async_logging()
    loaded = mlflow.artifacts.load_image(f"{run.info.artifact_uri}/picture.png")
    equal((loaded.size, loaded.getpixel((3, 2))), ((6, 8), (255, 0, 0)))
    stored = listing(run.info.run_id, "images")
    equal(sum(name.endswith(".png") for name in stored), 2, f"pictures in {stored}")


@case("client_artifacts")
def tables(server):
    with new_run() as run:
        for n in range(2):
            mlflow.log_table({"input": [f"q{n}"], "output": [f"a{n}"]}, "answers.json")
    equal(list(mlflow.load_table("answers.json", run_ids=[run.info.run_id])["input"]), ["q0", "q1"])


@case("client_artifacts")
def a_large_file(server):
    """Above the size from which the client would upload in parts if it could."""
    data = os.urandom(1 << 20) * 12
    with new_run() as run, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "large.bin")
        with open(path, "wb") as file:
            file.write(data)
        os.environ.update(MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD="true", MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE=str(5 << 20), MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE=str(5 << 20))
        try:
            mlflow.log_artifact(path)
        finally:
            for name in ("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE"):
                del os.environ[name]
    with tempfile.TemporaryDirectory() as folder, open(mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/large.bin", dst_path=folder), "rb") as file:
        assert file.read() == data


@case("client_artifacts")
def delete_all_of_a_run(server):
    """As `mlflow gc` does."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    with new_run() as run:
        mlflow.log_text("x", "a/b.txt")
        mlflow.log_text("y", "c.txt")
    repository = get_artifact_repository(run.info.artifact_uri)
    repository.delete_artifacts("a")
    equal(set(listing(run.info.run_id)), {"c.txt"})
    repository.delete_artifacts()
    equal(listing(run.info.run_id), {})


@case("client_artifacts")
def what_is_not_there(server):
    with new_run() as run:
        pass
    equal(listing(run.info.run_id), {})
    try:
        with tempfile.TemporaryDirectory() as folder:
            mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="none.txt", dst_path=folder)
    except (MlflowException, OSError):
        return
    raise AssertionError("a file came down that is not there")


@case("client_artifacts")
def json_reads_back(server):
    with new_run() as run:
        mlflow.log_dict({"labels": ["cat", "dog"]}, "labels.json")
    with tempfile.TemporaryDirectory() as folder, open(MlflowClient().download_artifacts(run.info.run_id, "labels.json", folder)) as file:
        equal(json.load(file), {"labels": ["cat", "dog"]})
