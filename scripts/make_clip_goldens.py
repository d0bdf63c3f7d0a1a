#!/usr/bin/env python3
"""Writes gradients as PyTorch and timm clip them, for the clipping tests of `mvl-train`.

    python3 scripts/make_clip_goldens.py crates/mvl-train/tests/fixtures

The parameters: a convolution [3, 2, 3, 3] with bias [3] and a linear layer [4, 5] with bias [4], in PyTorch's layout. Values and
gradients follow the formula of `make_model_goldens.py`, each with a spread of its own, rounded to float32; clipping is done in float64.
Needs torch and timm; runs in two seconds.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from timm.utils.agc import adaptive_clip_grad

sys.dont_write_bytecode = True  # no cache folder beside the scripts
from make_model_goldens import uniform

PARAMETERS = {  # name: shape, spread of the values, spread of the gradients
    "conv.weight": ((3, 2, 3, 3), 0.4, 0.02),
    "conv.bias": ((3,), 0.0001, 0.5),
    "linear.weight": ((4, 5), 1.0, 0.06),
    "linear.bias": ((4,), 0.6, 0.01),
}
CASES = {
    "norm": lambda parameters: torch.nn.utils.clip_grad_norm_(parameters, 0.1),
    "norm_unreached": lambda parameters: torch.nn.utils.clip_grad_norm_(parameters, 100.0),
    "value": lambda parameters: torch.nn.utils.clip_grad_value_(parameters, 0.015),
    "adaptive": lambda parameters: adaptive_clip_grad(parameters, clip_factor=0.02, eps=1e-3),
    "adaptive_eps": lambda parameters: adaptive_clip_grad(parameters, clip_factor=0.05, eps=0.5),
}


def values(key, shape, spread):
    # Each row has a size of its own, so that some units are clipped and some are not.
    rows = np.linspace(0.2, 1.8, shape[0]).reshape((shape[0],) + (1,) * (len(shape) - 1))
    numbers = (uniform(key, math.prod(shape)).reshape(shape) - 0.5) * 2.0 * spread * rows
    return torch.from_numpy(numbers.astype(np.float32)).double()


def parameters():
    for name, (shape, spread, gradient_spread) in PARAMETERS.items():
        parameter = torch.nn.Parameter(values(name, shape, spread))
        parameter.grad = values(name + ".grad", shape, gradient_spread).flip(0)
        yield name, parameter


def gradients(named):
    return {name: parameter.grad.tolist() for name, parameter in named.items()}


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_clip_goldens.py OUTPUT_FOLDER")
    output = Path(sys.argv[1])
    output.mkdir(parents=True, exist_ok=True)
    start = dict(parameters())
    document = {"made_with": f"torch {torch.__version__}", "gradients": gradients(start), "cases": {}}
    document["values"] = {name: parameter.tolist() for name, parameter in start.items()}
    for name, clip in CASES.items():
        named = dict(parameters())
        norm = clip(list(named.values()))
        changed = {key: int((p.grad != start[key].grad).sum()) for key, p in named.items()}
        print(name, changed)
        document["cases"][name] = {"gradients": gradients(named)}
        if norm is not None:
            document["cases"][name]["norm"] = float(norm)
    path = output / "clipping.json"
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
