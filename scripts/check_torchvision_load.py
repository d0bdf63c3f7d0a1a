#!/usr/bin/env python3
"""Loads an exported safetensors file into torchvision's own model, strictly, and prints `ok`.

    python3 scripts/check_torchvision_load.py FILE NAME

NAME is a function of `torchvision.models` (`resnet50`, `mobilenet_v2`, …). The number of classes is read off the file's
only matrix, so a fine-tuned head loads too. Every key and every shape must match; what does not is listed, and the exit
status is then 1. Needs torch and torchvision; the safetensors format itself is read here in a few lines: a
little-endian u64 with the header's length, the header as JSON, then the raw tensors.
"""

import json
import struct
import sys
from pathlib import Path

import torch
import torchvision

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def read_safetensors(path):
    """{key: tensor}; every tensor owns its memory."""
    data = path.read_bytes()
    if len(data) < 8:
        sys.exit(f"not a safetensors file: {path}")
    (header_length,) = struct.unpack("<Q", data[:8])
    if header_length > len(data) - 8:
        sys.exit(f"header of {header_length} bytes is longer than the file: {path}")
    header = json.loads(data[8 : 8 + header_length])
    header.pop("__metadata__", None)
    body = data[8 + header_length :]
    tensors = {}
    for key, entry in header.items():
        begin, end = entry["data_offsets"]
        dtype, shape = DTYPES[entry["dtype"]], entry["shape"]
        # an empty buffer cannot be viewed; its tensor is empty too
        flat = torch.frombuffer(bytearray(body[begin:end]), dtype=dtype) if end > begin else torch.empty(0, dtype=dtype)
        tensors[key] = flat.reshape(shape)
    return tensors


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: check_torchvision_load.py FILE NAME")
    path, name = Path(sys.argv[1]), sys.argv[2]
    tensors = read_safetensors(path)
    build = getattr(torchvision.models, name, None)
    if not callable(build):
        sys.exit(f"torchvision has no model {name!r}")
    matrices = [t for t in tensors.values() if t.dim() == 2]
    classes = {"num_classes": matrices[-1].shape[0]} if len(matrices) == 1 else {}
    model = build(weights=None, **classes).eval()
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        sys.exit(str(error))
    with torch.no_grad():
        logits = model(torch.zeros(1, 3, 224, 224))
    if not torch.isfinite(logits).all():
        sys.exit("the keys match, but the model's answer is not finite")
    print("ok")


if __name__ == "__main__":
    main()
