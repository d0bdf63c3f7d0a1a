"""Metrics: logging, the latest value, histories in pages, and what MLflow's UI asks for many runs at once."""

from framework import case, equal, fresh, keys, pages, pairs, whole

AJAX = "/ajax-api/2.0/mlflow/metrics/"


def log(server, run, key, value, step, timestamp=None):
    server.post("runs/log-metric", run_id=run, key=key, value=value, step=step, timestamp=step if timestamp is None else timestamp)


def history(server, run, key="m", **more):
    return server.get("metrics/get-history", run_id=run, metric_key=key, **more)


@case("metrics")
def log_and_read(server):
    run = server.run()
    equal(server.post("runs/log-metric", run_id=run, key="m", value=0.5, timestamp=10, step=3), {})
    (metric,) = server.read(run)["data"]["metrics"]
    equal(metric, {"key": "m", "value": 0.5, "timestamp": 10, "step": 3})
    whole(metric["timestamp"])
    whole(metric["step"])


@case("metrics")
def the_step_is_zero_if_not_named(server):
    run = server.run()
    server.post("runs/log-metric", run_id=run, key="m", value=1, timestamp=10)
    equal(history(server, run)["metrics"], [{"key": "m", "value": 1.0, "timestamp": 10, "step": 0}])


@case("metrics")
def the_latest_is_the_last_step(server):
    """By step, then by time, then by value; not by arrival."""
    run = server.run()
    for value, step, timestamp in ((1, 5, 100), (2, 3, 200), (3, 5, 50)):
        log(server, run, "m", value, step, timestamp)
    equal(pairs(server.read(run)["data"]["metrics"]), {"m": 1.0})
    log(server, run, "m", 4, 5, 100)
    equal(pairs(server.read(run)["data"]["metrics"]), {"m": 4.0})


@case("metrics")
def negative_steps(server):
    run = server.run()
    log(server, run, "m", 1, -2, 10)
    equal(history(server, run)["metrics"][0]["step"], -2)


@case("metrics")
def not_a_number(server):
    run = server.run()
    log(server, run, "m", "NaN", 1)
    equal(history(server, run)["metrics"][0]["value"], "NaN")
    equal(server.read(run)["data"]["metrics"][0]["value"], "NaN")


@case("metrics")
def infinities_become_the_largest_numbers(server):
    run = server.run()
    log(server, run, "m", "Infinity", 1)
    log(server, run, "m", "-Infinity", 2)
    equal([metric["value"] for metric in history(server, run)["metrics"]], [1.7976931348623157e308, -1.7976931348623157e308])


@case("metrics")
def numbers_as_strings(server):
    run = server.run()
    server.post("runs/log-metric", run_id=run, key="m", value="0.25", timestamp="15", step="5")
    equal(history(server, run)["metrics"], [{"key": "m", "value": 0.25, "timestamp": 15, "step": 5}])


@case("metrics")
def what_must_be_there(server):
    run = server.run()
    whole_request = {"run_id": run, "key": "m", "value": 1, "timestamp": 1}
    for field in whole_request:
        message = server.invalid("POST", "runs/log-metric", body={k: v for k, v in whole_request.items() if k != field})
        assert message.startswith(f"Missing value for required parameter '{field}'"), message


@case("metrics")
def bad_metrics(server):
    run = server.run()
    for key in ("../m", "m$", "a//b", "/m", "x" * 251):
        server.invalid("POST", "runs/log-metric", body={"run_id": run, "key": key, "value": 1, "timestamp": 1})
    server.invalid("POST", "runs/log-metric", body={"run_id": run, "key": "m", "value": "much", "timestamp": 1})
    server.invalid("POST", "runs/log-metric", body={"run_id": run, "key": "m", "value": 1, "timestamp": -1})
    server.missing("POST", "runs/log-metric", body={"run_id": "none", "key": "m", "value": 1, "timestamp": 1})


@case("metrics")
def names_with_slashes_and_spaces(server):
    run = server.run()
    for key in ("train/loss", "val loss", "a.b-c_d:e", "точность"):
        log(server, run, key, 1, 1)
    equal(sorted(pairs(server.read(run)["data"]["metrics"])), sorted(["train/loss", "val loss", "a.b-c_d:e", "точность"]))


@case("metrics")
def history_in_order(server):
    """By time, then by step and value."""
    run = server.run()
    for value, step, timestamp in ((3, 2, 30), (1, 0, 10), (2, 1, 20), (9, 1, 20)):
        log(server, run, "m", value, step, timestamp)
    equal([metric["value"] for metric in history(server, run)["metrics"]], [1.0, 2.0, 9.0, 3.0])


@case("metrics")
def the_same_point_twice_is_one(server):
    run = server.run()
    log(server, run, "m", 1, 1)
    log(server, run, "m", 1, 1)
    equal(len(history(server, run)["metrics"]), 1)


@case("metrics")
def history_of_nothing(server):
    run = server.run()
    equal(history(server, run, "none"), {})
    server.invalid("GET", "metrics/get-history", query={"run_id": run})
    server.invalid("GET", "metrics/get-history", query={"metric_key": "m"})


@case("metrics")
def history_in_pages(server):
    run = server.run()
    for step in range(5):
        log(server, run, "m", step, step)
    found = pages(lambda token: history(server, run, max_results=2, **({"page_token": token} if token else {})), "metrics")
    equal([[metric["step"] for metric in page] for page in found], [[0, 1], [2, 3], [4]])


@case("metrics")
def history_without_pages_is_whole(server):
    run = server.run()
    for first in (0, 1000):
        server.post("runs/log-batch", run_id=run, metrics=[{"key": "m", "value": i, "timestamp": i, "step": i} for i in range(first, first + 1000)])
    answer = history(server, run)
    keys(answer, "metrics")
    equal([metric["step"] for metric in answer["metrics"]], list(range(2000)))


@case("metrics")
def history_refuses_bad_pages(server):
    run = server.run()
    server.invalid("GET", "metrics/get-history", query={"run_id": run, "metric_key": "m", "max_results": 0})
    server.invalid("GET", "metrics/get-history", query={"run_id": run, "metric_key": "m", "max_results": 2, "page_token": "bad!"})


@case("metrics")
def bulk(server):
    """All points of a metric of several runs, for the UI."""
    experiment = server.experiment()
    runs = [server.run(experiment) for _ in range(2)]
    for n, run in enumerate(runs):
        for step in range(3):
            log(server, run, "m", n * 10 + step, step)
    answer = server.send("GET", AJAX + "get-history-bulk", query={"run_id": runs, "metric_key": "m", "max_results": 100})
    equal(answer.status, 200)
    for metric in answer.json["metrics"]:
        for field in ("key", "value", "timestamp", "step", "run_id"):
            assert field in metric, metric
    for n, run in enumerate(runs):
        equal([metric["value"] for metric in answer.json["metrics"] if metric["run_id"] == run], [n * 10.0, n * 10 + 1.0, n * 10 + 2.0])


@case("metrics")
def bulk_refuses(server):
    for query in ({"metric_key": "m"}, {"run_id": ["r"]}, {"run_id": [f"r{i}" for i in range(101)], "metric_key": "m"}):
        answer = server.send("GET", AJAX + "get-history-bulk", query=query)
        equal((answer.status, answer.json["error_code"]), (400, "INVALID_PARAMETER_VALUE"), str(query)[:80])


@case("metrics")
def interval_thins_out(server):
    """At most so many steps of each run, with the first and the last among them."""
    run = server.run()
    server.post("runs/log-batch", run_id=run, metrics=[{"key": "m", "value": i, "timestamp": i, "step": i} for i in range(500)])
    answer = server.get("metrics/get-history-bulk-interval", run_ids=[run], metric_key="m", max_results=10)
    steps = [metric["step"] for metric in answer["metrics"]]
    assert 2 <= len(steps) <= 12, steps
    equal((min(steps), max(steps), steps), (0, 499, sorted(steps)))
    keys(answer["metrics"][0], "key value timestamp step run_id")


@case("metrics")
def interval_between_steps(server):
    run = server.run()
    for step in range(6):
        log(server, run, "m", step, step)
    answer = server.get("metrics/get-history-bulk-interval", run_ids=[run], metric_key="m", start_step=2, end_step=4)
    equal([metric["step"] for metric in answer["metrics"]], [2, 3, 4])


@case("metrics")
def interval_of_several_runs(server):
    runs = sorted(server.run() for _ in range(2))
    for run in runs:
        log(server, run, "m", 1, 1)
    answer = server.send("GET", AJAX + "get-history-bulk-interval", query={"run_ids": runs, "metric_key": "m"})
    equal(sorted(metric["run_id"] for metric in answer.json["metrics"]), runs)


@case("metrics")
def interval_refuses(server):
    path, run = "metrics/get-history-bulk-interval", server.run()
    for more in ({"start_step": 1}, {"start_step": 3, "end_step": 2}, {"max_results": 0}, {"max_results": 2501}):
        server.invalid("GET", path, query={"run_ids": [run], "metric_key": "m", **more})
    server.invalid("GET", path, query={"run_ids": [run]})
    server.invalid("GET", path, query={"run_ids": [fresh("r") for _ in range(101)], "metric_key": "m"})
    equal(server.get(path, run_ids=["none"], metric_key="m"), {})
