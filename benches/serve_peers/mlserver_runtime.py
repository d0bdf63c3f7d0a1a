"""MLServer: a runtime of one's own with a custom handler, which takes the JPEG as it is; decoding and the model on threads."""

import asyncio
import os

from fastapi import Request
from fastapi.responses import JSONResponse
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.handlers import custom_handler
from mlserver.types import InferenceResponse

import pictures

MODEL, THREADS = os.environ["SPEED_MODEL"], int(os.environ["SPEED_THREADS"])


class MobileNet(MLModel):
    async def load(self):
        self.session = pictures.session(MODEL, THREADS)
        return True

    def answer(self, jpeg):
        return self.session.run(None, {"images": pictures.prepare(jpeg)[None]})[0]

    @custom_handler(rest_path="/picture")
    async def picture(self, request: Request) -> JSONResponse:
        answer = await asyncio.to_thread(self.answer, await request.body())
        return JSONResponse({"predictions": pictures.top(answer[0])})

    async def predict(self, request):
        """The protocol's way, one JPEG in base64; this is what MLServer hands to its parallel workers."""
        import base64

        jpeg = base64.b64decode(request.inputs[0].data[0])
        answer = await asyncio.to_thread(self.answer, jpeg)
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("probabilities", answer)])
