"""Parameters of requests: Triton's schedule policy, and those of one's own."""

from .case import OIP_GRPC, OIP_REST, TRITON, Refused, case, same
from .clients import CLIENTS
from .inference import binary_or_not_offered, one_input
from .tensors import check_equal, sample

PART = "parameters"
POLICY = f"{TRITON}, Schedule policy"


def infer(server, client, **more):
    call = lambda: server.clients[client].infer(server.model("FP32"), {"INPUT0": sample("FP32")}, **more)
    answer = binary_or_not_offered(server, client, call)
    check_equal(answer.outputs["OUTPUT0"], sample("FP32"), "OUTPUT0")


@case("parameters.own.{0}", PART, f"{OIP_REST} and gRPC, Parameters", CLIENTS)
def own(server, client):
    """Parameters of a text, a number and a truth value are allowed; a server that knows none of them answers all the same."""
    infer(server, client, parameters={"my_text": "a", "my_number": 42, "my_flag": True})


TRITON_CLIENTS = ["triton-http-json", "triton-grpc"]
PRIORITIES = [(client, priority) for client in TRITON_CLIENTS for priority in (0, 1, 2, 100)]


@case("parameters.priority.{0}.{1}", PART, f"{POLICY}: priority", PRIORITIES)
def priority(server, client, priority):
    """A request with a priority, 1 the highest and 0 the default, is answered."""
    infer(server, client, priority=priority)


@case("parameters.timeout.long.{0}", PART, f"{POLICY}: timeout", TRITON_CLIENTS)
def long_timeout(server, client):
    """A request with a minute's time is answered."""
    infer(server, client, timeout=60_000_000)


@case("parameters.timeout.short.{0}", PART, f"{POLICY}: timeout", TRITON_CLIENTS)
def short_timeout(server, client):
    """A request with a microsecond's time is answered right, or ended ("a model-specific action such as terminating the request")."""
    try:
        infer(server, client, timeout=1)
    except Refused:
        pass


@case("parameters.on_tensors", PART, f"{OIP_REST}, Request Input and Request Output: parameters")
def on_tensors(server):
    """Inputs and outputs may have parameters that the server does not know."""
    outputs = [{"name": "OUTPUT0", "parameters": {"mine": 1}}]
    body = {"inputs": [one_input(parameters={"mine": "x"})], "outputs": outputs}
    response = server.http.post(f"v2/models/{server.model('FP32')}/infer", body)
    same(response.status, 200, f"status, {response.body[:150]!r}")


@case("parameters.grpc.{0}", PART, f"{OIP_GRPC}, Parameters", [
    ("bool", "bool_param", True), ("int64", "int64_param", -7), ("string", "string_param", "a"),
])
def grpc_kinds(server, what, field, value):
    """Each kind of InferParameter is taken, on the request, an input and an output."""
    client = server.clients["grpc-typed"]
    request = client.request(server.model("FP32"), {"INPUT0": sample("FP32")}, outputs=["OUTPUT0"])
    for holder in (request, request.inputs[0], request.outputs[0]):
        setattr(holder.parameters["mine"], field, value)
    same(len(client.ask("ModelInfer", request).outputs), 1, "outputs")
