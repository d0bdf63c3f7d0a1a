"""runs/log-batch: all or nothing."""

from framework import case, equal, pairs


def metrics(count, key="m"):
    return [{"key": key, "value": i / 2, "timestamp": i, "step": i} for i in range(count)]


@case("batches")
def all_kinds_at_once(server):
    run = server.run(run_name="r")
    tags = [{"key": "t", "value": "v"}]
    equal(server.post("runs/log-batch", run_id=run, metrics=metrics(3), params=[{"key": "p", "value": "1"}], tags=tags), {})
    data = server.read(run)["data"]
    equal((pairs(data["metrics"]), pairs(data["params"]), pairs(data["tags"])), ({"m": 1.0}, {"p": "1"}, {"t": "v", "mlflow.runName": "r"}))


@case("batches")
def nothing_at_all(server):
    equal(server.post("runs/log-batch", run_id=server.run()), {})


@case("batches")
def a_thousand_metrics(server):
    run = server.run()
    server.post("runs/log-batch", run_id=run, metrics=metrics(1000))
    equal(len(server.get("metrics/get-history", run_id=run, metric_key="m")["metrics"]), 1000)
    equal(server.read(run)["data"]["metrics"], [{"key": "m", "value": 499.5, "timestamp": 999, "step": 999}])


@case("batches")
def a_hundred_parameters_and_tags(server):
    run = server.run()
    server.post("runs/log-batch", run_id=run, params=[{"key": f"p{i}", "value": str(i)} for i in range(100)])
    server.post("runs/log-batch", run_id=run, tags=[{"key": f"t{i}", "value": str(i)} for i in range(100)])
    data = server.read(run)["data"]
    equal((len(data["params"]), len(data["tags"])), (100, 101))


@case("batches")
def too_many(server):
    run = server.run()
    many = [{"key": f"k{i}", "value": "1"} for i in range(101)]
    for body in ({"metrics": metrics(1001)}, {"params": many}, {"tags": many}, {"metrics": metrics(1000), "tags": many[:1]}):
        message = server.invalid("POST", "runs/log-batch", body={"run_id": run, **body})
        assert message.startswith("A batch logging request can contain at most"), message


@case("batches")
def all_or_nothing(server):
    """A parameter that changes takes the metrics of its batch with it."""
    run = server.run(run_name="r")
    server.post("runs/log-parameter", run_id=run, key="p", value="1")
    body = {"run_id": run, "metrics": metrics(2), "params": [{"key": "new", "value": "1"}, {"key": "p", "value": "2"}], "tags": [{"key": "t", "value": "v"}]}
    server.invalid("POST", "runs/log-batch", body=body)
    data = server.read(run)["data"]
    equal((data.get("metrics"), pairs(data["params"]), pairs(data["tags"])), (None, {"p": "1"}, {"mlflow.runName": "r"}))


@case("batches")
def a_bad_name_takes_all_with_it(server):
    run = server.run()
    body = {"run_id": run, "metrics": [*metrics(2), {"key": "../m", "value": 1, "timestamp": 1}]}
    assert "metrics[2]" in server.invalid("POST", "runs/log-batch", body=body)
    assert "metrics" not in server.read(run)["data"]


@case("batches")
def the_same_batch_again(server):
    """A client that did not hear the answer sends a batch again."""
    run = server.run()
    body = {"run_id": run, "metrics": metrics(10), "params": [{"key": "p", "value": "1"}], "tags": [{"key": "t", "value": "v"}]}
    for _ in range(2):
        server.post("runs/log-batch", **body)
    equal(len(server.get("metrics/get-history", run_id=run, metric_key="m")["metrics"]), 10)


@case("batches")
def one_parameter_twice(server):
    run = server.run()
    message = server.invalid("POST", "runs/log-batch", body={"run_id": run, "params": [{"key": "d", "value": "1"}, {"key": "d", "value": "1"}]})
    assert message.startswith("Duplicate parameter keys"), message


@case("batches")
def one_tag_twice_is_the_last(server):
    run = server.run()
    server.post("runs/log-batch", run_id=run, tags=[{"key": "t", "value": "1"}, {"key": "t", "value": "2"}])
    equal(pairs(server.read(run)["data"]["tags"])["t"], "2")


@case("batches")
def what_must_be_there(server):
    run = server.run()
    for body, field in (
        ({"metrics": [{"value": 1, "timestamp": 1}]}, "metrics[0].key"), ({"metrics": [{"key": "b", "timestamp": 1}]}, "metrics[0].value"),
        ({"metrics": [{"key": "b", "value": 1}]}, "metrics[0].timestamp"), ({"params": [{"value": "1"}]}, "params[0].key"),
        ({"tags": [{"value": "1"}]}, "tags[0].key"),
    ):  # fmt: skip
        message = server.invalid("POST", "runs/log-batch", body={"run_id": run, **body})
        assert message.startswith(f"Missing value for required parameter '{field}'"), message


@case("batches")
def bad_requests(server):
    run = server.run()
    server.invalid("POST", "runs/log-batch", body={"metrics": []})
    server.invalid("POST", "runs/log-batch", body={"run_id": run, "metrics": "no"})
    server.missing("POST", "runs/log-batch", body={"run_id": "none", "tags": [{"key": "t", "value": "v"}]})


@case("batches")
def many_keys(server):
    run = server.run()
    server.post("runs/log-batch", run_id=run, metrics=[{"key": f"k{i}", "value": i, "timestamp": 1, "step": 1} for i in range(300)])
    equal(pairs(server.read(run)["data"]["metrics"]), {f"k{i}": float(i) for i in range(300)})


@case("batches")
def the_latest_within_a_batch(server):
    run = server.run()
    points = [(1, 9, 5), (2, 3, 9), (3, 9, 4)]
    server.post("runs/log-batch", run_id=run, metrics=[{"key": "m", "value": v, "step": s, "timestamp": t} for v, s, t in points])
    equal(pairs(server.read(run)["data"]["metrics"]), {"m": 1.0})
