"""experiments/*"""

from framework import case, equal, fresh, keys, later, pages, pairs, whole


@case("experiments")
def create_and_get(server):
    name = fresh("experiment")
    identifier = server.post("experiments/create", name=name, tags=[{"key": "team", "value": "vision"}])["experiment_id"]
    assert isinstance(identifier, str)
    experiment = server.get("experiments/get", experiment_id=identifier)["experiment"]
    for field in ("experiment_id", "name", "artifact_location", "lifecycle_stage", "last_update_time", "creation_time", "tags"):
        assert field in experiment, f"{field} is missing: {experiment}"
    equal((experiment["experiment_id"], experiment["name"], experiment["lifecycle_stage"]), (identifier, name, "active"))
    equal(pairs(experiment["tags"]), {"team": "vision"})
    equal(experiment["artifact_location"], f"mlflow-artifacts:/{identifier}")
    whole(experiment["creation_time"])
    equal(experiment["creation_time"], experiment["last_update_time"])


@case("experiments")
def no_tags_no_field(server):
    """Empty lists are left out, as proto3's JSON has it."""
    assert "tags" not in server.get("experiments/get", experiment_id=server.experiment())["experiment"]


@case("experiments")
def the_default_experiment(server):
    equal(server.get("experiments/get", experiment_id="0")["experiment"]["name"], "Default")


@case("experiments")
def get_by_name(server):
    name = fresh("named")
    identifier = server.post("experiments/create", name=name)["experiment_id"]
    equal(server.get("experiments/get-by-name", experiment_name=name)["experiment"]["experiment_id"], identifier)


@case("experiments")
def get_nothing(server):
    equal(server.missing("GET", "experiments/get", query={"experiment_id": "987654321"}), "No Experiment with id=987654321 exists")


@case("experiments")
def get_by_an_unknown_name(server):
    server.missing("GET", "experiments/get-by-name", query={"experiment_name": fresh("nobody")})


@case("experiments")
def get_without_an_identifier(server):
    assert "'experiment_id'" in server.invalid("GET", "experiments/get")


@case("experiments")
def identifiers_are_numbers(server):
    server.invalid("GET", "experiments/get", query={"experiment_id": "abc"})


@case("experiments")
def names_are_unique(server):
    name = fresh("twice")
    server.post("experiments/create", name=name)
    server.exists("POST", "experiments/create", body={"name": name})


@case("experiments")
def names_of_deleted_experiments_stay_taken(server):
    name = fresh("deleted")
    identifier = server.post("experiments/create", name=name)["experiment_id"]
    server.post("experiments/delete", experiment_id=identifier)
    server.exists("POST", "experiments/create", body={"name": name})


@case("experiments")
def names_are_not_empty(server):
    server.invalid("POST", "experiments/create", body={"name": ""})


@case("experiments")
def names_are_at_most_500_long(server):
    server.post("experiments/create", name=fresh("n").ljust(500, "x"))
    server.invalid("POST", "experiments/create", body={"name": "x" * 501})


@case("experiments")
def a_location_is_no_run(server):
    server.invalid("POST", "experiments/create", body={"name": fresh("x"), "artifact_location": "runs:/abc"})


@case("experiments")
def a_location_of_the_proxy(server):
    location = f"mlflow-artifacts:/{fresh('place')}"
    experiment = server.experiment(artifact_location=location)
    equal(server.get("experiments/get", experiment_id=experiment)["experiment"]["artifact_location"], location)
    run = server.post("runs/create", experiment_id=experiment)["run"]["info"]
    equal(run["artifact_uri"], f"{location}/{run['run_id']}/artifacts")


@case("experiments")
def rename(server):
    experiment, name = server.experiment(), fresh("renamed")
    equal(server.post("experiments/update", experiment_id=experiment, new_name=name), {})
    equal(server.get("experiments/get", experiment_id=experiment)["experiment"]["name"], name)


@case("experiments")
def rename_needs_a_name(server):
    server.invalid("POST", "experiments/update", body={"experiment_id": server.experiment()})


@case("experiments")
def rename_to_a_taken_name(server):
    name = fresh("taken")
    server.post("experiments/create", name=name)
    answer = server.send("POST", "/api/2.0/mlflow/experiments/update", body={"experiment_id": server.experiment(), "new_name": name})
    equal(answer.status, 400)


@case("experiments")
def rename_what_was_deleted(server):
    experiment = server.experiment()
    server.post("experiments/delete", experiment_id=experiment)
    server.refused("INVALID_STATE", 500, "POST", "experiments/update", body={"experiment_id": experiment, "new_name": fresh("x")})


@case("experiments")
def delete_and_restore(server):
    experiment = server.experiment()
    run = server.run(experiment)
    equal(server.post("experiments/delete", experiment_id=experiment), {})
    equal(server.get("experiments/get", experiment_id=experiment)["experiment"]["lifecycle_stage"], "deleted")
    equal(server.read(run)["info"]["lifecycle_stage"], "deleted", "its run")
    equal(server.post("experiments/restore", experiment_id=experiment), {})
    equal(server.get("experiments/get", experiment_id=experiment)["experiment"]["lifecycle_stage"], "active")
    equal(server.read(run)["info"]["lifecycle_stage"], "active", "its run")


@case("experiments")
def delete_twice(server):
    experiment = server.experiment()
    server.post("experiments/delete", experiment_id=experiment)
    server.missing("POST", "experiments/delete", body={"experiment_id": experiment})


@case("experiments")
def delete_and_restore_nothing(server):
    server.missing("POST", "experiments/delete", body={"experiment_id": "987654321"})
    server.missing("POST", "experiments/restore", body={"experiment_id": "987654321"})


@case("experiments")
def restore_what_is_active(server):
    server.missing("POST", "experiments/restore", body={"experiment_id": server.experiment()})


@case("experiments")
def tags(server):
    experiment = server.experiment()
    equal(server.post("experiments/set-experiment-tag", experiment_id=experiment, key="a", value="1"), {})
    server.post("experiments/set-experiment-tag", experiment_id=experiment, key="a", value="2")
    server.post("experiments/set-experiment-tag", experiment_id=experiment, key="b", value="")
    equal(pairs(server.get("experiments/get", experiment_id=experiment)["experiment"]["tags"]), {"a": "2", "b": ""})
    equal(server.post("experiments/delete-experiment-tag", experiment_id=experiment, key="a"), {})
    equal(pairs(server.get("experiments/get", experiment_id=experiment)["experiment"]["tags"]), {"b": ""})


@case("experiments")
def delete_a_tag_that_is_not_there(server):
    server.missing("POST", "experiments/delete-experiment-tag", body={"experiment_id": server.experiment(), "key": "none"})


@case("experiments")
def bad_tags(server):
    experiment = server.experiment()
    for key, value in (("", "v"), ("x" * 251, "v"), ("../up", "v"), ("a!", "v"), ("a", "v" * 20001)):
        server.invalid("POST", "experiments/set-experiment-tag", body={"experiment_id": experiment, "key": key, "value": value})


@case("experiments")
def tags_of_what_was_deleted(server):
    experiment = server.experiment()
    server.post("experiments/delete", experiment_id=experiment)
    server.invalid("POST", "experiments/set-experiment-tag", body={"experiment_id": experiment, "key": "a", "value": "b"})


def three(server):
    """Three experiments whose names begin alike."""
    prefix = fresh("Search")
    made = []
    for letter in "abc":
        made.append(server.post("experiments/create", name=f"{prefix}-{letter}", tags=[{"key": "letter", "value": letter}])["experiment_id"])
        later()
    return prefix, made


def names(page):
    return [experiment["name"][-1] for experiment in page.get("experiments", [])]


@case("experiments")
def search_by_name(server):
    prefix, _ = three(server)
    for text, found in (
        (f"name = '{prefix}-a'", ["a"]),
        (f"name LIKE '{prefix}%'", ["a", "b", "c"]),
        (f"name LIKE '{prefix.lower()}%'", []),
        (f"name ILIKE '{prefix.lower()}%'", ["a", "b", "c"]),
        (f"name != '{prefix}-b' AND name LIKE '{prefix}%'", ["a", "c"]),
        (f"attribute.name = '{prefix}-c'", ["c"]),
    ):
        equal(sorted(names(server.post("experiments/search", filter=text, max_results=10))), found, text)


@case("experiments")
def search_by_tag(server):
    prefix, _ = three(server)
    equal(names(server.post("experiments/search", filter=f"tags.letter = 'b' AND name LIKE '{prefix}%'", max_results=10)), ["b"])
    equal(names(server.post("experiments/search", filter=f'tags."letter" != "b" AND name LIKE "{prefix}%"', max_results=10)), ["c", "a"])


@case("experiments")
def search_by_time(server):
    prefix, made = three(server)
    created = server.get("experiments/get", experiment_id=made[0])["experiment"]["creation_time"]
    equal(len(names(server.post("experiments/search", filter=f"creation_time >= {created} AND name LIKE '{prefix}%'", max_results=10))), 3)
    equal(names(server.post("experiments/search", filter=f"creation_time < {created} AND name LIKE '{prefix}%'", max_results=10)), [])


@case("experiments")
def search_in_order(server):
    prefix, _ = three(server)
    for order, found in ((["name ASC"], "abc"), (["name DESC"], "cba"), (["creation_time"], "abc"), (["experiment_id DESC"], "cba"), ([], "cba")):
        page = server.post("experiments/search", filter=f"name LIKE '{prefix}%'", order_by=order, max_results=10)
        equal("".join(names(page)), found, str(order))


@case("experiments")
def search_by_pages(server):
    prefix, _ = three(server)
    ask = dict(filter=f"name LIKE '{prefix}%'", order_by=["name"], max_results=2)
    found = pages(lambda token: server.post("experiments/search", **ask, **({"page_token": token} if token else {})), "experiments")
    equal([[e["name"][-1] for e in page] for page in found], [["a", "b"], ["c"]])


@case("experiments")
def search_with_get(server):
    prefix, _ = three(server)
    page = server.get("experiments/search", filter=f"name LIKE '{prefix}%'", max_results=1, order_by=["name DESC"])
    equal(names(page), ["c"])
    keys(page, "experiments next_page_token")


@case("experiments")
def search_by_stage(server):
    prefix, made = three(server)
    server.post("experiments/delete", experiment_id=made[1])
    for view, found in (("ACTIVE_ONLY", "ac"), ("DELETED_ONLY", "b"), ("ALL", "abc"), (1, "ac"), (2, "b"), (3, "abc")):
        page = server.post("experiments/search", filter=f"name LIKE '{prefix}%'", view_type=view, order_by=["name"], max_results=10)
        equal("".join(names(page)), found, str(view))


@case("experiments")
def search_refuses_bad_requests(server):
    for ask in (
        {"max_results": 0}, {}, {"max_results": 50001}, {"max_results": 1, "page_token": "zzz"}, {"max_results": 1, "order_by": ["nonsense"]},
        {"max_results": 1, "filter": "name ="}, {"max_results": 1, "filter": "nome = 'a'"}, {"max_results": 1, "filter": "name > 'a'"},
        {"max_results": 1, "filter": "name = 'a' OR name = 'b'"},
    ):  # fmt: skip
        server.invalid("POST", "experiments/search", body=ask)
