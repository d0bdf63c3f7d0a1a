"""LitServe: litserve_app.py PORT MODEL WORKERS THREADS MAX_BATCH. JPEGs come in base64, as LitServe's documentation has it."""

import base64
import sys

import litserve
import numpy

import pictures

PORT, MODEL, WORKERS, THREADS, MAX_BATCH = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])


class MobileNet(litserve.LitAPI):
    def setup(self, device):
        self.session = pictures.session(MODEL, THREADS)

    def decode_request(self, request):
        return pictures.prepare(base64.b64decode(request["image"]))

    def predict(self, image):
        images = numpy.stack(image) if MAX_BATCH > 1 else image[None]
        answer = self.session.run(None, {"images": images})[0]
        return answer if MAX_BATCH > 1 else answer[0]

    def unbatch(self, output):
        return list(output)

    def encode_response(self, output):
        return {"predictions": pictures.top(output)}


if __name__ == "__main__":
    api = MobileNet(max_batch_size=MAX_BATCH, batch_timeout=0.001 if MAX_BATCH > 1 else 0.0)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=WORKERS)
    server.run(host="127.0.0.1", port=int(PORT), generate_client_file=False, log_level="warning", access_log=False)
