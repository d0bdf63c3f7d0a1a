#!/usr/bin/env python3
"""Writes PyTorch's own steps of SGD, Nesterov SGD and AdamW on a tiny problem, for the optimiser tests of `mvl-train`.

    python3 scripts/make_optimizer_goldens.py crates/mvl-train/tests/fixtures

The problem: w [2, 3], x [8, 3], t [8, 2]; loss = mean over all 16 elements of (x w^T - t)^2. Starting values follow the
formula of `make_model_goldens.py` with the keys "w", "x", "t": (u - 0.5) * 2, rounded to float32. The steps themselves
are taken in float64, so a float32 implementation should agree to about 1e-6. Schedules are
deliberately absent: they have closed forms. Needs torch; runs in two seconds.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch

sys.dont_write_bytecode = True  # no cache folder beside the scripts
from make_model_goldens import uniform

STEPS = 10
CASES = {
    "sgd": ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-3}),
    "sgd_nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-3, "nesterov": True}),
    "adamw": ("AdamW", {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.05}),
}


def start(key, shape):
    values = (uniform(key, math.prod(shape)) - 0.5) * 2.0
    return torch.from_numpy(values.astype(np.float32)).double().reshape(shape)


def steps(kind, options, w, x, t):
    w = w.clone().requires_grad_(True)
    optimizer = getattr(torch.optim, kind)([w], **options)
    losses, after = [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = ((x @ w.T - t) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))  # before the step
        after.append(w.detach().tolist())
    return {"options": options, "loss_before_step": losses, "w_after_step": after}


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_optimizer_goldens.py OUTPUT_FOLDER")
    output = Path(sys.argv[1])
    output.mkdir(parents=True, exist_ok=True)
    w, x, t = start("w", (2, 3)), start("x", (8, 3)), start("t", (8, 2))
    document = {"made_with": f"torch {torch.__version__}", "w": w.tolist(), "x": x.tolist(), "t": t.tolist()}
    document["cases"] = {name: steps(kind, options, w, x, t) for name, (kind, options) in CASES.items()}
    path = output / "sgd_adamw.json"
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    for name, case in document["cases"].items():
        print(name, [round(v, 6) for v in case["loss_before_step"]])


if __name__ == "__main__":
    main()
