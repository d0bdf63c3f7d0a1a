#!/usr/bin/env python3
"""Reads a run back with MLflow's own client, and compares it with what it must be.

    scripts/check_mlflow.py TRACKING_URI EXPECTED.json

EXPECTED.json has run_id, status, params, metrics (name: [[step, value], ...]; a value that is no number is "NaN"), files (paths that
lie with the same bytes in files/ beside it), pictures (path, width, height, pixels as RGB), there (paths that must exist). Every
step of a metric must be there with its value and no other; the same value may be there twice. Prints what was compared.
"""

import json
import math
import pathlib
import sys
import tempfile

import mlflow
from PIL import Image


def histories(client, run_id, name):
    """The values of a metric by step; one that was recorded twice must be the same."""
    values = {}
    for point in client.get_metric_history(run_id, name):
        value = "NaN" if math.isnan(point.value) else point.value
        assert values.setdefault(point.step, value) == value, f"{name} at step {point.step}: {values[point.step]} and {value}"
    return values


def main():
    uri, path = sys.argv[1], pathlib.Path(sys.argv[2])
    expected = json.loads(path.read_text())
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    run_id = expected["run_id"]
    run = client.get_run(run_id)
    assert run.info.status == expected["status"], (run.info.status, expected["status"])
    assert run.data.tags["mlflow.source.name"], run.data.tags
    if expected["params"]:
        assert run.data.params == expected["params"], (run.data.params, expected["params"])

    values = 0
    for name, points in expected["metrics"].items():
        recorded = histories(client, run_id, name)
        assert recorded == {step: value for step, value in points}, (name, recorded, points)
        values += len(points)

    with tempfile.TemporaryDirectory() as folder:
        def fetched(path):
            return pathlib.Path(client.download_artifacts(run_id, path, folder))

        for name in expected["files"]:
            assert fetched(name).read_bytes() == (path.parent / "files" / name).read_bytes(), name
        for name in expected["there"]:
            assert fetched(name).stat().st_size > 0, name
        for picture in expected["pictures"]:
            with Image.open(fetched(picture["path"])) as image:
                assert image.format == "PNG" and image.mode == "RGB", (image.format, image.mode)
                assert image.size == (picture["width"], picture["height"]), image.size
                assert list(image.tobytes()) == picture["pixels"], picture["path"]

    files, pictures = len(expected["files"]) + len(expected["there"]), len(expected["pictures"])
    print(
        f"mlflow {mlflow.__version__}: {run.info.status}, {len(expected['params'])} parameters, "
        f"{len(expected['metrics'])} metrics with {values} values, {files} files and {pictures} pictures equal"
    )


main()
