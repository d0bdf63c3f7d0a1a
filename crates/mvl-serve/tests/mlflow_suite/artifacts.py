"""The proxy of artifacts and the routes of runs that read them."""

from framework import case, equal, fresh, keys

PROXY = "/api/2.0/mlflow-artifacts/artifacts"
MORE = "/api/2.0/mlflow-artifacts/"


def place(server):
    """A new run and where its artifacts lie below the proxy."""
    experiment = server.experiment()
    run = server.run(experiment)
    return run, f"{experiment}/{run}/artifacts"


def put(server, root, path, data, **headers):
    answer = server.send("PUT", PROXY + "/{}", root, raw=data, headers=headers) if not path else put_at(server, root, path, data, headers)
    equal(answer.status, 200, f"PUT {path}")


def put_at(server, root, path, data, headers=None):
    return at(server, "PUT", root, path, raw=data, headers=headers)


def at(server, method, root, path="", **options):
    """A request to the proxy; the path is remembered without the run's own identifiers."""
    before = len(server.calls)
    answer = server.send(method, (PROXY + "/" + root + ("/" + path if path else "")).replace("{", "{{").replace("}", "}}"), **options)
    server.calls[before]["path"] = PROXY + "/{}" + ("/" + path if path else "")
    return answer


def files(server, path):
    answer = server.send("GET", PROXY, query={"path": path})
    equal(answer.status, 200, f"list {path}")
    return answer.json.get("files", [])


@case("artifacts")
def upload_and_download(server):
    _, root = place(server)
    put(server, root, "folder/hello.txt", b"hello")
    answer = at(server, "GET", root, "folder/hello.txt")
    equal((answer.status, answer.body), (200, b"hello"))
    equal(answer.headers["X-Content-Type-Options"], "nosniff")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename"), answer.headers["Content-Disposition"]
    assert answer.headers["Content-Type"].startswith("text/plain"), answer.headers["Content-Type"]
    equal(answer.headers["Content-Length"], "5")


@case("artifacts")
def upload_nothing(server):
    _, root = place(server)
    put(server, root, "empty", b"")
    answer = at(server, "GET", root, "empty")
    equal((answer.status, answer.body), (200, b""))


@case("artifacts")
def upload_again_replaces(server):
    _, root = place(server)
    put(server, root, "file", b"one")
    put(server, root, "file", b"second")
    equal(at(server, "GET", root, "file").body, b"second")
    equal(files(server, root), [{"path": "file", "is_dir": False, "file_size": 6}])


@case("artifacts")
def upload_megabytes(server):
    _, root = place(server)
    data = bytes(range(256)) * 4096 * 20
    put(server, root, "large.bin", data)
    answer = at(server, "GET", root, "large.bin")
    assert answer.body == data, f"{len(answer.body)} bytes came back of {len(data)}, or others"
    equal(files(server, root), [{"path": "large.bin", "is_dir": False, "file_size": len(data)}])


@case("artifacts")
def every_byte(server):
    _, root = place(server)
    put(server, root, "bytes.bin", bytes(range(256)))
    equal(at(server, "GET", root, "bytes.bin").body, bytes(range(256)))


@case("artifacts")
def a_range_of_bytes(server):
    _, root = place(server)
    put(server, root, "abc.txt", b"abcdefgh")
    answer = at(server, "GET", root, "abc.txt", headers={"Range": "bytes=2-4"})
    equal((answer.status, answer.body, answer.headers["Content-Range"]), (206, b"cde", "bytes 2-4/8"))


@case("artifacts")
def names_with_spaces_and_letters(server):
    _, root = place(server)
    put(server, root, "a%20b/%C3%BC%20%D0%B6.txt", b"x")
    equal(files(server, root), [{"path": "a b", "is_dir": True}])
    equal(files(server, root + "/a b"), [{"path": "ü ж.txt", "is_dir": False, "file_size": 1}])
    equal(at(server, "GET", root, "a%20b/%C3%BC%20%D0%B6.txt").body, b"x")


@case("artifacts")
def list_a_folder(server):
    _, root = place(server)
    for path in ("top.json", "a/one.txt", "a/deep/two.txt"):
        put(server, root, path, b"12345")
    equal(files(server, root), [{"path": "a", "is_dir": True}, {"path": "top.json", "is_dir": False, "file_size": 5}])
    equal(files(server, root + "/a"), [{"path": "deep", "is_dir": True}, {"path": "one.txt", "is_dir": False, "file_size": 5}])
    equal(files(server, root + "/a/one.txt"), [])
    equal(files(server, root + "/none"), [])


@case("artifacts")
def list_of_a_run(server):
    run, root = place(server)
    equal(server.get("artifacts/list", run_id=run), {"root_uri": f"mlflow-artifacts:/{root}"})
    put(server, root, "a/one.txt", b"12345")
    answer = server.get("artifacts/list", run_id=run)
    equal((answer["root_uri"], answer["files"]), (f"mlflow-artifacts:/{root}", [{"path": "a", "is_dir": True}]))
    equal(server.get("artifacts/list", run_id=run, path="a")["files"], [{"path": "a/one.txt", "is_dir": False, "file_size": 5}])
    keys(server.get("artifacts/list", run_id=run, path="a/one.txt"), "root_uri")


@case("artifacts")
def list_refuses(server):
    run, _ = place(server)
    server.missing("GET", "artifacts/list", query={"run_id": "none"})
    server.invalid("GET", "artifacts/list")
    for path in ("../", "/etc", "a/../../b", "a#b", "%2e%2e/x"):
        server.invalid("GET", "artifacts/list", query={"run_id": run, "path": path})


@case("artifacts")
def download_nothing(server):
    _, root = place(server)
    answer = at(server, "GET", root, "none")
    equal((answer.status, answer.json["error_code"]), (404, "RESOURCE_DOES_NOT_EXIST"))


@case("artifacts")
def download_a_folder(server):
    _, root = place(server)
    put(server, root, "a/one.txt", b"1")
    equal(at(server, "GET", root, "a").status, 400)


@case("artifacts")
def delete_a_file(server):
    _, root = place(server)
    put(server, root, "a/one.txt", b"1")
    put(server, root, "a/two.txt", b"2")
    answer = at(server, "DELETE", root, "a/one.txt")
    equal((answer.status, answer.json), (200, {}))
    equal(files(server, root + "/a"), [{"path": "two.txt", "is_dir": False, "file_size": 1}])


@case("artifacts")
def delete_a_folder(server):
    _, root = place(server)
    for path in ("a/one.txt", "a/deep/two.txt", "ab.txt"):
        put(server, root, path, b"1")
    equal(at(server, "DELETE", root, "a").status, 200)
    equal(files(server, root), [{"path": "ab.txt", "is_dir": False, "file_size": 1}])
    equal(at(server, "DELETE", root, "a").status, 200, "a second time")


@case("artifacts")
def paths_that_lead_out(server):
    """Plainly, encoded once and encoded twice."""
    _, root = place(server)
    for path in ("..%2f..%2fx", "%2e%2e/%2e%2e/x", "a%252f..%252f..%252fx", "a/../../../x", "a%23b", "..", "a/%2e%2e"):
        for method, data in (("PUT", b"x"), ("GET", None), ("DELETE", None)):
            answer = at(server, method, root, path, raw=data)
            assert answer.status in (400, 404), f"{method} {path}: {answer}"
    for path in ("/etc/passwd", "%2fetc%2fpasswd", "file:%2f%2f%2fetc%2fpasswd", "C:%5cx", "../../../../etc/passwd"):
        answer = server.send("GET", PROXY + "/" + path)
        assert answer.status in (400, 404) and b"root:" not in answer.body, f"GET {path}: {answer}"


@case("artifacts")
def lists_that_lead_out(server):
    for path in ("../x", "/etc", "a/../../b", "%2e%2e/x", "file:///etc"):
        answer = server.send("GET", PROXY, query={"path": path})
        equal((answer.status, answer.json["error_code"]), (400, "INVALID_PARAMETER_VALUE"), path)


@case("artifacts")
def get_artifact(server):
    """What MLflow's UI downloads with."""
    run, root = place(server)
    put(server, root, "a/page.html", b"<p>")
    answer = server.send("GET", "/get-artifact", query={"run_id": run, "path": "a/page.html"})
    equal((answer.status, answer.body, answer.headers["X-Content-Type-Options"]), (200, b"<p>", "nosniff"))
    assert answer.headers["Content-Disposition"].startswith("attachment"), answer.headers["Content-Disposition"]
    equal(server.send("GET", "/get-artifact", query={"run_uuid": run, "path": "a/page.html"}).status, 200)


@case("artifacts")
def get_artifact_refuses(server):
    run, _ = place(server)
    for query, status in (({"run_id": run}, 400), ({"run_id": "none", "path": "x"}, 404), ({"run_id": run, "path": "../../x"}, 400), ({"run_id": run, "path": "none"}, 404)):
        equal(server.send("GET", "/get-artifact", query=query).status, status, str(query))


@case("artifacts")
def upload_from_the_ui(server):
    run, root = place(server)
    path, octets = "/ajax-api/2.0/mlflow/upload-artifact", {"Content-Type": "application/octet-stream"}
    equal(server.send("POST", path, query={"run_uuid": run, "path": "up/x.txt"}, raw=b"up", headers=octets).status, 200)
    equal(at(server, "GET", root, "up/x.txt").body, b"up")
    for query, data in (({"run_uuid": run}, b"x"), ({"path": "x"}, b"x"), ({"run_uuid": run, "path": "x"}, b""), ({"run_uuid": run, "path": "../x"}, b"x")):
        equal(server.send("POST", path, query=query, raw=data, headers=octets).status, 400, str(query))
    large = b"x" * (10 * 1024 * 1024 + 1)
    equal(server.send("POST", path, query={"run_uuid": run, "path": "x"}, raw=large, headers=octets).status, 400)


@case("artifacts")
def parts_are_not_supported(server):
    """Neither server's store on disk takes an upload in parts; the client falls back on seeing so."""
    _, root = place(server)
    for path, body in (("mpu/create", {"num_parts": 2}), ("mpu/complete", {"upload_id": "u", "parts": [{"part_number": 1, "etag": "e"}]}), ("mpu/abort", {"upload_id": "u"})):
        answer = server.send("POST", MORE + path + "/a", body={"path": "x", **body})
        equal((answer.status, answer.json["error_code"]), (501, "NOT_IMPLEMENTED"), path)
        assert answer.json["message"].startswith("Multipart upload is not supported for the current artifact repository"), answer
    answer = server.send("GET", MORE + "presigned/a")
    equal((answer.status, answer.json["error_code"]), (501, "NOT_IMPLEMENTED"))
    answer = server.send("POST", MORE + "mpu/create/a", body={"num_parts": 2})
    equal((answer.status, answer.json["error_code"]), (400, "INVALID_PARAMETER_VALUE"))


@case("artifacts")
def no_signed_addresses_through_the_proxy(server):
    run, _ = place(server)
    server.invalid("POST", "artifacts/presigned-upload-url", body={"run_id": run, "path": "x"})
    server.invalid("POST", "artifacts/presigned-download-url", body={"run_id": run, "path": "x"})
    server.missing("POST", "artifacts/presigned-download-url", body={"run_id": fresh("none"), "path": "x"})


@case("artifacts")
def log_model(server):
    """The older way to say that a run made a model: a tag with its history."""
    run, _ = place(server)
    text = '{"artifact_path": "m", "flavors": {"python_function": {}}, "utc_time_created": "2020-01-01 00:00:00.000000", "run_id": "%s"}' % run
    equal(server.post("runs/log-model", run_id=run, model_json=text), {})
    tags = {tag["key"]: tag["value"] for tag in server.read(run)["data"]["tags"]}
    assert '"artifact_path": "m"' in tags["mlflow.log-model.history"], tags
    for text in ("{", "{}"):
        server.invalid("POST", "runs/log-model", body={"run_id": run, "model_json": text})
