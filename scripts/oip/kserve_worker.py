"""Answers calls of kserve's clients over stdin and stdout, pickled; see `clients.Kserve`."""

import asyncio
import logging
import os
import pickle
import sys

# Whatever else is printed must not come between the answers.
answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)

import grpc
import httpx
from kserve import InferenceGRPCClient, InferenceRESTClient, RESTConfig
from kserve.protocol.infer_type import InferInput, InferRequest, RequestedOutput

from oip.tensors import to_json


def request_of(form, model, inputs, outputs, id, parameters):
    given = []
    for name, kind, array in inputs:
        if form in ("rest-binary", "grpc-raw"):
            tensor = InferInput(name, list(array.shape), kind)
            tensor.set_data_from_numpy(array, binary_data=True)
        else:
            tensor = InferInput(name, list(array.shape), kind, to_json(array))
        given.append(tensor)
    parameters = dict(parameters or {})
    if form == "rest-binary":
        parameters["binary_data_output"] = True
    wanted = None if outputs is None else [RequestedOutput(name) for name in outputs]
    return InferRequest(model, given, request_id=id, parameters=parameters or None, request_outputs=wanted)


async def answer(clients, form, address, method, named):
    rest = form.startswith("rest")
    if (form, address) not in clients:
        config = RESTConfig(protocol="v2", timeout=20)
        clients[form, address] = InferenceRESTClient(config) if rest else InferenceGRPCClient(address, timeout=20)
    client, url = clients[form, address], f"http://{address}"
    if method != "infer":
        return await (getattr(client, method)(url, **named) if rest else getattr(client, method)(**named))
    request = request_of(form, **named)
    response = await (client.infer(url, request, request.model_name) if rest else client.infer(request))
    outputs = [(one.name, one.datatype, one.as_numpy()) for one in response.outputs]
    return (response.model_name, response.model_version, response.id), outputs


async def main():
    logging.disable(logging.CRITICAL)
    clients = {}
    while True:
        try:
            form, address, method, named = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            said = ("answer", await answer(clients, form, address, method, named))
        except httpx.HTTPStatusError as error:
            said = ("refused", (str(error), error.response.status_code))
        except grpc.RpcError as error:
            said = ("refused", (error.details(), error.code().name))
        except Exception as error:
            said = ("failed", f"kserve's client fails: {type(error).__name__}: {error}"[:300])
        pickle.dump(said, answers)
        answers.flush()


asyncio.run(main())
