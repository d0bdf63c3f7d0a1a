"""runs/search: filters, order, pages, stages."""

from framework import case, equal, fresh, pages

SEARCHED = {}


def runs(server):
    """Four runs that differ in everything that can be searched; made once."""
    if server.uri in SEARCHED:
        return SEARCHED[server.uri]
    experiment = server.experiment()
    made = {}
    for n, (name, status, loss, lr, tag) in enumerate([
        ("Alpha", "FINISHED", 0.5, "0.1", "red"), ("beta", "FAILED", 0.25, "0.01", "green"), ("gamma", "RUNNING", 1.5, "0.1", None),
        ("delta's", "FINISHED", None, None, 'a "quoted" one'),
    ]):  # fmt: skip
        run = server.run(experiment, run_name=name, start_time=1000 + n, user_id="ada" if n % 2 else "bob")
        server.post("runs/update", run_id=run, status=status, **({"end_time": 2000 + n} if status != "RUNNING" else {}))
        if loss is not None:
            server.post("runs/log-metric", run_id=run, key="loss", value=loss, timestamp=1, step=1)
            server.post("runs/log-metric", run_id=run, key="val loss/top-1", value=loss * 10, timestamp=1, step=1)
            server.post("runs/log-parameter", run_id=run, key="lr", value=lr)
        if tag:
            server.post("runs/set-tag", run_id=run, key="colour", value=tag)
        made[run] = name
    SEARCHED[server.uri] = experiment, made
    return SEARCHED[server.uri]


def found(server, text=None, **more):
    """The first letters of the runs that a filter finds, in their order."""
    experiment, made = runs(server)
    page = server.post("runs/search", experiment_ids=[experiment], **({"filter": text} if text else {}), **more)
    return "".join(made[run["info"]["run_id"]][0] for run in page.get("runs", []))


def filters(server, table):
    for text, letters in table.items():
        equal("".join(sorted(found(server, text))), "".join(sorted(letters)), text)


@case("run_search")
def everything(server):
    """The latest first."""
    equal(found(server), "dgbA")
    equal(found(server, ""), "dgbA")


@case("run_search")
def whole_runs(server):
    experiment, _ = runs(server)
    page = server.post("runs/search", experiment_ids=[experiment], filter="attributes.run_name = 'Alpha'")
    equal(page["runs"][0], server.read(page["runs"][0]["info"]["run_id"]))


@case("run_search")
def metrics(server):
    filters(server, {
        "metrics.loss < 1": "Ab", "metrics.loss <= 0.5": "Ab", "metrics.loss = 0.25": "b", "metrics.loss != 0.25": "Ag", "metrics.loss > 0.5": "g",
        "metrics.loss >= 0.5": "Ag", "metric.loss < 1": "Ab", "metrics.loss < 1e0": "Ab", "metrics.loss > -1": "Abg", "metrics.none > 0": "",
    })  # fmt: skip


@case("run_search")
def names_in_quotes(server):
    filters(server, {'metrics."val loss/top-1" > 4': "Ag", "metrics.`val loss/top-1` = 2.5": "b", "params.`lr` = '0.1'": "Ag", 'tags."colour" = "red"': "A"})


@case("run_search")
def parameters(server):
    filters(server, {
        "params.lr = '0.1'": "Ag", 'params.lr = "0.01"': "b", "params.lr != '0.1'": "b", "params.lr LIKE '0.%'": "Abg", "param.lr = '0.1'": "Ag",
        "parameters.lr = '0.1'": "Ag", "params.lr LIKE '0.0_'": "b", "params.lr ILIKE '0.1'": "Ag", "params.none = '1'": "",
    })  # fmt: skip


@case("run_search")
def is_null(server):
    filters(server, {"params.lr IS NULL": "d", "params.lr IS NOT NULL": "Abg", "tags.colour IS NULL": "g", "tags.colour IS NOT NULL": "Abd"})


@case("run_search")
def tags(server):
    filters(server, {
        "tags.colour = 'red'": "A", "tags.colour LIKE '%re%'": "Ab", "tags.colour ILIKE 'RED'": "A", "tag.colour != 'red'": "bd",
        "tags.colour = 'a \"quoted\" one'": "d", "tags.mlflow.runName = 'beta'": "b",
    })  # fmt: skip


@case("run_search")
def attributes(server):
    filters(server, {
        "attributes.status = 'FINISHED'": "Ad", "status != 'FINISHED'": "bg", "attribute.run_name = 'beta'": "b", "run_name LIKE '%a'": "Abg",
        "run_name ILIKE 'ALPHA'": "A", "attributes.`run_name` = \"delta's\"": "d", "attributes.user_id = 'ada'": "bd", "`Run name` = 'gamma'": "g",
    })  # fmt: skip


@case("run_search")
def times(server):
    filters(server, {
        "attributes.start_time = 1001": "b", "start_time > 1001": "gd", "attributes.start_time <= 1000": "A", "attributes.end_time >= 2001": "bd",
        "Created = 1002": "g",
    })  # fmt: skip


@case("run_search")
def identifiers(server):
    _, made = runs(server)
    first, second, *_ = made
    filters(server, {
        f"attributes.run_id = '{first}'": "A", f"run_id IN ('{first}', '{second}')": "Ab", f"attributes.run_id NOT IN ('{first}', '{second}')": "gd",
        f"run_id LIKE '{first[:20]}%'": "A",
    })  # fmt: skip


@case("run_search")
def artifact_addresses(server):
    _, made = runs(server)
    filters(server, {f"attributes.artifact_uri LIKE '%{list(made)[0]}%'": "A"})


@case("run_search")
def several_conditions(server):
    filters(server, {
        "metrics.loss < 1 AND params.lr = '0.1'": "A", "metrics.loss > 0 and metrics.loss < 0.4 AND tags.colour = 'green'": "b",
        "attributes.status = 'FINISHED' and params.lr = '0.1' and metrics.loss = 0.5 and tags.colour LIKE 'r%'": "A",
        "metrics.loss < 1 AND metrics.loss > 1": "",
    })  # fmt: skip


@case("run_search")
def values_are_never_code(server):
    """What stands in quotes stays a value."""
    filters(server, {"params.lr = \"0.1' OR '1'='1\"": "", "tags.colour = \"x'; DROP TABLE runs; --\"": "", "run_name = \"a' AND '1'='1\"": ""})
    equal(len(found(server)), 4)


@case("run_search")
def bad_filters(server):
    experiment, _ = runs(server)
    for text in (
        "metrics.loss", "metrics.loss <", "metrics.loss < 'a'", "params.lr = 0.1", "nonsense.a = 1", "metrics.loss LIKE '1'", "attributes.status > 'A'",
        "metrics.loss < 1 OR metrics.loss > 2", "attributes.none = 'x'", "params.lr > '1'", "loss < < 1", "start_time = 'x'", "params.lr = 'open",
        "attributes.run_id IN (1, 2)", "metrics.loss IS NULL AND",
    ):  # fmt: skip
        server.invalid("POST", "runs/search", body={"experiment_ids": [experiment], "filter": text})


@case("run_search")
def order(server):
    for by, letters in (
        (["metrics.loss ASC"], "bAgd"), (["metrics.loss DESC"], "gAbd"), (["attributes.start_time ASC"], "Abgd"), (["params.lr ASC", "start_time ASC"], "bAgd"),
        (["tags.colour"], "dbAg"), (["attributes.run_name"], "Abdg"), (["metrics.`val loss/top-1`"], "bAgd"), (["status", "start_time DESC"], "bdAg"),
        (["attribute.end_time DESC"], "dbAg"),
    ):  # fmt: skip
        equal(found(server, order_by=by), letters, str(by))


@case("run_search")
def order_puts_nan_late(server):
    experiment = server.experiment()
    made = {}
    for n, value in enumerate([1, "NaN", 2, None]):
        run = server.run(experiment, start_time=n)
        made[run] = str(n)
        if value is not None:
            server.post("runs/log-metric", run_id=run, key="m", value=value, timestamp=1)
    for by, expected in (("metrics.m ASC", "0213"), ("metrics.m DESC", "2013")):
        page = server.post("runs/search", experiment_ids=[experiment], order_by=[by])
        equal("".join(made[run["info"]["run_id"]] for run in page["runs"]), expected, by)


@case("run_search")
def bad_orders(server):
    experiment, _ = runs(server)
    for by in (["nonsense.a"], ["metrics.loss UP"], ["attributes.none"], "metrics.loss"):
        server.invalid("POST", "runs/search", body={"experiment_ids": [experiment], "order_by": by})


@case("run_search")
def in_pages(server):
    experiment, made = runs(server)
    ask = {"experiment_ids": [experiment], "order_by": ["start_time ASC"], "max_results": 3}
    got = pages(lambda token: server.post("runs/search", **ask, **({"page_token": token} if token else {})), "runs")
    equal([[made[run["info"]["run_id"]][0] for run in page] for page in got], [["A", "b", "g"], ["d"]])


@case("run_search")
def bad_pages(server):
    experiment, _ = runs(server)
    server.invalid("POST", "runs/search", body={"experiment_ids": [experiment], "max_results": 50001})
    server.invalid("POST", "runs/search", body={"experiment_ids": [experiment], "page_token": "bad!"})


@case("run_search")
def stages(server):
    experiment = server.experiment()
    kept, gone = server.run(experiment), server.run(experiment)
    server.post("runs/delete", run_id=gone)
    for view, expected in ((None, [kept]), ("ACTIVE_ONLY", [kept]), ("DELETED_ONLY", [gone]), ("ALL", [kept, gone]), (3, [kept, gone])):
        page = server.post("runs/search", experiment_ids=[experiment], **({"run_view_type": view} if view else {}))
        equal(sorted(run["info"]["run_id"] for run in page["runs"]), sorted(expected), str(view))


@case("run_search")
def several_experiments(server):
    a, b = server.experiment(), server.experiment()
    made = [server.run(a), server.run(b)]
    page = server.post("runs/search", experiment_ids=[a, b])
    equal(sorted(run["info"]["run_id"] for run in page["runs"]), sorted(made))


@case("run_search")
def nothing_to_find(server):
    equal(server.post("runs/search", experiment_ids=[server.experiment()]), {})
    equal(server.post("runs/search", experiment_ids=["987654321"]), {})
    equal(server.post("runs/search", experiment_ids=[]), {})


@case("run_search")
def children_of_a_run(server):
    experiment = server.experiment()
    parent = server.run(experiment)
    child = server.run(experiment, tags=[{"key": "mlflow.parentRunId", "value": parent}])
    page = server.post("runs/search", experiment_ids=[experiment], filter=f"tags.mlflow.parentRunId = '{parent}'")
    equal([run["info"]["run_id"] for run in page["runs"]], [child])


@case("run_search")
def data_sets(server):
    experiment = server.experiment()
    runs_made = [server.run(experiment) for _ in range(2)]
    for n, run in enumerate(runs_made):
        data = {"name": f"set-{n}", "digest": f"d{n}", "source_type": "local", "source": "{}"}
        server.post("runs/log-inputs", run_id=run, datasets=[{"dataset": data, "tags": [{"key": "mlflow.data.context", "value": "train"}]}])
    for text, expected in (("dataset.name = 'set-0'", runs_made[:1]), ("datasets.digest = 'd1'", runs_made[1:]), ("dataset.context = 'train'", runs_made)):
        page = server.post("runs/search", experiment_ids=[experiment], filter=text)
        equal(sorted(run["info"]["run_id"] for run in page["runs"]), sorted(expected), text)


@case("run_search")
def an_unknown_name_of_a_run(server):
    equal(found(server, f"run_name = '{fresh('nobody')}'"), "")
