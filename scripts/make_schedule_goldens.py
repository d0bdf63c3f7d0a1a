#!/usr/bin/env python3
"""Writes the learning rates of PyTorch's own schedulers, for the schedule tests of `mvl-train`.

    python3 scripts/make_schedule_goldens.py crates/mvl-train/tests/fixtures

A run of 30 epochs of 12 steps from a rate of 0.1. Each case holds a config as `mvl-train` reads it and the rates of the
steps in `steps`: all of the first epochs and of the last, every seventh between. By epoch, the scheduler is stepped after each epoch,
and a warm-up (`LinearLR`) before it after each step. `plateau` cases hold figures and the rate of each epoch instead.
Needs torch; runs in two seconds.
"""

import json
import sys
import warnings
from pathlib import Path

import torch
from torch.optim import lr_scheduler as torch_schedules

warnings.filterwarnings("ignore")

BASE = 0.1
EPOCHS = 30
STEPS_PER_EPOCH = 12
TOTAL = EPOCHS * STEPS_PER_EPOCH
STEPS = [s for s in range(TOTAL) if s < 50 or s >= TOTAL - 15 or s % 7 == 0]


def optimizer(rate=BASE):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def rates_of(sgd, schedule, count):
    """The rate of each of `count` steps (or epochs)."""
    rates = []
    for _ in range(count):
        rates.append(sgd.param_groups[0]["lr"])
        sgd.step()
        schedule.step()
    return rates


def by_step(make, warmup=None):
    """`make` gets an optimiser; `warmup` is (steps, factor)."""
    sgd = optimizer()
    if warmup is None:
        return rates_of(sgd, make(sgd), TOTAL)
    steps, factor = warmup
    rising = torch_schedules.LinearLR(sgd, start_factor=factor, end_factor=1.0, total_iters=steps)
    return rates_of(sgd, torch_schedules.SequentialLR(sgd, [rising, make(sgd)], [steps]), TOTAL)


def by_epoch(make, warmup_epochs=0, factor=1.0):
    rates = []
    if warmup_epochs:
        steps = warmup_epochs * STEPS_PER_EPOCH
        sgd = optimizer()
        rates = rates_of(sgd, torch_schedules.LinearLR(sgd, start_factor=factor, end_factor=1.0, total_iters=steps), steps)
    sgd = optimizer()
    for rate in rates_of(sgd, make(sgd), EPOCHS - warmup_epochs):
        rates += [rate] * STEPS_PER_EPOCH
    return rates


def cases():
    s = torch_schedules
    usual_warmup = 24  # ours without a factor: from 1/24, with the full rate in the last of the 24 steps
    yield {"name": "constant", "factor": 0.5}, by_step(lambda o: s.ConstantLR(o, factor=0.5, total_iters=10**6))
    yield {"name": "linear", "start_factor": 0.8, "end_factor": 0.05}, by_step(
        lambda o: s.LinearLR(o, start_factor=0.8, end_factor=0.05, total_iters=TOTAL))
    yield {"name": "linear", "length": 200, "end_factor": 0.1}, by_step(
        lambda o: s.LinearLR(o, start_factor=1.0, end_factor=0.1, total_iters=200))
    yield {"name": "cosine", "min_factor": 0.01}, by_step(
        lambda o: s.CosineAnnealingLR(o, T_max=TOTAL, eta_min=0.01 * BASE))
    yield {"name": "cosine", "by": "epoch"}, by_epoch(lambda o: s.CosineAnnealingLR(o, T_max=EPOCHS))
    yield {"name": "cosine", "warmup_epochs": 2, "warmup_factor": 0.01}, by_step(
        lambda o: s.CosineAnnealingLR(o, T_max=TOTAL - 24), warmup=(24, 0.01))
    sgd = optimizer()
    rising = s.LinearLR(sgd, start_factor=1 / usual_warmup, end_factor=1.0, total_iters=usual_warmup - 1)
    falling = s.CosineAnnealingLR(sgd, T_max=TOTAL - usual_warmup)
    yield {"name": "cosine", "warmup_steps": usual_warmup}, rates_of(
        sgd, s.SequentialLR(sgd, [rising, falling], [usual_warmup]), TOTAL)
    yield {"name": "cosine_restarts", "period": 5, "multiplier": 2, "min_factor": 0.001}, by_epoch(
        lambda o: s.CosineAnnealingWarmRestarts(o, T_0=5, T_mult=2, eta_min=0.001 * BASE))
    yield {"name": "cosine_restarts", "by": "step", "period": 40}, by_step(
        lambda o: s.CosineAnnealingWarmRestarts(o, T_0=40))
    yield {"name": "cosine_restarts", "by": "step", "period": 20, "multiplier": 3, "warmup_steps": 10,
           "warmup_factor": 0.2}, by_step(
        lambda o: s.CosineAnnealingWarmRestarts(o, T_0=20, T_mult=3), warmup=(10, 0.2))
    for anneal, ours in [("cos", "cosine"), ("linear", "linear")]:
        yield {"name": "one_cycle", "anneal": ours}, by_step(
            lambda o: s.OneCycleLR(o, max_lr=BASE, total_steps=TOTAL, anneal_strategy=anneal))
    yield {"name": "one_cycle", "three_phase": True, "pct_start": 0.4, "div_factor": 10, "final_div_factor": 100}, by_step(
        lambda o: s.OneCycleLR(o, max_lr=BASE, total_steps=TOTAL, three_phase=True, pct_start=0.4, div_factor=10.0,
                               final_div_factor=100.0))
    yield {"name": "one_cycle", "by": "epoch"}, by_epoch(lambda o: s.OneCycleLR(o, max_lr=BASE, total_steps=EPOCHS))
    yield {"name": "polynomial", "power": 0.9}, by_step(lambda o: s.PolynomialLR(o, total_iters=TOTAL, power=0.9))
    yield {"name": "polynomial", "power": 2, "length": 250}, by_step(
        lambda o: s.PolynomialLR(o, total_iters=250, power=2.0))
    yield {"name": "step", "period": 7, "factor": 0.3}, by_epoch(lambda o: s.StepLR(o, step_size=7, gamma=0.3))
    yield {"name": "step", "by": "step", "period": 50}, by_step(lambda o: s.StepLR(o, step_size=50))
    yield {"name": "multi_step", "milestones": [10, 20, 25], "warmup_epochs": 3, "warmup_factor": 0.1}, by_epoch(
        lambda o: s.MultiStepLR(o, milestones=[10, 20, 25]), warmup_epochs=3, factor=0.1)
    yield {"name": "multi_step", "by": "step", "milestones": [100, 101, 300], "factor": 0.5}, by_step(
        lambda o: s.MultiStepLR(o, milestones=[100, 101, 300], gamma=0.5))
    yield {"name": "exponential", "factor": 0.9}, by_epoch(lambda o: s.ExponentialLR(o, gamma=0.9))
    yield {"name": "exponential", "by": "step", "factor": 0.99, "warmup_steps": 5, "warmup_factor": 0.5}, by_step(
        lambda o: s.ExponentialLR(o, gamma=0.99), warmup=(5, 0.5))
    yield {"name": "composed", "milestones": [5, 12, 26],
           "parts": [{"name": "linear", "start_factor": 0.1, "end_factor": 1}, {"name": "constant"},
                     {"name": "cosine", "min_factor": 0.1}, {"name": "constant", "factor": 0.1}]}, by_epoch(
        lambda o: s.SequentialLR(
            o,
            [s.LinearLR(o, start_factor=0.1, total_iters=5), s.ConstantLR(o, factor=1.0),
             s.CosineAnnealingLR(o, T_max=14, eta_min=0.1 * BASE), s.ConstantLR(o, factor=0.1, total_iters=10**6)],
            [5, 12, 26]))
    yield {"name": "composed", "by": "step", "milestones": [60, 200],
           "parts": [{"name": "polynomial", "power": 1, "length": 100}, {"name": "step", "period": 30, "factor": 0.8},
                     {"name": "exponential", "factor": 0.97}]}, by_step(
        lambda o: s.SequentialLR(
            o,
            [s.PolynomialLR(o, total_iters=100), s.StepLR(o, step_size=30, gamma=0.8), s.ExponentialLR(o, gamma=0.97)],
            [60, 200]))


def figure(epoch, seed):
    """Falls, then stays, then falls again, with ripples: the same on every machine."""
    trend = 1.0 - 0.02 * min(epoch, 60) - 0.01 * max(0, min(epoch - 150, 100)) * 0.2
    return trend + ((epoch * 7919 + seed * 104729) % 97) / 97 * 0.05


def plateaus():
    count = 300
    for seed, (config, mode, options) in enumerate([
        ({}, "min", {}),
        ({"patience": 3, "factor": 0.5, "cooldown": 4, "min_factor": 0.02}, "min",
         {"patience": 3, "factor": 0.5, "cooldown": 4, "min_lr": 0.02 * BASE}),
        ({"patience": 5, "factor": 0.7, "threshold": 0.01, "threshold_mode": "absolute"}, "min",
         {"patience": 5, "factor": 0.7, "threshold": 0.01, "threshold_mode": "abs"}),
        ({"patience": 4, "factor": 0.6, "threshold": 0.02, "cooldown": 2}, "max",
         {"patience": 4, "factor": 0.6, "threshold": 0.02, "cooldown": 2}),
        ({"patience": 0, "factor": 0.8, "threshold": 0, "threshold_mode": "absolute", "eps": 1e-3}, "max",
         {"patience": 0, "factor": 0.8, "threshold": 0.0, "threshold_mode": "abs", "eps": 1e-3}),
    ]):
        sgd = optimizer()
        schedule = torch_schedules.ReduceLROnPlateau(sgd, mode=mode, **options)
        figures = [figure(epoch, seed) if mode == "min" else 2.0 - figure(epoch, seed) for epoch in range(count)]
        figures = [round(value, 4) for value in figures]
        changes = []  # the epochs after which the rate is another, and the rate
        for epoch, value in enumerate(figures):
            before = sgd.param_groups[0]["lr"]
            schedule.step(value)
            if sgd.param_groups[0]["lr"] != before:
                changes.append([epoch, sgd.param_groups[0]["lr"]])
        yield {"config": {"name": "plateau", **config}, "mode": mode, "figures": figures, "changes": changes}


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_schedule_goldens.py OUTPUT_FOLDER")
    output = Path(sys.argv[1])
    output.mkdir(parents=True, exist_ok=True)
    document = {"made_with": f"torch {torch.__version__}", "base": BASE, "epochs": EPOCHS,
                "steps_per_epoch": STEPS_PER_EPOCH, "steps": STEPS}
    document["cases"] = [{"config": config, "rates": [rates[s] for s in STEPS]} for config, rates in cases()]
    document["plateaus"] = list(plateaus())
    path = output / "schedules.json"
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    print(len(document["cases"]), "cases,", [len(case["changes"]) for case in document["plateaus"]], "changes,",
          path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
