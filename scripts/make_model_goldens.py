#!/usr/bin/env python3
"""Writes what the weight and model tests of `mvl-models` compare with, from PyTorch and torchvision themselves.

    python3 scripts/make_model_goldens.py crates/mvl-models/tests/fixtures

Made with torch 1.13 and torchvision 0.14 (Debian: python3-torch, python3-torchvision), CPU, in under a minute.
No trained weights are needed or written: weights follow a formula (`formula_tensor` below, in words in
`fixtures/NOTES.md`), so a test can fill its own model with the same numbers and compare the answers.

Writes `keys/<model>.json`, `formula_logits.json`, `tiny_*.pth`, `tiny_expected.json`, `hostile*.pth`.
The hostile files are written byte by byte and never loaded here.
"""

import json
import math
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
import torchvision

RESNETS = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]
MODELS = RESNETS + ["mobilenet_v2"]
MOBILENET_TAPS = [1, 3, 6, 13, 18]
# (name, which is also the formula's key, [N, C, H, W])
INPUTS = [("input", (1, 3, 64, 64)), ("input2", (1, 3, 96, 64))]
FIRST_LOGITS = 16
# Weights are uniform with variance WEIGHT_GAIN / 3 / fan_in: keeps logits between about 0.1 and 1000 in all six models.
WEIGHT_GAIN = 3.0
SAMPLED_KEYS = ["conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var", "fc.weight", "fc.bias"]
SAMPLED_VALUES = 4


# ---- the formula -------------------------------------------------------------------------------------------------


def fnv1a_64(text):
    """FNV-1a, 64 bits, of the UTF-8 bytes."""
    digest = 0xCBF29CE484222325
    for byte in text.encode("utf-8"):
        digest = ((digest ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return digest


def uniform(key, count):
    """`count` numbers in [0, 1), multiples of 2^-24, as float64: element i is SplitMix64's output function at
    hash(key) + i, its top 24 bits."""
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a_64(key)) + np.arange(count, dtype=np.uint64)
        z += np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 16777216.0


def formula_tensor(key, shape):
    """The tensor of one state-dict key, row-major, computed in float64 and rounded once to float32."""
    u = uniform(key, math.prod(shape))
    if key.endswith("running_mean") or key.endswith(".bias"):
        values = (u - 0.5) * 0.2
    elif key.endswith("running_var") or len(shape) == 1:  # rank 1 and no bias: the scale of a batch norm
        values = 0.5 + u
    else:
        values = (u - 0.5) * 2.0 * math.sqrt(WEIGHT_GAIN / math.prod(shape[1:]))
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def input_tensor(key, shape):
    """An image batch, already normalised: uniform in [-2, 2)."""
    values = (uniform(key, math.prod(shape)) - 0.5) * 4.0
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


# ---- models ------------------------------------------------------------------------------------------------------


def formula_state(model):
    """A state dict for `model` by the formula; counters are zero."""
    return OrderedDict(
        (key, torch.zeros((), dtype=torch.int64) if key.endswith("num_batches_tracked") else formula_tensor(key, tuple(t.shape)))
        for key, t in model.state_dict().items()
    )


def tapped(name, model):
    """[(tap's name, module whose output is the tap)] in the order of the forward pass."""
    if name == "mobilenet_v2":
        return [(f"features.{i}", model.features[i]) for i in MOBILENET_TAPS]
    stem = ("stem", model.maxpool)  # recorded as the max pool's input: conv1, bn1, relu
    return [stem] + [(f"layer{i}", getattr(model, f"layer{i}")) for i in range(1, 5)]


def run(name, model, image):
    """(logits, taps) of one forward pass, in the type of `image`."""
    taps, handles = {}, []
    for tap, module in tapped(name, model):
        # inplace activations later in the graph must not overwrite what was recorded
        if tap == "stem":
            hook = lambda _m, given, _out, tap=tap: taps.__setitem__(tap, given[0].detach().clone())
        else:
            hook = lambda _m, _given, out, tap=tap: taps.__setitem__(tap, out.detach().clone())
        handles.append(module.register_forward_hook(hook))
    with torch.no_grad():
        logits = model(image)[0]
    for handle in handles:
        handle.remove()
    return logits, taps


def describe(name, model, image):
    logits, taps = run(name, model, image)
    return {
        "first_logits": [float(v) for v in logits[:FIRST_LOGITS]],
        "sum": float(logits.double().sum()),
        "l2": float(logits.double().norm()),
        "taps": {
            tap: {"shape": list(t.shape), "mean": float(t.double().mean()), "l2": float(t.double().norm())}
            for tap, t in taps.items()
        },
    }, logits


def sample(tensor):
    """The first values of a formula tensor, to check an implementation of the formula without a model."""
    return {"shape": list(tensor.shape), "first": [float(v) for v in tensor.flatten()[:SAMPLED_VALUES]]}


def write_models(output):
    (output / "keys").mkdir(exist_ok=True)
    results, samples = OrderedDict(), OrderedDict()
    for name in MODELS:
        model = getattr(torchvision.models, name)(weights=None).eval()
        state = formula_state(model)
        model.load_state_dict(state, strict=True)
        keys = [[key, list(t.shape)] for key, t in state.items()]
        (output / "keys" / f"{name}.json").write_text(json.dumps(keys, separators=(",", ":")) + "\n")
        if name == "resnet18":
            samples.update((key, sample(state[key])) for key in SAMPLED_KEYS)
        results[name] = OrderedDict()
        for key, shape in INPUTS:
            image = input_tensor(key, shape)
            narrow = run(name, model.float(), image)[0].double()
            entry, wide = describe(name, model.double(), image.double())
            entry["float32_max_abs_error"] = float((narrow - wide).abs().max())
            # how much of the answer is about the picture: the same model on another picture
            other = run(name, model, input_tensor("another " + key, shape).double())[0]
            share = float((wide - other).norm() / wide.norm())
            results[name][key] = entry
            magnitudes = wide.abs()
            print(
                f"{name:13} {key:6} |logit| {magnitudes.min():.2e}..{magnitudes.max():.2e} median {magnitudes.median():.2e}"
                f"  l2 {entry['l2']:.4g}  f32 error {entry['float32_max_abs_error']:.1e}  moved by the picture {share:.2f}",
                f"  taps' rms {[round(t['l2'] / math.sqrt(math.prod(t['shape'])), 2) for t in entry['taps'].values()]}",
                flush=True,
            )
    for key, shape in INPUTS:
        samples[key] = sample(input_tensor(key, shape))
    document = OrderedDict(
        made_with=f"torch {torch.__version__}, torchvision {torchvision.__version__}, float64 forward pass of float32 weights",
        formula_samples=samples,
        inputs={key: list(shape) for key, shape in INPUTS},
        models=results,
    )
    (output / "formula_logits.json").write_text(json.dumps(document, indent=1) + "\n")


# ---- weight files ------------------------------------------------------------------------------------------------


def tiny_state():
    """One tensor of every kind a reader must get right: types, ranks, strides, storages that are shared."""
    base = torch.arange(15, dtype=torch.float32).reshape(3, 5) * 0.5 - 2.0
    shared = torch.arange(10, dtype=torch.float32) * 0.25
    return OrderedDict(
        [
            ("conv.weight", formula_tensor("conv.weight", (4, 3, 3, 3))),
            ("bn.running_var", formula_tensor("bn.running_var", (4,))),
            ("bn.num_batches_tracked", torch.tensor(1234567890123, dtype=torch.int64)),
            ("fc.weight", formula_tensor("fc.weight", (2, 4)).half()),
            ("fc.bias", formula_tensor("fc.bias", (2,))),
            ("view.transposed", base.t()),  # [5, 3], strides (1, 5): not contiguous
            ("shared.whole", shared),  # [10]
            ("shared.part", shared[4:10].reshape(2, 3)),  # the same storage, offset 4
        ]
    )


def write_tiny(output):
    state = tiny_state()
    torch.save(state, output / "tiny_zip.pth")
    torch.save(state, output / "tiny_legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"state_dict": state, "epoch": 3}, output / "tiny_nested.pth")
    expected = OrderedDict(
        (key, {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape), "values": t.contiguous().flatten().tolist()})
        for key, t in state.items()
    )
    (output / "tiny_expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    for name in ["tiny_zip.pth", "tiny_legacy.pth"]:
        again = torch.load(output / name)
        assert list(again) == list(state) and all(torch.equal(again[key], state[key]) for key in state), name


# A dictionary {"fc.weight": os.system("touch /tmp/mvl_pwned")} as pickle protocol 2 would run it: an empty dict, the
# key, the global os.system, its argument tuple, REDUCE (call it), SETITEM, STOP.
HOSTILE_PICKLE = (
    b"\x80\x02}"
    + b"X" + struct.pack("<I", 9) + b"fc.weight"
    + b"cos\nsystem\n"
    + b"X" + struct.pack("<I", 20) + b"touch /tmp/mvl_pwned" + b"\x85"
    + b"Rs."
)


def write_hostile(output):
    """Files that run a command in a reader that obeys the pickle. A safe reader refuses them; the file must not appear."""
    with zipfile.ZipFile(output / "hostile.pth", "w", zipfile.ZIP_STORED) as archive:
        for name, data in [("hostile/data.pkl", HOSTILE_PICKLE), ("hostile/version", b"3\n")]:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    legacy_magic, legacy_protocol = 0x1950A86A20F9469CFC6C, 1001
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    head = b"".join(pickle.dumps(part, protocol=2) for part in [legacy_magic, legacy_protocol, machine])
    no_storages = pickle.dumps([], protocol=2)
    (output / "hostile_legacy.pth").write_bytes(head + HOSTILE_PICKLE + no_storages)


# ---- cross entropy -----------------------------------------------------------------------------------------------


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_model_goldens.py OUTPUT_FOLDER")
    output = Path(sys.argv[1])
    output.mkdir(parents=True, exist_ok=True)
    write_tiny(output)
    write_hostile(output)
    write_models(output)


if __name__ == "__main__":
    main()
