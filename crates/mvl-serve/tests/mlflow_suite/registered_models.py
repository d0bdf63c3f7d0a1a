"""registered-models/*"""

from framework import case, equal, fresh, keys, later, pages, pairs, whole


@case("registered_models")
def create_and_get(server):
    name = fresh("model")
    made = server.post("registered-models/create", name=name, description="what it is for", tags=[{"key": "a", "value": "b"}])["registered_model"]
    keys(made, "name creation_timestamp last_updated_timestamp description tags")
    equal((made["name"], made["description"], pairs(made["tags"])), (name, "what it is for", {"a": "b"}))
    whole(made["creation_timestamp"])
    equal(server.get("registered-models/get", name=name)["registered_model"], made)


@case("registered_models")
def without_description_and_tags(server):
    keys(server.get("registered-models/get", name=server.model())["registered_model"], "name creation_timestamp last_updated_timestamp")


@case("registered_models")
def names_are_unique(server):
    name = server.model()
    equal(server.exists("POST", "registered-models/create", body={"name": name}), f"Registered Model (name={name}) already exists.")


@case("registered_models")
def bad_names(server):
    for name in ("", "  ", "a/b", "a:b", "..", "."):
        server.invalid("POST", "registered-models/create", body={"name": name})
    server.invalid("POST", "registered-models/create", body={})


@case("registered_models")
def get_nothing(server):
    equal(server.missing("GET", "registered-models/get", query={"name": "none"}), "Registered Model with name=none not found")
    server.invalid("GET", "registered-models/get")


@case("registered_models")
def update(server):
    name = server.model(description="old")
    before = server.get("registered-models/get", name=name)["registered_model"]
    after = server.patch("registered-models/update", name=name, description="new")["registered_model"]
    equal(after["description"], "new")
    assert after["last_updated_timestamp"] >= before["last_updated_timestamp"]
    server.missing("PATCH", "registered-models/update", body={"name": "none", "description": "x"})


@case("registered_models")
def rename(server):
    old, new = server.model(tags=[{"key": "a", "value": "b"}]), fresh("renamed")
    version = server.version(old)
    server.post("registered-models/alias", name=old, alias="champion", version=version["version"])
    equal(server.post("registered-models/rename", name=old, new_name=new)["registered_model"]["name"], new)
    server.missing("GET", "registered-models/get", query={"name": old})
    equal(pairs(server.get("registered-models/get", name=new)["registered_model"]["tags"]), {"a": "b"})
    equal(server.get("model-versions/get", name=new, version=version["version"])["model_version"]["name"], new)
    equal(server.get("registered-models/alias", name=new, alias="champion")["model_version"]["version"], version["version"])


@case("registered_models")
def rename_refuses(server):
    name = server.model()
    server.exists("POST", "registered-models/rename", body={"name": name, "new_name": server.model()})
    server.missing("POST", "registered-models/rename", body={"name": "none", "new_name": fresh("x")})
    server.invalid("POST", "registered-models/rename", body={"name": name, "new_name": "a:b"})
    server.invalid("POST", "registered-models/rename", body={"name": name})


@case("registered_models")
def delete(server):
    name = server.model()
    server.version(name)
    equal(server.delete("registered-models/delete", name=name), {})
    server.missing("GET", "registered-models/get", query={"name": name})
    server.missing("GET", "model-versions/get", query={"name": name, "version": "1"})
    server.missing("DELETE", "registered-models/delete", body={"name": name})
    server.post("registered-models/create", name=name)


@case("registered_models")
def tags(server):
    name = server.model()
    for value in "12":
        equal(server.post("registered-models/set-tag", name=name, key="a", value=value), {})
    server.post("registered-models/set-tag", name=name, key="b", value="")
    equal(pairs(server.get("registered-models/get", name=name)["registered_model"]["tags"]), {"a": "2", "b": ""})
    for _ in range(2):
        equal(server.delete("registered-models/delete-tag", name=name, key="a"), {}, "also when it is not there")
    equal(pairs(server.get("registered-models/get", name=name)["registered_model"]["tags"]), {"b": ""})


@case("registered_models")
def bad_tags(server):
    name = server.model()
    for key, value in (("", "v"), ("x" * 251, "v"), ("../up", "v"), ("a$", "v"), ("a", "v" * 100001)):
        server.invalid("POST", "registered-models/set-tag", body={"name": name, "key": key, "value": value})
    server.missing("POST", "registered-models/set-tag", body={"name": "none", "key": "a", "value": "v"})
    server.missing("DELETE", "registered-models/delete-tag", body={"name": "none", "key": "a"})


def three(server):
    prefix = fresh("Find")
    for letter in "abc":
        server.post("registered-models/create", name=f"{prefix}-{letter}", tags=[{"key": "letter", "value": letter}])
        later()
    return prefix


def letters(page):
    return "".join(model["name"][-1] for model in page.get("registered_models", []))


@case("registered_models")
def search(server):
    prefix = three(server)
    for text, found in (
        (f"name = '{prefix}-a'", "a"), (f"name LIKE '{prefix}%'", "abc"), (f"name ILIKE '{prefix.lower()}%'", "abc"), (f"name LIKE '{prefix.lower()}%'", ""),
        (f"name LIKE '{prefix}%' AND tags.letter = 'b'", "b"), (f"tags.letter != 'b' and name LIKE '{prefix}%'", "ac"), (f"name != '{prefix}-a' AND name LIKE '{prefix}%'", "bc"),
    ):  # fmt: skip
        equal(letters(server.get("registered-models/search", filter=text)), found, text)


@case("registered_models")
def search_in_order(server):
    prefix = three(server)
    for order, found in ((["name ASC"], "abc"), (["name DESC"], "cba"), (["timestamp DESC"], "cba"), (["last_updated_timestamp ASC"], "abc"), ([], "abc")):
        equal(letters(server.get("registered-models/search", filter=f"name LIKE '{prefix}%'", order_by=order)), found, str(order))


@case("registered_models")
def search_by_pages(server):
    prefix = three(server)
    ask = {"filter": f"name LIKE '{prefix}%'", "max_results": 2}
    got = pages(lambda token: server.get("registered-models/search", **ask, **({"page_token": token} if token else {})), "registered_models")
    equal([[model["name"][-1] for model in page] for page in got], [["a", "b"], ["c"]])


@case("registered_models")
def search_refuses(server):
    for query in ({"max_results": 1001}, {"filter": "none = 'x'"}, {"filter": "name ="}, {"order_by": ["version"]}, {"max_results": 1, "page_token": "zz"}, {"filter": "name > 'a'"}):
        server.invalid("GET", "registered-models/search", query=query)


@case("registered_models")
def latest_versions(server):
    name = server.model()
    equal(server.post("registered-models/get-latest-versions", name=name), {})
    for _ in range(3):
        server.version(name)
    server.post("model-versions/transition-stage", name=name, version="2", stage="Staging", archive_existing_versions=False)
    found = {v["current_stage"]: v["version"] for v in server.post("registered-models/get-latest-versions", name=name)["model_versions"]}
    equal(found, {"None": "3", "Staging": "2"})
    equal([v["version"] for v in server.post("registered-models/get-latest-versions", name=name, stages=["Staging"])["model_versions"]], ["2"])
    equal([v["version"] for v in server.get("registered-models/get-latest-versions", name=name, stages=["None"])["model_versions"]], ["3"])
    equal({v["version"] for v in server.get("registered-models/get", name=name)["registered_model"]["latest_versions"]}, {"2", "3"})
    server.invalid("POST", "registered-models/get-latest-versions", body={"name": name, "stages": ["zz"]})
    server.missing("POST", "registered-models/get-latest-versions", body={"name": "none"})
