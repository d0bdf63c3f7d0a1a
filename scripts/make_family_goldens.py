#!/usr/bin/env python3
"""Writes the answers of one cheap model of every family of the zoo, from torchvision and timm themselves.

    python3 scripts/make_family_goldens.py --mvl target/release/mvl crates/mvl-models/tests/fixtures/family_logits.json

Made with torch 2.9, torchvision 0.24 and timm 1.0.22 on the CPU, in about a minute. Parameters and pictures follow the formula of
`scripts/make_model_goldens.py` with the exceptions of `family_tensor` (in words in `fixtures/NOTES.md`), so only answers are
stored; float64 throughout. `mvl models show` names the taps, and these are found in the reference as `scripts/compare_zoo.py` does.

Channels are those published. Fewer classes, fewer blocks of CLIP and narrower hidden layers of AlexNet's and VGG's classifiers
make the nets cheap. Prints how much of each answer is about the picture, and how far off PyTorch's own float32 is.
"""

import argparse
import hashlib
import json
import math
import subprocess
from pathlib import Path

import timm
import torch
import torchvision
from torch import nn

from compare_zoo import run
from make_model_goldens import formula_tensor, input_tensor, uniform

CLASSES = 16
HIDDEN = 64
CLIP_DEPTH = 3
# Computed by the models themselves, not drawn.
TABLES = ("relative_position_index", "relative_coords_table")
POSITIONS = ("pos_embed", "token", "position_bias_table")
SMALL = [(2, 64, 64), (1, 90, 75)]  # the second leaves remainders at every stride
PATCHES_16 = [(2, 64, 96), (1, 224, 224)]


def family_tensor(key, shape, gain):
    """The formula, but for what stands for places, which by its fan-in would be next to nothing, and for convolutions."""
    u = uniform(key, math.prod(shape))
    if any(part in key for part in POSITIONS):
        values = (u - 0.5) * 2.0
    elif len(shape) == 4:
        values = (u - 0.5) * 2.0 * math.sqrt(3.0 * gain / math.prod(shape[1:]))
    else:
        return formula_tensor(key, shape)
    return torch.from_numpy(values).float().reshape(shape)


# ---- models ------------------------------------------------------------------------------------------------------


def of_torchvision(name, _side, **options):
    return torchvision.models.get_model(name, weights=None, num_classes=CLASSES, **options)


def of_timm(name, _side, **options):
    return timm.create_model(name, pretrained=False, num_classes=CLASSES, **options)


def with_narrow_classifier(name, side):
    """AlexNet or VGG whose classifier's hidden layers have HIDDEN channels."""
    model = of_torchvision(name, side)
    linears = [i for i, layer in enumerate(model.classifier) if isinstance(layer, nn.Linear)]
    widths = [model.classifier[linears[0]].in_features, HIDDEN, HIDDEN, CLASSES]
    for place, given, taken in zip(linears, widths, widths[1:]):
        model.classifier[place] = nn.Linear(given, taken)
    return model


def inception(name, side):
    return of_torchvision(name, side, aux_logits=False, init_weights=False)


def maxvit(name, side):
    return of_torchvision(name, side, input_size=(side, side))


def transformer(name, side, **options):
    return of_timm(name, side, dynamic_img_size=True, **options)


def clip(name, side):
    return transformer(name, side, depth=CLIP_DEPTH)


# (name, how the reference is built, gain of convolutions, pictures' [N, H, W], options of the backbone, options of the head)
MODELS = [
    ("alexnet", with_narrow_classifier, 2.0, [(2, 64, 64), (1, 96, 127)], {}, {"hidden": [HIDDEN, HIDDEN]}),
    ("convnext_tiny", of_torchvision, 0.1, SMALL, {}, {}),
    ("convnextv2_atto", of_timm, 0.01, SMALL, {}, {}),
    ("deit_tiny_distilled_patch16_224", transformer, 1.0, [(2, 64, 96), (1, 128, 128)], {}, {}),
    ("densenet121", of_torchvision, 2.0, SMALL, {}, {}),
    ("efficientnet_b0", of_torchvision, 2.0, SMALL, {}, {}),
    ("efficientnet_v2_s", of_torchvision, 1.0, SMALL, {}, {}),
    ("googlenet", inception, 2.0, SMALL, {}, {}),
    ("inception_v3", inception, 2.0, [(2, 96, 96), (1, 107, 91)], {}, {}),
    ("maxvit_t", maxvit, 1.0, [(1, 224, 224), (1, 448, 448)], {}, {}),
    ("mnasnet0_5", of_torchvision, 1.3, SMALL, {}, {}),
    ("mobilenet_v2", of_torchvision, 1.5, SMALL, {}, {}),
    ("mobilenet_v3_small", of_torchvision, 1.8, SMALL, {}, {}),
    ("mobilenetv4_conv_small_050", of_timm, 1.0, SMALL, {}, {}),
    ("regnet_y_400mf", of_torchvision, 1.0, SMALL, {}, {}),
    ("repvgg_a0", of_timm, 0.3, SMALL, {}, {}),
    ("resnet18", of_torchvision, 1.0, SMALL, {}, {}),
    ("resnet18d", of_timm, 1.0, SMALL, {}, {}),
    ("resnext50_32x4d", of_torchvision, 1.0, SMALL, {}, {}),
    ("seresnet18", of_timm, 1.0, SMALL, {}, {}),
    ("shufflenet_v2_x0_5", of_torchvision, 1.3, SMALL, {}, {}),
    ("squeezenet1_1", of_torchvision, 2.0, SMALL, {}, {}),
    ("swin_t", of_torchvision, 0.01, SMALL, {}, {}),
    ("swin_v2_t", of_torchvision, 1.0, SMALL, {}, {}),
    ("tf_efficientnet_lite0", of_timm, 2.0, SMALL, {}, {}),
    ("vgg11_bn", with_narrow_classifier, 2.0, [(2, 32, 32), (1, 70, 45)], {}, {"hidden": [HIDDEN, HIDDEN]}),
    ("vit_base_patch32_clip_quickgelu_224", clip, 1.0, [(2, 224, 224), (1, 96, 128)], {"depth": CLIP_DEPTH}, {}),
    ("vit_small_patch14_reg4_dinov2", transformer, 1.0, [(2, 70, 56), (1, 98, 98)], {}, {}),
    ("vit_tiny_patch16_224", transformer, 1.0, PATCHES_16, {}, {}),
    ("wide_resnet50_2", of_torchvision, 1.0, SMALL, {}, {}),
]


def fill(model, gain):
    """Draws what is drawn; gives the digest of the keys and shapes, sorted, a line each."""
    lines = []
    for key, value in model.state_dict().items():
        if key.endswith("num_batches_tracked"):
            continue
        lines.append(f"{key} {list(value.shape)}\n")
        if not key.endswith(TABLES):
            value.copy_(family_tensor(key, tuple(value.shape), gain))
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


# ---- answers -----------------------------------------------------------------------------------------------------


def short(number):
    return float(f"{number:.9g}")


def norm(tensor):
    return short(tensor.norm())


def describe(model, sheet, images):
    """(what is stored of an answer, the logits)."""
    outputs = run(model, sheet, 0, images)
    logits = outputs["0.logits"]
    taps = {tap["name"]: outputs[f"0.tap.{tap['name']}"] for tap in sheet["taps"]}
    return {
        "shape": list(images.shape),
        "first_logits": [short(value) for value in logits[0, :CLASSES]],
        "sum": short(logits.sum()),
        "l2": norm(logits),
        "taps": {name: {"shape": list(tap.shape), "mean": short(tap.mean()), "l2": norm(tap)} for name, tap in taps.items()},
    }, logits


def rms(tensor):
    return float(tensor.square().mean().sqrt())


def entry(mvl, name, build, gain, pictures, options, head_options):
    """(what is stored of a model, its family)."""
    sheet = json.loads(subprocess.run([mvl, "models", "show", name, "--json"], check=True, capture_output=True).stdout)
    if "depth" in options:
        sheet["taps"] = [tap for i, tap in enumerate(sheet["taps"]) if i < options["depth"] or tap["name"] == "norm"]
    answers = {}
    for key, (count, height, width) in zip(["input", "input2"], pictures):
        model = build(name, height).eval()
        digest = fill(model, gain)
        shape = (count, 3, height, width)
        narrow = run(model, sheet, 0, input_tensor(key, shape))["0.logits"].double()
        model.double()
        answers[key], logits = describe(model, sheet, input_tensor(key, shape).double())
        other = run(model, sheet, 0, input_tensor("another " + key, shape).double())["0.logits"]
        taps = [tap["l2"] / math.sqrt(math.prod(tap["shape"])) for tap in answers[key]["taps"].values()]
        print(
            f"{name:36} {key:6} rms {rms(logits):.2e}  moved by the picture {rms(logits - other) / rms(logits):.3f}"
            f"  in float32 off by {float((narrow - logits).abs().max()) / rms(logits):.1e}"
            f"  taps' rms {' '.join(f'{tap:.2g}' for tap in taps)}",
            flush=True,
        )
    golden = {"name": name, "options": options, "head_options": head_options, "gain": gain, "keys_sha256": digest, "answers": answers}
    return golden, sheet["family"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mvl", default="target/release/mvl", help="the program")
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    families = {}
    for model in MODELS:
        golden, family = entry(options.mvl, *model)
        families[family] = golden
    rows = ",\n".join(f"{json.dumps(family)}: {json.dumps(families[family], separators=(',', ':'))}" for family in sorted(families))
    made_with = f"torch {torch.__version__}, torchvision {torchvision.__version__}, timm {timm.__version__}, float64"
    options.output.write_text(f'{{"made_with": {json.dumps(made_with)}, "num_classes": {CLASSES}, "families": {{\n{rows}\n}}}}\n')


if __name__ == "__main__":
    main()
