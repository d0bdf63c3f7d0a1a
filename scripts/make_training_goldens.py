#!/usr/bin/env python3
"""Trains a small ResNet in PyTorch for 50 updates in many ways, for the training tests of `mvl-train`.

    python3 scripts/make_training_goldens.py crates/mvl-train/tests/fixtures

Weights, pictures and classes follow the formula of `make_model_goldens.py`, so the file holds only what comes of the training: the loss
of each update and, after the last, the sum, the norm and four numbers of every parameter. Everything but half precision runs in
float64 from float32 beginnings, so that the file is the true path and not one rounding of it. Needs torch; runs in half a minute.
"""

import copy
import json
import math
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

sys.dont_write_bytecode = True  # no cache folder beside the scripts
from make_model_goldens import uniform

STEPS, BATCH, SIDE, CLASSES = 50, 8, 8, 4


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if stride > 1 else None

    def forward(self, x):
        branch = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(branch + (self.shortcut(x) if self.shortcut else x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.block1 = Block(6, 6, 1)
        self.block2 = Block(6, 12, 2)
        self.linear = nn.Linear(12, CLASSES)

    def forward(self, x):
        x = F.relu(self.norm(self.conv(x)))
        return self.linear(self.block2(self.block1(x)).mean((2, 3)))


def formula(key, shape):
    u = torch.from_numpy(uniform(key, math.prod(shape))).reshape(shape)
    if key.endswith(".bias"):
        u = (u - 0.5) * 0.2
    elif len(shape) == 1:
        u = 0.5 + u
    else:
        u = (u - 0.5) * 2.0 * math.sqrt(3.0 / math.prod(shape[1:]))
    return u.float()


def fresh(dtype):
    net = Net()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            parameter.copy_(formula(name, parameter.shape))
    return net.to(dtype)


def batch(number, dtype):
    pictures = (torch.from_numpy(uniform(f"pictures {number}", BATCH * SIDE * SIDE)) * 2 - 1).float()
    classes = torch.from_numpy(uniform(f"classes {number}", BATCH) * CLASSES).long()
    # A picture of a class is bright in its own quarter.
    pictures = pictures.reshape(BATCH, 1, SIDE, SIDE)
    for index, label in enumerate(classes.tolist()):
        rows, columns = (label // 2) * 4, (label % 2) * 4
        pictures[index, 0, rows:rows + 4, columns:columns + 4] += 0.75
    return pictures.to(dtype), classes


def summary(net):
    of = lambda values: {"sum": values.sum().item(), "norm": values.norm().item(),
                         "first": values.flatten()[:4].tolist()}
    return {name: of(parameter.detach().double()) for name, parameter in net.named_parameters()}


def sgd(net, rate, **more):
    return torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9, weight_decay=1e-3, nesterov=True, **more)


def plain(dtype=torch.float64, schedule=None, clip=None, ema=None, accumulate=1, optimizer=None, groups=None):
    net = fresh(dtype)
    optimizer = groups(net) if groups else (optimizer or (lambda net: sgd(net, 0.05)))(net)
    schedule = schedule(optimizer) if schedule else None
    average, losses, rates = None, [], []
    for step in range(STEPS):
        optimizer.zero_grad()
        total = 0.0
        for part in range(accumulate):
            pictures, classes = batch(step * accumulate + part, dtype)
            loss = F.cross_entropy(net(pictures), classes) / accumulate
            loss.backward()
            total += loss.item()
        if clip:
            clip(net.parameters())
        rates.append(optimizer.param_groups[-1]["lr"])
        optimizer.step()
        if schedule:
            schedule.step()
        losses.append(total)
        if ema is not None:
            with torch.no_grad():
                if average is None:
                    average = copy.deepcopy(net)
                else:
                    for a, b in zip(average.parameters(), net.parameters()):
                        a.lerp_(b, 1 - ema)
    result = {"losses": losses, "rates": rates, "weights": summary(net)}
    if average is not None:
        result["average"] = summary(average)
    return result


def warm_cosine(optimizer):
    warm = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, 1.0, 10)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS - 10)
    return torch.optim.lr_scheduler.SequentialLR(optimizer, [warm, cosine], [10])


def decayed_in_groups(net):
    # No decay on vectors.
    groups = {}
    for name, parameter in net.named_parameters():
        decay = 1e-3 if parameter.ndim > 1 else 0.0
        groups.setdefault(decay, []).append(parameter)
    groups = [{"params": parameters, "weight_decay": decay} for decay, parameters in groups.items()]
    return torch.optim.SGD(groups, lr=0.03, momentum=0.9, nesterov=True)


def look_ahead(every=5, alpha=0.5):
    net = fresh(torch.float64)
    optimizer, slow, losses = sgd(net, 0.05), [p.detach().clone() for p in net.parameters()], []
    for step in range(STEPS):
        optimizer.zero_grad()
        pictures, classes = batch(step, torch.float64)
        loss = F.cross_entropy(net(pictures), classes)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if (step + 1) % every == 0:
            with torch.no_grad():
                for s, p in zip(slow, net.parameters()):
                    s.add_(p - s, alpha=alpha)
                    p.copy_(s)
    return {"losses": losses, "weights": summary(net)}


def sharpness(rho, adaptive):
    net = fresh(torch.float64)
    optimizer, losses = sgd(net, 0.05), []
    for step in range(STEPS):
        pictures, classes = batch(step, torch.float64)
        optimizer.zero_grad()
        loss = F.cross_entropy(net(pictures), classes)
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            scaled = [(p.abs() if adaptive else 1.0) * p.grad for p in net.parameters()]
            norm = torch.sqrt(sum((s ** 2).sum() for s in scaled))
            moves = [(p ** 2 if adaptive else 1.0) * p.grad * rho / (norm + 1e-12) for p in net.parameters()]
            for p, move in zip(net.parameters(), moves):
                p.add_(move)
        optimizer.zero_grad()
        F.cross_entropy(net(pictures), classes).backward()
        with torch.no_grad():
            for p, move in zip(net.parameters(), moves):
                p.sub_(move)
        optimizer.step()
    return {"losses": losses, "weights": summary(net)}


def stochastic_average(start):
    # Ten epochs of five updates; averaged from epoch `start` on.
    net = fresh(torch.float64)
    optimizer, average, losses = sgd(net, 0.05), torch.optim.swa_utils.AveragedModel(net), []
    for step in range(STEPS):
        optimizer.zero_grad()
        pictures, classes = batch(step, torch.float64)
        loss = F.cross_entropy(net(pictures), classes)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % 5 == 4 and step // 5 >= start:
            average.update_parameters(net)
    last_epoch = [batch(step, torch.float64)[0] for step in range(STEPS - 5, STEPS)]
    torch.optim.swa_utils.update_bn(last_epoch, average)
    means = {name: buffer.tolist() for name, buffer in average.module.named_buffers() if "running_mean" in name}
    return {"losses": losses, "average": summary(average.module), "running_means": means}


def half(dtype, scaler=None):
    """Autocast and, for float16, the scaler of PyTorch."""
    net = fresh(torch.float32)
    optimizer, losses, scales = sgd(net, 0.05), [], []
    for step in range(STEPS):
        optimizer.zero_grad()
        pictures, classes = batch(step, torch.float32)
        with torch.autocast("cpu", dtype=dtype):
            output = net(pictures)
        loss = F.cross_entropy(output.float(), classes)
        losses.append(loss.item())
        if scaler is None:
            loss.backward()
            optimizer.step()
            continue
        scales.append(scaler.get_scale())
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    return {"losses": losses, "scales": scales, "weights": summary(net)}


def main(folder):
    norm = lambda parameters: torch.nn.utils.clip_grad_norm_(parameters, 0.5)
    value = lambda parameters: torch.nn.utils.clip_grad_value_(parameters, 0.02)
    one_cycle = lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.01, total_steps=STEPS, cycle_momentum=False)
    # With the usual epsilon the sign of a gradient near zero decides a whole step, in any float type.
    adamw = lambda net: torch.optim.AdamW(net.parameters(), lr=0.01, eps=1e-4, weight_decay=0.05)
    scaler = lambda initial: torch.amp.GradScaler("cpu", init_scale=initial, growth_interval=8 if initial < 1e6 else 1000)
    cases = {
        "sgd": plain(),
        "cosine_norm_ema": plain(schedule=warm_cosine, clip=norm, ema=0.9),
        "one_cycle_value_accumulated": plain(schedule=one_cycle, clip=value, accumulate=2, optimizer=adamw),
        "groups": plain(groups=decayed_in_groups),
        "look_ahead": look_ahead(),
        "sharpness": sharpness(0.05, False),
        "sharpness_adaptive": sharpness(0.5, True),
        "swa": stochastic_average(6),
        "clipped": plain(clip=lambda parameters: torch.nn.utils.clip_grad_norm_(parameters, 1.0)),
        "bf16": half(torch.bfloat16),
        "f16": half(torch.float16, scaler(2.0 ** 8)),
        "f16_overflowing": half(torch.float16, scaler(2.0 ** 40)),
    }
    path = Path(folder) / "training.json"
    path.write_text(json.dumps(cases, indent=1) + "\n")
    for name, case in cases.items():
        print(f"{name:30} {case['losses'][0]:.4f} to {case['losses'][-1]:.4f}", case.get("scales", [])[::7])


if __name__ == "__main__":
    main(sys.argv[1])
