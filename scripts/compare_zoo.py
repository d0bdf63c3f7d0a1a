#!/usr/bin/env python3
"""Compares every model of the zoo with its reference implementation: torchvision's where it has the name, else timm's.

    python3 scripts/compare_zoo.py --mvl target/release/mvl [--table docs/models.md] [NAME …]

For each name (all of `mvl models list`, or those that match the patterns given): the reference is built with 1000 classes,
its parameters are drawn at random and its normalisations fitted to random pictures, so that every layer's output is of
ordinary size; its state dict, and its logits and taps on pictures of two sizes, are written as safetensors; `mvl models
compare` loads the state dict strictly, compares every number and writes the weights back; the reference loads those with
`strict=True`, and they must be the same to the bit.

Prints a line a model and exits with 1 when one is off by more than 1e-4 (of an output's root mean square, where that is above 1).
`--table` writes the measured differences into the table between the two marks of that file. Needs torch, torchvision and timm.
"""

import argparse
import collections
import fnmatch
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

TOLERANCE = 1e-4
# Nets with more normalisations than this get weaker ones: residual branches of full strength, a hundred and more of them with random
# weights, amplify rounding until the reference does not agree with itself in double precision.
DEEP = 100
CLASSES = 1000
MARKS = ("<!-- zoo: begin -->", "<!-- zoo: end -->")


def reference(name, side):
    """(the reference's model, where it is from)."""
    import timm
    import torchvision

    options = {"weights": None, "num_classes": CLASSES}
    if name in ("googlenet", "inception_v3"):
        options |= {"aux_logits": False, "init_weights": False}
    if name in torchvision.models.list_models() and not name.startswith("vit_"):
        build = lambda side: torchvision.models.get_model(name, **options | ({"input_size": side} if name == "maxvit_t" else {}))
        return build, "torchvision"
    options = {"pretrained": False, "num_classes": CLASSES}
    if name.startswith(("vit_", "deit_", "deit3_")):
        options["dynamic_img_size"] = True
    return (lambda side: timm.create_model(name, **options)), "timm"


def randomise(model, name):
    """Draws every parameter, fits the running statistics of normalisations to random pictures."""
    torch.manual_seed(sum(map(ord, name)))
    norms = sum(isinstance(m, torch.nn.modules.batchnorm._BatchNorm) for m in model.modules())
    strength = min(1.0, DEEP / max(norms, 1))
    with torch.no_grad():
        for key, value in model.named_parameters():
            if value.dim() >= 2 and "pos_embed" not in key and "token" not in key and "position_bias_table" not in key:
                torch.nn.init.normal_(value, std=(1.5 / max(1, value[0].numel())) ** 0.5)
            elif value.dim() == 1 and key.endswith(("weight", "gamma", "scale")):
                value.uniform_(0.1 * strength, 0.4 * strength)
            else:
                value.normal_(std=0.1)
            if "logit_scale" in key:
                value.copy_(torch.log(torch.full_like(value, 8.0)))


def fit_norms(model, images):
    """Sets running statistics so that maps keep an ordinary size. Their means are left in, but for a tenth: with the mean taken
    out, what is left of a deep random net's nearly constant maps is rounding noise, in which the reference does not agree with
    itself in double precision either (ResNet-152: 3e-3)."""

    def fit(norm, inputs):
        values = inputs[0].transpose(0, 1).flatten(1)
        mean = 0.1 * torch.randn(len(values)) * values.square().mean().sqrt()
        norm.running_mean.copy_(mean)
        least = 0.1 * values.square().mean()  # channels that are all but silent would be made loud, and noise with them
        norm.running_var.copy_((values - mean[:, None]).square().mean(1).clamp(min=least))

    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    handles = [norm.register_forward_pre_hook(fit) for norm in norms]
    with torch.no_grad():
        model.eval()(torch.randn(4, 3, *(max(160, side) for side in images.shape[2:])))
    for handle in handles:
        handle.remove()


def sizes(sheet):
    """Two sizes of pictures, [height, width]."""
    least, step, side = sheet["sides"]["min"], sheet["sides"]["multiple_of"], sheet["input_side"]
    if step > 1:
        snap = lambda pixels: max(least, round(pixels / step) * step)
        other = [snap(side * 0.5), snap(side * 0.75)] if least <= side / 2 else [2 * side, side]
        if sheet["family"] == "maxvit":  # torchvision's refuses pictures that are not square
            other = [2 * side, 2 * side]
        return [[side, side], other]
    least = max(64, -(-least // 32) * 32)
    return [[least, least], [least + 32, least]]


def as_tap(tap, size, output, family):
    """A module's output in the tap's layout."""
    if isinstance(output, (tuple, list)):
        output = output[0]
    rows, columns = size[0] // tap["stride"], size[1] // tap["stride"]
    if tap["layout"] == "map" and output.dim() == 3:  # tokens of patches, after others
        patches = output[:, output.shape[1] - rows * columns :]
        output = patches.transpose(1, 2).reshape(output.shape[0], -1, rows, columns)
    elif tap["layout"] == "map" and output.shape[1] != tap["channels"]:  # channels last
        output = output.permute(0, 3, 1, 2)
    elif tap["layout"] == "map" and family.startswith("swin") and output.shape[3] == tap["channels"] and output.shape[1] == rows:
        output = output.permute(0, 3, 1, 2)
    return output.detach().clone().contiguous()


def hooked(name, family, tap):
    """(module's name, whether its input is meant) of a tap."""
    if tap == "stem" and family in ("resnet", "resnext", "wide_resnet", "se_resnet", "resnetd"):
        return "maxpool", True
    return tap, False


def run(model, sheet, number, images):
    outputs, handles = {f"{number}.input": images}, []
    for tap in sheet["taps"]:
        module, given = hooked(sheet["name"], sheet["family"], tap["name"])
        key, size = f"{number}.tap.{tap['name']}", list(images.shape[2:])

        def hook(_module, inputs, output, key=key, tap=tap, size=size, given=given):
            outputs[key] = as_tap(tap, size, inputs[0] if given else output, sheet["family"])
            if tap["name"] == "features.norm5":  # DenseNet's last activation is no module
                outputs[key].relu_()

        handles.append(model.get_submodule(module).register_forward_hook(hook))
    with torch.no_grad():
        outputs[f"{number}.logits"] = model(images.clone())
    for handle in handles:
        handle.remove()
    return outputs


def compare(mvl, name, folder):
    sheet = json.loads(subprocess.run([mvl, "models", "show", name, "--json"], check=True, capture_output=True).stdout)
    weights, expected, exported = folder / "weights.safetensors", folder / "expected.safetensors", folder / "exported.safetensors"
    build, source = reference(name, sheet["input_side"])
    outputs, model = {}, None
    for number, size in enumerate(sizes(sheet)):
        fresh = build(tuple(size))
        images = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(number))
        if model is None:
            randomise(fresh, name)
            fit_norms(fresh, images)
        else:
            fresh.load_state_dict(model.state_dict())
        model = fresh.eval()
        outputs |= run(model, sheet, number, images)
    state = {key: value.contiguous() for key, value in model.state_dict().items() if not key.endswith("num_batches_tracked")}
    save_file({key: value.clone() for key, value in state.items()}, weights)
    save_file({key: value.contiguous() for key, value in outputs.items()}, expected)
    command = [mvl, "models", "compare", name, "--weights", weights, "--expected", expected, "--export", exported, "--json"]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode != 0:
        raise RuntimeError(answer.stderr.strip())
    rows = json.loads(answer.stdout)
    back = collections.OrderedDict(load_file(exported))
    back._metadata = {"": model.state_dict()._metadata[""]}  # MNASNet asks for its version
    model.load_state_dict(back, strict=True)
    changed = [key for key, value in state.items() if not torch.equal(back[key], value)]
    if changed:
        raise RuntimeError(f"written back, these differ: {changed[:5]}")
    off = lambda row: row["largest"] / max(1.0, row["rms"])
    logits, taps = (
        max((off(row) for row in rows if row["output"].endswith(".logits") == wanted), default=0.0) for wanted in (True, False)
    )
    worst = max(rows, key=off)
    return sheet, source, logits, taps, worst, sizes(sheet)


def write_table(path, rows):
    text = path.read_text()
    begin, end = (text.index(mark) for mark in MARKS)
    head = "| name | family | reference | parameters | pictures | logits off by | taps off by |\n|---|---|---|---|---|---|---|\n"
    kept = {}
    for line in text[begin:end].splitlines():
        if line.startswith("| `"):
            kept[line.split("`")[1]] = line
    kept.update(rows)
    body = "\n".join(kept[name] for name in sorted(kept))
    path.write_text(f"{text[:begin]}{MARKS[0]}\n{head}{body}\n{text[end:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mvl", default="target/release/mvl", help="the program")
    parser.add_argument("--table", type=Path, help="a Markdown file whose table is brought up to date")
    parser.add_argument("names", nargs="*", default=["*"], help="names or patterns, such as 'resnet*'")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    listed = json.loads(subprocess.run([options.mvl, "models", "list", "--json"], check=True, capture_output=True).stdout)
    rows, failed = {}, []
    for model in listed:
        name = model["name"]
        if not any(fnmatch.fnmatch(name, pattern) for pattern in options.names):
            continue
        if model["family"] == "resnet_cifar":
            print(f"{name:40} the paper's nets for 32 pixels: no reference implementation", flush=True)
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                sheet, source, logits, taps, worst, used = compare(options.mvl, name, Path(folder))
            except Exception as error:  # the others are compared all the same
                print(f"{name:40} FAILED {type(error).__name__}: {error}", flush=True)
                failed.append(name)
                continue
        good = max(logits, taps) <= TOLERANCE
        print(
            f"{name:40} {source:11} logits {logits:.1e}  taps {taps:.1e}  (worst {worst['output']}, rms {worst['rms']:.2g})"
            f"  {'ok' if good else 'OFF'}",
            flush=True,
        )
        if not good:
            failed.append(name)
        pictures = ", ".join(f"{height}×{width}" for height, width in used)
        rows[name] = f"| `{name}` | {sheet['family']} | {source} | {sheet['parameters']:,} | {pictures} | {logits:.1e} | {taps:.1e} |"
        if options.table:
            write_table(options.table, rows)
    print(f"{len(rows) - len([name for name in failed if name in rows])} names agree" + (f"; not: {', '.join(failed)}" if failed else ""))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
