"""JPEG bytes to MobileNetV2's answer with Pillow, NumPy and onnxruntime, as a user of LitServe or MLServer writes it."""

import io

import numpy
import onnxruntime
from PIL import Image

MEAN = numpy.array([0.485, 0.456, 0.406], numpy.float32)
SCALE = 1 / (255 * numpy.array([0.229, 0.224, 0.225], numpy.float32))
SHORT, SIDE = 256, 224


def prepare(jpeg):
    """The short side to 256, the middle 224×224, normalised."""
    picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
    width, height = picture.size
    short = min(width, height)
    picture = picture.resize((width * SHORT // short, height * SHORT // short), Image.BILINEAR)
    left, top = (picture.width - SIDE) // 2, (picture.height - SIDE) // 2
    pixels = numpy.asarray(picture.crop((left, top, left + SIDE, top + SIDE)), numpy.float32)
    return numpy.ascontiguousarray(((pixels - 255 * MEAN) * SCALE).transpose(2, 0, 1))


def session(model, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that wait by spinning take the cores from those that decode.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def top(probabilities, count=5):
    likeliest = numpy.argsort(probabilities)[::-1][:count]
    return [{"index": int(index), "probability": float(probabilities[index])} for index in likeliest]
