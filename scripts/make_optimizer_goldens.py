#!/usr/bin/env python3
"""Writes the steps of PyTorch's and timm's own optimisers on a tiny problem, for the optimiser tests of `mvl-train`.

    python3 scripts/make_optimizer_goldens.py crates/mvl-train/tests/fixtures

The problem: w [4, 3], b [4], x [8, 3], t [8, 4]; loss = mean over all 32 elements of (x w^T + b - t)^2. Starting values follow the
formula of `make_model_goldens.py` with the keys "w", "b", "x", "t": (u - 0.5) * 2, rounded to float32. The steps themselves are taken
in float64, so a float32 implementation should agree to about 1e-6. Muon's iteration too: PyTorch's is in bfloat16, which is replaced.
Where a gradient passes through zero under a short memory, a small epsilon makes a step a quotient of two rests, which no two
implementations share: such cases have a larger one. Needs torch and timm; runs in two seconds.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import timm.optim
import torch
import torch.optim._muon

sys.dont_write_bytecode = True  # no cache folder beside the scripts
from make_model_goldens import uniform

STEPS = 50
EVERY = 5  # of these the weights are kept
OPTIM, TIMM = torch.optim, timm.optim


def muon(rest_lr, **options):
    """Muon for the matrix, AdamW for the vector."""
    return lambda w, b: [OPTIM.Muon([w], **options), OPTIM.AdamW([b], lr=rest_lr)]


def one(kind, **options):
    return lambda w, b: [kind([w, b], **options)]


CASES = [
    ({"name": "sgd", "learning_rate": 0.1, "momentum": 0, "weight_decay": 1e-3}, one(OPTIM.SGD, lr=0.1, weight_decay=1e-3)),
    ({"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 1e-3},
     one(OPTIM.SGD, lr=0.1, momentum=0.9, weight_decay=1e-3)),
    ({"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 1e-3, "nesterov": True},
     one(OPTIM.SGD, lr=0.1, momentum=0.9, weight_decay=1e-3, nesterov=True)),
    ({"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "dampening": 0.3},
     one(OPTIM.SGD, lr=0.1, momentum=0.9, dampening=0.3)),
    ({"name": "adam"}, one(OPTIM.Adam)),
    ({"name": "adam", "learning_rate": 0.02, "beta1": 0.8, "beta2": 0.99, "weight_decay": 1e-2, "amsgrad": True},
     one(OPTIM.Adam, lr=0.02, betas=(0.8, 0.99), weight_decay=1e-2, amsgrad=True)),
    ({"name": "adamw"}, one(OPTIM.AdamW)),
    ({"name": "adamw", "learning_rate": 0.01, "weight_decay": 0.05}, one(OPTIM.AdamW, lr=0.01, weight_decay=0.05)),
    ({"name": "adamw", "learning_rate": 0.02, "weight_decay": 0.1, "beta2": 0.95, "epsilon": 1e-3, "amsgrad": True},
     one(OPTIM.AdamW, lr=0.02, weight_decay=0.1, betas=(0.9, 0.95), eps=1e-3, amsgrad=True)),
    ({"name": "adagrad"}, one(OPTIM.Adagrad)),
    ({"name": "adagrad", "learning_rate": 0.1, "learning_rate_decay": 0.05, "weight_decay": 1e-2},
     one(OPTIM.Adagrad, lr=0.1, lr_decay=0.05, weight_decay=1e-2)),
    ({"name": "rmsprop"}, one(OPTIM.RMSprop)),
    ({"name": "rmsprop", "learning_rate": 0.003, "alpha": 0.9, "momentum": 0.8, "weight_decay": 1e-2},
     one(OPTIM.RMSprop, lr=0.003, alpha=0.9, momentum=0.8, weight_decay=1e-2)),
    ({"name": "rmsprop", "learning_rate": 0.003, "epsilon": 1e-3, "centered": True},
     one(OPTIM.RMSprop, lr=0.003, eps=1e-3, centered=True)),
    ({"name": "adan"}, one(TIMM.Adan)),
    ({"name": "adan", "learning_rate": 0.01, "weight_decay": 0.1}, one(TIMM.Adan, lr=0.01, weight_decay=0.1)),
    ({"name": "adan", "learning_rate": 0.01, "beta1": 0.9, "beta2": 0.8, "beta3": 0.95, "epsilon": 1e-3, "weight_decay": 0.1,
      "no_prox": True}, one(TIMM.Adan, lr=0.01, betas=(0.9, 0.8, 0.95), eps=1e-3, weight_decay=0.1, no_prox=True)),
    ({"name": "lamb"}, one(TIMM.Lamb, max_grad_norm=None, always_adapt=True)),
    ({"name": "lamb", "learning_rate": 0.02, "weight_decay": 0}, one(
        TIMM.Lamb, lr=0.02, weight_decay=0, max_grad_norm=None, always_adapt=True)),
    ({"name": "lamb", "learning_rate": 0.01, "weight_decay": 0, "trust_ratio": False}, one(
        TIMM.Lamb, lr=0.01, weight_decay=0, max_grad_norm=None)),
    ({"name": "lion"}, one(TIMM.Lion)),
    ({"name": "lion", "learning_rate": 1e-3, "beta1": 0.95, "beta2": 0.98, "weight_decay": 0.5},
     one(TIMM.Lion, lr=1e-3, betas=(0.95, 0.98), weight_decay=0.5)),
    ({"name": "adafactor"}, one(OPTIM.Adafactor)),
    ({"name": "adafactor", "learning_rate": 0.5, "decay_rate": -0.5, "epsilon2": 0.7, "clip_threshold": 1.2, "weight_decay": 0.01},
     one(OPTIM.Adafactor, lr=0.5, beta2_decay=-0.5, eps=(None, 0.7), d=1.2, weight_decay=0.01)),
    ({"name": "muon"}, muon(1e-3)),
    ({"name": "muon", "learning_rate": 0.02, "momentum": 0.9, "nesterov": False, "weight_decay": 0.01,
      "adjustment": "match_rms_adamw", "ns_steps": 3, "ns_coefficients": [2, -1.5, 0.5], "rest": {"learning_rate": 0.005}},
     muon(0.005, lr=0.02, momentum=0.9, nesterov=False, weight_decay=0.01, adjust_lr_fn="match_rms_adamw", ns_steps=3,
          ns_coefficients=(2.0, -1.5, 0.5))),
]


def orthogonal(matrix, coefficients, steps, epsilon):
    """PyTorch's Newton-Schulz iteration, in the matrix's own type."""
    a, b, c = coefficients
    x = matrix.T if matrix.size(0) > matrix.size(1) else matrix
    x = x / x.norm().clamp(min=epsilon)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if matrix.size(0) > matrix.size(1) else x


torch.optim._muon._zeropower_via_newtonschulz = orthogonal


def start(key, shape):
    values = (uniform(key, math.prod(shape)) - 0.5) * 2.0
    return torch.from_numpy(values.astype(np.float32)).double().reshape(shape)


def steps(make, w, b, x, t):
    w, b = w.clone().requires_grad_(True), b.clone().requires_grad_(True)
    optimizers = make(w, b)
    losses, after = [], []
    for step in range(STEPS):
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = ((x @ w.T + b - t) ** 2).mean()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        losses.append(round(loss.item(), 10))  # before the step
        if (step + 1) % EVERY == 0:
            after.append({name: [round(v, 10) for v in p.detach().flatten().tolist()] for name, p in [("w", w), ("b", b)]})
    return {"losses": losses, "after": after}


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_optimizer_goldens.py OUTPUT_FOLDER")
    output = Path(sys.argv[1])
    output.mkdir(parents=True, exist_ok=True)
    problem = {"w": start("w", (4, 3)), "b": start("b", (4,)), "x": start("x", (8, 3)), "t": start("t", (8, 4))}
    document = {"made_with": f"torch {torch.__version__}, timm {timm.__version__}", "every": EVERY}
    document |= {name: values.tolist() for name, values in problem.items()}
    document["cases"] = [{"config": config, **steps(make, **problem)} for config, make in CASES]
    path = output / "optimizers.json"
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    for case in document["cases"]:
        print(f"{case['losses'][0]:.4f} -> {case['losses'][-1]:.4f}", case["config"])
    print(path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
