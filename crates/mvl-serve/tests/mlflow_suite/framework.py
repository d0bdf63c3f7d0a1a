"""What a case of the suite is written with: a raw connection that remembers its calls, a world of fresh names, and checks that say what differs."""

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

#: Every case in the order in which it was written: (group, name, needs, function).
CASES = []

#: No proxy stands between the suite and a server on the loopback device.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

TIMEOUT_SECONDS = 60


def case(group, needs=None):
    """Marks a function as a case. `needs` names what must be asked for on the command line."""

    def register(function):
        CASES.append((group, function.__name__, needs, function))
        return function

    return register


def later():
    """Waits until what comes next has a later time than what came before: servers count milliseconds."""
    time.sleep(0.003)


class Answer:
    """What a server answered."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Server:
    """A server by its address. Every call is remembered in `calls`, with identifiers taken out of its path."""

    def __init__(self, uri, key=None):
        self.uri, self.key, self.calls = uri.rstrip("/"), key, []

    def send(self, method, path, *ids, body=None, query=None, raw=None, headers=None):
        """One request: `path` with a {} for each of `ids`; `body` as JSON, `raw` as it is, `query` as a dict or a list of pairs."""
        filled = path.format(*[urllib.parse.quote(str(i), safe="") for i in ids])
        url = self.uri + filled + ("?" + urllib.parse.urlencode(query, doseq=True) if query else "")
        headers = dict(headers or {})
        if self.key:
            headers.setdefault("Authorization", f"Bearer {self.key}")
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with OPENER.open(request, timeout=TIMEOUT_SECONDS) as reply:
                answer = Answer(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as error:
            answer = Answer(error.code, error.headers, error.read())
        arguments = sorted(body) if isinstance(body, dict) else sorted(dict(query)) if query else []
        self.calls.append({"method": method, "path": path, "arguments": arguments, "status": answer.status})
        return answer

    def ok(self, method, path, *ids, **options):
        """A request to MLflow's API that must succeed: its JSON."""
        answer = self.send(method, "/api/2.0/mlflow/" + path, *ids, **options)
        assert answer.status == 200, f"{method} {path}: expected 200, got {answer}"
        return answer.json

    def get(self, path, /, *ids, **query):
        return self.ok("GET", path, *ids, query=query)

    def post(self, path, /, *ids, **body):
        return self.ok("POST", path, *ids, body=body)

    def patch(self, path, /, *ids, **body):
        return self.ok("PATCH", path, *ids, body=body)

    def delete(self, path, /, *ids, **body):
        return self.ok("DELETE", path, *ids, body=body)

    def refused(self, code, status, method, path, *ids, **options):
        """A request to MLflow's API that must be refused with this error code and HTTP status: the message."""
        answer = self.send(method, "/api/2.0/mlflow/" + path, *ids, **options)
        assert answer.status == status, f"{method} {path}: expected status {status} {code}, got {answer}"
        error = answer.json
        assert error.get("error_code") == code, f"{method} {path}: expected {code}, got {error}"
        assert isinstance(error.get("message"), str) and error["message"], f"{method} {path}: an error without a message: {error}"
        assert answer.headers["Content-Type"].startswith("application/json"), answer.headers["Content-Type"]
        return error["message"]

    def invalid(self, method, path, *ids, **options):
        return self.refused("INVALID_PARAMETER_VALUE", 400, method, path, *ids, **options)

    def missing(self, method, path, *ids, **options):
        return self.refused("RESOURCE_DOES_NOT_EXIST", 404, method, path, *ids, **options)

    def exists(self, method, path, *ids, **options):
        return self.refused("RESOURCE_ALREADY_EXISTS", 400, method, path, *ids, **options)

    # Things that most cases start from.

    def experiment(self, **more):
        """A new experiment's identifier."""
        return self.post("experiments/create", name=fresh("experiment"), **more)["experiment_id"]

    def run(self, experiment=None, **more):
        """A new run's identifier, in a new experiment if none is named."""
        more.setdefault("start_time", 1000)
        return self.post("runs/create", experiment_id=experiment or self.experiment(), **more)["run"]["info"]["run_id"]

    def read(self, run):
        """A run as it is now."""
        return self.get("runs/get", run_id=run)["run"]

    def model(self, **more):
        """A new registered model's name."""
        name = fresh("model")
        self.post("registered-models/create", name=name, **more)
        return name

    def version(self, name, run=None, **more):
        """A new version of a registered model, from the artifacts of a run."""
        run = run or self.run()
        return self.post("model-versions/create", name=name, source=f"runs:/{run}/model", run_id=run, **more)["model_version"]

    def logged_model(self, experiment=None, **more):
        """A new logged model."""
        return self.post("logged-models", experiment_id=experiment or self.experiment(), **more)["model"]


def fresh(what):
    """A name that nothing else has."""
    return f"{what}-{uuid.uuid4().hex[:12]}"


def basic(password, user="anyone"):
    """The Authorization header of HTTP Basic."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def equal(got, expected, what="value"):
    assert got == expected, f"{what}: expected {expected!r}, got {got!r}"


def keys(got, expected, what="object"):
    """Exactly these fields."""
    assert set(got) == set(expected.split()), f"{what}: expected the fields {sorted(expected.split())}, got {sorted(got)}"


def pairs(items, value="value"):
    """A list of {"key": …, "value": …} as a dict."""
    return {item["key"]: item[value] for item in items}


def whole(number, what="value"):
    """A JSON number without a fraction, not a string."""
    assert isinstance(number, int) and not isinstance(number, bool), f"{what}: expected a JSON integer, got {number!r}"


def pages(fetch, items):
    """All pages of a listing: `fetch(token)` gives one, `items` names its list."""
    token, found = None, []
    for _ in range(100):
        page = fetch(token)
        found.append(page.get(items, []))
        token = page.get("next_page_token")
        if not token:
            return found
    raise AssertionError("more than a hundred pages: the token does not advance")
