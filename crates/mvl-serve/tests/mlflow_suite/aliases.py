"""registered-models/alias"""

from framework import case, equal

PATH = "registered-models/alias"


def made(server):
    name = server.model()
    server.version(name)
    server.version(name)
    return name


@case("aliases")
def set_get_and_delete(server):
    name = made(server)
    equal(server.post(PATH, name=name, alias="champion", version="1"), {})
    version = server.get(PATH, name=name, alias="champion")["model_version"]
    equal((version["version"], version["aliases"]), ("1", ["champion"]))
    for _ in range(2):
        equal(server.delete(PATH, name=name, alias="champion"), {}, "also when it is not there")
    server.invalid("GET", PATH, query={"name": name, "alias": "champion"})


@case("aliases")
def an_alias_moves(server):
    name = made(server)
    for version in "12":
        server.post(PATH, name=name, alias="champion", version=version)
        equal(server.get(PATH, name=name, alias="champion")["model_version"]["version"], version)
    assert "aliases" not in server.get("model-versions/get", name=name, version="1")["model_version"]


@case("aliases")
def several_aliases(server):
    name = made(server)
    for alias, version in (("champion", "1"), ("canary", "2"), ("a_b-c", "1")):
        server.post(PATH, name=name, alias=alias, version=version)
    listed = server.get("registered-models/get", name=name)["registered_model"]["aliases"]
    equal({each["alias"]: each["version"] for each in listed}, {"champion": "1", "canary": "2", "a_b-c": "1"})
    equal(sorted(server.get("model-versions/get", name=name, version="1")["model_version"]["aliases"]), ["a_b-c", "champion"])


@case("aliases")
def reserved_and_bad_names(server):
    name = made(server)
    for alias in ("latest", "LATEST", "v3", "V12", "a b", "a/b", "a.b", "", "x" * 256):
        server.invalid("POST", PATH, body={"name": name, "alias": alias, "version": "1"})


@case("aliases")
def of_nothing(server):
    name = made(server)
    server.missing("POST", PATH, body={"name": name, "alias": "champion", "version": "9"})
    server.missing("POST", PATH, body={"name": "none", "alias": "champion", "version": "1"})
    server.missing("GET", PATH, query={"name": "none", "alias": "champion"})
    server.missing("DELETE", PATH, body={"name": "none", "alias": "champion"})
    server.invalid("POST", PATH, body={"name": name, "version": "1"})
    server.invalid("GET", PATH, query={"name": name})


@case("aliases")
def a_deleted_version_takes_its_aliases_with_it(server):
    name = made(server)
    server.post(PATH, name=name, alias="champion", version="1")
    server.delete("model-versions/delete", name=name, version="1")
    server.invalid("GET", PATH, query={"name": name, "alias": "champion"})
    assert "aliases" not in server.get("registered-models/get", name=name)["registered_model"]
