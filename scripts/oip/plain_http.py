"""HTTP without a client library: what libraries hide is seen here."""

import http.client
import json

from .case import Refused, holds


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            raise AssertionError(f"the body is no JSON: {self.body[:100]!r} (status {self.status})") from None


class PlainHttp:
    """One request a connection."""

    def __init__(self, address):
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        try:
            connection.request(method, "/" + path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return Response(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, value=None):
        """Posts JSON, or nothing."""
        if value is None:
            return self.ask("POST", path, b"")
        return self.ask("POST", path, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def ok(self, response):
        """The JSON of a successful answer."""
        if response.status != 200:
            raise Refused(response.body[:200].decode(errors="replace"), response.status)
        return response.json()


def check_error(response, statuses=None):
    """Fails unless a response is an error as the specification has it: an error status and exactly {"error": string}.

    The specification leaves the status free ("typically 400"). Where the client is at fault it must be one of HTTP's for that
    (4xx, RFC 9110 section 15.5), or 501 for what a server does not do.
    """
    fault = statuses or [*range(400, 500), 501]
    if response.status not in fault:
        raise AssertionError(f"expected a status of 4xx or 501, got {response.status} with {response.body[:150]!r}")
    body = response.json()
    holds(isinstance(body, dict), f"the error's body is no object: {body!r}")
    holds(sorted(body) == ["error"], f"the error's body has the fields {', '.join(sorted(body))}: {response.body[:70].decode(errors='replace')}…")
    holds(isinstance(body["error"], str) and body["error"] != "", f"the error is no text: {body!r}")
