"""Asks a running `mvl serve` with the package that openapi-python-client makes of our document; scripts/check_clients.sh runs it.

Every answer has to be of the type that the document promises: a status that is in no document makes the client raise, what does not
parse too. Prints how many questions were asked.
"""

import base64
import os
from io import BytesIO
from pathlib import Path

from mvl_client import AuthenticatedClient, Client
from mvl_client.api.models import create_model, delete_model, get_model, list_models
from mvl_client.api.pictures import predict, predict_with_version
from mvl_client.api.protocol import infer, model_metadata, model_ready, server_live, server_metadata, server_ready
from mvl_client.api.repository import repository_index
from mvl_client.models import (
    Error,
    IndexRequest,
    InferInput,
    InferInputDatatype,
    InferRequest,
    InferResponse,
    Live,
    Model,
    ModelMetadata,
    ModelReady,
    Models,
    ModelState,
    NewModel,
    Pictures,
    PredictFilesBody,
    Predictions,
    Ready,
    ServerMetadata,
)
from mvl_client.types import File

ADDRESS, PICTURE = os.environ["MVL_TRY_ADDRESS"], Path(os.environ["MVL_TRY_PICTURE"]).read_bytes()
asked = 0


def client_with(key):
    return AuthenticatedClient(ADDRESS, token=key, raise_on_unexpected_status=True)


def ask(operation, status, kind, *arguments, client, **named):
    """The parsed answer, after its status and type were looked at."""
    global asked
    asked += 1
    answer = operation.sync_detailed(*arguments, client=client, **named)
    assert answer.status_code == status, f"{operation.__name__}: expected {status}, got {answer.status_code}: {answer.content}"
    assert isinstance(answer.parsed, kind), f"{operation.__name__}: expected {kind}, got {answer.parsed!r}"
    if kind is Error:
        assert answer.parsed.error, "an error says what is wrong"
    return answer.parsed


def tensor(*numbers, datatype=InferInputDatatype.FP32):
    inputs = [InferInput("INPUT0", datatype, [1, len(numbers)], data=list(numbers))]
    return InferRequest(inputs, id="seven")


def main():
    client, less = client_with(os.environ["MVL_TRY_KEY"]), client_with(os.environ["MVL_TRY_KEY_WITHOUT_MANAGE"])
    nobody = Client(ADDRESS, raise_on_unexpected_status=True)

    # Health is open to all, everything else is not.
    assert ask(server_live, 200, Live, client=nobody).live
    assert ask(server_ready, 200, Ready, client=nobody).ready
    ask(list_models, 401, Error, client=nobody)
    ask(get_model, 401, Error, "clothes", client=client_with("a key of somebody else"))
    ask(infer, 401, Error, "echo", client=nobody, body=tensor(1.0))
    ask(create_model, 403, Error, client=less, body=NewModel("more", "identity:FP32"))

    # Models.
    names = [model.name for model in ask(list_models, 200, Models, client=less).models]
    assert sorted(names) == ["clothes", "echo"], names
    clothes = ask(get_model, 200, Model, "clothes", client=client)
    assert (clothes.state, clothes.classes, clothes.version) == (ModelState.READY, 10, "1"), clothes
    error = ask(get_model, 404, Error, "hats", client=client)
    assert "hats" in error.error, error
    assert ask(create_model, 201, Model, client=client, body=NewModel("more", "identity:FP32")).state == ModelState.READY
    ask(create_model, 400, Error, client=client, body=NewModel("more", "identity:FP32"))
    ask(create_model, 403, Error, client=client, body=NewModel("other", "/etc"))
    ask(delete_model, 204, type(None), "more", client=client)
    ask(delete_model, 404, Error, "more", client=client)

    # Pictures: as they are, in a form, in base64.
    for body in (
        File(BytesIO(PICTURE)),
        PredictFilesBody(file=[File(BytesIO(PICTURE), "boot.jpg", "image/jpeg")]),
        Pictures(image=base64.b64encode(PICTURE).decode()),
    ):
        seen = ask(predict, 200, Predictions, "clothes", client=less, body=body, top=2)
        [[first, second]] = seen.predictions
        assert first.label == "Ankle boot" and first.probability >= second.probability, seen
    ask(predict_with_version, 200, Predictions, "clothes", "1", client=client, body=File(BytesIO(PICTURE)))
    ask(predict_with_version, 404, Error, "clothes", "77", client=client, body=File(BytesIO(PICTURE)))
    ask(predict, 404, Error, "hats", client=client, body=File(BytesIO(PICTURE)))
    ask(predict, 400, Error, "clothes", client=client, body=File(BytesIO(b"no picture")))
    ask(predict, 400, Error, "echo", client=client, body=File(BytesIO(PICTURE)))

    # The Open Inference Protocol in JSON.
    assert "binary_tensor_data" in ask(server_metadata, 200, ServerMetadata, client=client).extensions
    described = ask(model_metadata, 200, ModelMetadata, "clothes", client=client)
    assert described.inputs[0].shape == [-1, 1, -1, -1], described
    assert ask(model_ready, 200, ModelReady, "echo", client=client).ready
    answer = ask(infer, 200, InferResponse, "echo", client=less, body=tensor(1.5, -2.0))
    [output] = answer.outputs
    assert (answer.id, output.name, output.shape, output.data) == ("seven", "OUTPUT0", [1, 2], [1.5, -2.0]), answer
    ask(infer, 400, Error, "echo", client=client, body=tensor(1, datatype=InferInputDatatype.INT32))
    ask(infer, 404, Error, "hats", client=client, body=tensor(1.0))
    index = ask(repository_index, 200, list, client=client, body=IndexRequest(ready=True))
    assert sorted(entry.name for entry in index) == ["clothes", "echo"], index
    print(asked)


main()
