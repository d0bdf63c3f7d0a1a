"""Streams over gRPC, many requests at once, time limits of clients."""

import asyncio
import queue
import threading

import numpy as np

from .case import NotOffered, Refused, case, holds, same
from .tensors import check_equal, sample

PART = "streams"
SECTION = "Triton, GRPCInferenceService.ModelStreamInfer"


def given(module, array):
    tensor = module.InferInput("INPUT0", list(array.shape), "FP32")
    tensor.set_data_from_numpy(array)
    return [tensor]


def needs_streams(server):
    """Ends the case when the server has no streams, or answers with other messages, for which tritonclient would wait forever."""
    if not hasattr(server, "stream_trouble"):
        client = server.clients["grpc-typed"]
        request = client.request(server.model("FP32"), {"INPUT0": sample("FP32")})
        server.stream_trouble = None
        try:
            list(client.stub.ModelStreamInfer(iter([request]), timeout=10))
        except client.grpc.RpcError as error:
            server.stream_trouble = error
    trouble = server.stream_trouble
    if trouble is None:
        return
    if trouble.code().name == "UNIMPLEMENTED":
        raise NotOffered("ModelStreamInfer is unimplemented")
    if "deserializing" in trouble.details():
        raise AssertionError("the stream's answers are not ModelStreamInferResponse, clients cannot read them")
    raise AssertionError(f"the stream ended: {trouble.code().name}: {trouble.details()}")


def stream(server, requests, **named):
    """Sends (model, array, id) through one stream; answers are (result, error) in the order in which they came."""
    import tritonclient.grpc as module

    needs_streams(server)
    answers, found = queue.Queue(), []
    client = module.InferenceServerClient(server.grpc_address)
    try:
        client.start_stream(lambda result, error: answers.put((result, error)))
        for model, array, id in requests:
            client.async_stream_infer(model, given(module, array), request_id=id, **named)
        for _ in requests:
            result, error = answers.get(timeout=10)
            if error is not None and error.status() is not None:  # the call's, not a request's
                raise AssertionError(f"the stream ended: {error}"[:300])
            found.append((result, error))
    except queue.Empty:
        raise AssertionError(f"{len(found)} answers to {len(requests)} requests") from None
    finally:
        client.stop_stream(cancel_requests=True)
        client.close()
    return found


def numbered(number):
    return np.full((1, 3), number, dtype=np.float32)


@case("stream.one", PART, SECTION)
def one(server):
    """A request through a stream has its answer, with its id."""
    ((result, error),) = stream(server, [(server.model("FP32"), sample("FP32"), "7")])
    holds(error is None, f"{error}")
    same(result.get_response().id, "7", "id")
    check_equal(result.as_numpy("OUTPUT0"), sample("FP32"), "OUTPUT0")


@case("stream.many", PART, SECTION)
def many(server):
    """A hundred requests have a hundred answers, each with the id and the data of its request. Their order is left free."""
    found = stream(server, [(server.model("FP32"), numbered(number), str(number)) for number in range(100)])
    seen = {}
    for result, error in found:
        holds(error is None, f"{error}")
        seen[result.get_response().id] = result.as_numpy("OUTPUT0")
    same(len(seen), 100, "ids")
    for number in range(100):
        check_equal(seen[str(number)], numbered(number), f"OUTPUT0 of {number}")


@case("stream.error", PART, f"{SECTION}: error_message")
def error_between(server):
    """An error of one request is told in its answer, and the stream goes on."""
    model = server.model("FP32")
    requests = [(model, numbered(0), "0"), ("no_such_model", numbered(1), "1"), (model, numbered(2), "2")]
    found = stream(server, requests)
    same(sum(error is not None for _, error in found), 1, "errors")
    good = {result.get_response().id for result, error in found if error is None}
    same(good, {"0", "2"}, "ids of the others")
    (message,) = [error.message() for _, error in found if error is not None]
    holds(bool(message), "the error says nothing")


@case("stream.final_response", PART, "Triton, decoupled models: triton_enable_empty_final_response")
def final_response(server):
    """tritonclient may ask to be told which answer is the last of a request. A model that gives one answer marks it, or gives an empty
    one behind it; a server that does not know the parameter is not to fail."""
    ((result, error),) = stream(server, [(server.model("FP32"), sample("FP32"), "7")], enable_empty_final_response=True)
    holds(error is None, f"{error}")
    response = result.get_response()
    check_equal(result.as_numpy("OUTPUT0"), sample("FP32"), "OUTPUT0")
    if "triton_final_response" not in response.parameters:
        raise NotOffered("the answer has no parameter triton_final_response")


@case("stream.aio", PART, SECTION)
def with_asyncio(server):
    """tritonclient's stream for asyncio."""
    import tritonclient.grpc.aio as module

    async def go():
        async def requests():
            for number in range(10):
                yield {"model_name": server.model("FP32"), "inputs": given(module, numbered(number)), "request_id": str(number)}

        found = {}
        async with module.InferenceServerClient(server.grpc_address) as client:
            async for result, error in client.stream_infer(requests()):
                holds(error is None, f"{error}")
                found[result.get_response().id] = result.as_numpy("OUTPUT0")
        return found

    needs_streams(server)
    found = asyncio.run(go())
    same(sorted(found, key=int), [str(number) for number in range(10)], "ids")
    for number in range(10):
        check_equal(found[str(number)], numbered(number), f"OUTPUT0 of {number}")


CONCURRENT = "concurrency"


@case("concurrent.http_async", CONCURRENT, "tritonclient.http, async_infer")
def http_async(server):
    """Requests that run at once each have their own answer."""
    import tritonclient.http as module

    with module.InferenceServerClient(server.http_address, concurrency=8) as client:
        def ask(number):
            tensor = module.InferInput("INPUT0", [1, 3], "FP32")
            tensor.set_data_from_numpy(numbered(number), binary_data=False)
            outputs = [module.InferRequestedOutput("OUTPUT0", binary_data=False)]
            return client.async_infer(server.model("FP32"), [tensor], outputs=outputs, request_id=str(number))

        for number, asked in enumerate([ask(number) for number in range(64)]):
            result = asked.get_result()
            same(result.get_response()["id"], str(number), "id")
            check_equal(result.as_numpy("OUTPUT0"), numbered(number), "OUTPUT0")


@case("concurrent.grpc_async", CONCURRENT, "tritonclient.grpc, async_infer")
def grpc_async(server):
    """The same over one gRPC channel."""
    import tritonclient.grpc as module

    found, done = {}, threading.Semaphore(0)

    def take(number):
        def callback(result, error):
            found[number] = (result, error)
            done.release()

        return callback

    with module.InferenceServerClient(server.grpc_address) as client:
        for number in range(64):
            client.async_infer(server.model("FP32"), given(module, numbered(number)), take(number), request_id=str(number))
        for _ in range(64):
            holds(done.acquire(timeout=20), "an answer is missing")
    for number in range(64):
        result, error = found[number]
        holds(error is None, f"{error}")
        same(result.get_response().id, str(number), "id")
        check_equal(result.as_numpy("OUTPUT0"), numbered(number), "OUTPUT0")


@case("concurrent.keep_alive", CONCURRENT, "RFC 9112, 9.3 Persistence")
def keep_alive(server):
    """A hundred requests go over one connection, an error among them."""
    import http.client
    import json

    connection = http.client.HTTPConnection(server.http_address, timeout=20)
    connection.connect()
    socket = connection.sock
    for number in range(100):
        body = {"inputs": [{"name": "INPUT0", "shape": [1, 1], "datatype": "FP32", "data": [number]}]}
        text = json.dumps(body) if number != 50 else "{"
        connection.request("POST", f"/v2/models/{server.model('FP32')}/infer", text, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        raw = answer.read()
        holds(connection.sock is socket, f"the connection was closed after request {number}")
        if number == 50:
            holds(answer.status >= 400, f"status {answer.status}")
        else:
            same(json.loads(raw)["outputs"][0]["data"], [number], "data")
    connection.close()


@case("concurrent.client_timeout", CONCURRENT, "gRPC, Deadlines")
def client_timeout(server):
    """A client's deadline that is long enough does no harm; one of a microsecond ends in DEADLINE_EXCEEDED, or the answer is right
    if it was there before the client looked."""
    client = server.clients["triton-grpc"]
    model, tensors = server.model("FP32"), given(client.module, sample("FP32"))
    for seconds in (20, 1e-6):
        try:
            result = client.told(lambda: client.call("infer", model, tensors, client_timeout=seconds))
        except Refused as refused:
            same((seconds, refused.status), (1e-6, "DEADLINE_EXCEEDED"), "time and code")
        else:
            check_equal(result.as_numpy("OUTPUT0"), sample("FP32"), "OUTPUT0")
