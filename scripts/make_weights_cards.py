#!/usr/bin/env python3
"""Writes the tables of published weights, crates/mvl-models/assets/cards/{torchvision,timm}.tsv, from the figures that
torchvision and timm carry with their models: addresses, scores, sizes, preprocessing, licences. Nothing is downloaded.

    python scripts/make_weights_cards.py --names NAMES

NAMES holds the zoo's model names, one a line (`mvl models list --json | jq -r '.[].name'`); weights are taken that belong to one
of them, torchvision's before timm's. Needs torch, torchvision and timm.
"""

import argparse
import math
import pathlib
import re

import timm
import torchvision
from torchvision.models import get_model_weights, list_models

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "crates/mvl-models/assets/cards"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)

# The paper of a family, by how its names begin; the first that fits counts.
PAPERS = [
    ("alexnet", "1404.5997"),
    ("vgg", "1409.1556"),
    ("googlenet", "1409.4842"),
    ("inception_v3", "1512.00567"),
    ("resnet", "1512.03385"),
    ("resnext", "1611.05431"),
    ("seresne", "1709.01507"),
    ("wide_resnet", "1605.07146"),
    ("regnet", "2003.13678"),
    ("densenet", "1608.06993"),
    ("squeezenet", "1602.07360"),
    ("mobilenet_v2", "1801.04381"),
    ("mobilenet_v3", "1905.02244"),
    ("mobilenetv3", "1905.02244"),
    ("tf_mobilenetv3", "1905.02244"),
    ("mobilenetv4", "2404.10518"),
    ("mnasnet", "1807.11626"),
    ("shufflenet", "1807.11164"),
    ("efficientnet_v2", "2104.00298"),
    ("tf_efficientnetv2", "2104.00298"),
    ("efficientnetv2", "2104.00298"),
    ("tf_efficientnet", "1905.11946"),
    ("efficientnet", "1905.11946"),
    ("convnextv2", "2301.00808"),
    ("convnext", "2201.03545"),
    ("swin_v2", "2111.09883"),
    ("swin", "2103.14030"),
    ("maxvit", "2204.01697"),
    ("deit3", "2204.07118"),
    ("deit", "2012.12877"),
    ("repvgg", "2101.03697"),
    ("vit", "2010.11929"),
    (r".*reg4_dinov2", "2309.16588"),
    (r".*dinov2", "2304.07193"),
]
SWAG = "2201.08371"
SWAG_SOURCE = "SWAG <https://github.com/facebookresearch/SWAG>, trained on hashtags and on ImageNet-1k"

# SHA-256 of files that were checked in full, and another name under which the same weights are found.
CHECKED = {
    "mobilenet_v2-b0353104.pth": (
        "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
        "mobilenet_v2.safetensors",
    )
}

# torchvision's models that shift the channels of their input themselves when they are given these weights; here the shift is
# part of the preprocessing.
TRANSFORM_INPUT = {"googlenet", "inception_v3"}

# Widths of what CLIP compares.
CLIP_WIDTHS = (512, 640, 768, 1024, 1280)

LICENCES = {"apache-2.0": "Apache-2.0", "mit": "MIT", "cc-by-nc-4.0": "CC-BY-NC-4.0"}


def paper(model, rows=PAPERS):
    for pattern, number in sorted(rows, key=lambda row: not row[0].startswith(".*")):
        if re.match(pattern, model):
            return f"https://arxiv.org/abs/{number}"
    return None


def normalisation(mean, std):
    if tuple(mean) == IMAGENET_MEAN and tuple(std) == IMAGENET_STD:
        return {}
    return {"mean": " ".join(map(str, mean)), "std": " ".join(map(str, std))}


def torchvision_rows(names):
    rows = {}
    for model in filter(names.__contains__, list_models(module=torchvision.models)):
        for weights in get_model_weights(model):
            tag = weights.name.lower()
            metrics = weights.meta["_metrics"].get("ImageNet-1K", {})
            if not math.isfinite(metrics.get("acc@1", math.nan)):
                continue  # features without a classifier
            transforms = weights.transforms()
            mean, std = transforms.mean, transforms.std
            if model in TRANSFORM_INPUT:
                mean, std = HALF, HALF
            file = weights.url.rsplit("/", 1)[1]
            sha256, other = CHECKED.get(file, (None, None))
            swag = "swag" in tag
            rows[f"{model}.{tag}"] = {
                "file": file,
                "other_file": other,
                "url": weights.url,
                "sha256": sha256,
                "size_mib": weights.meta["_file_size"],
                "parameters": weights.meta["num_params"],
                "top_1": metrics["acc@1"],
                "top_5": metrics["acc@5"],
                "licence": "CC-BY-NC-4.0" if swag else None,
                "source": SWAG_SOURCE if swag else None,
                "paper": f"https://arxiv.org/abs/{SWAG}" if swag else paper(model),
                "recipe": weights.meta.get("recipe"),
                "short_side": transforms.resize_size[0],
                "crop": transforms.crop_size[0],
                "filter": transforms.interpolation.value,
                **normalisation(mean, std),
            }
    return rows


def timm_rows(names):
    rows = {}
    taken = set(list_models(module=torchvision.models))
    for full in timm.list_models(pretrained=True):
        model, _, tag = full.partition(".")
        cfg = timm.get_pretrained_cfg(full).to_dict()
        wanted = model in names and model not in taken
        if not wanted or cfg.get("hf_hub_filename") or not str(cfg.get("hf_hub_id", "")).startswith("timm/"):
            continue
        if cfg.get("license") not in LICENCES:
            continue
        side = cfg.get("test_input_size") or cfg["input_size"]
        crop = side[1]
        share = (cfg.get("test_crop_pct") or cfg["crop_pct"]) if cfg.get("test_input_size") else cfg["crop_pct"]
        resized = math.floor(crop / share)
        resize = "both_sides" if cfg.get("crop_mode", "center") == "squash" else "short_side"
        # CLIP's towers were trained to agree with texts, not to tell classes apart.
        classes = 0 if "clip" in model and cfg["num_classes"] in CLIP_WIDTHS else cfg["num_classes"]
        papers = re.findall(r"\d{4}\.\d{5}", str(cfg.get("paper_ids", "")))
        rows[full] = {
            "file": f"{full}.safetensors",
            "url": f"hf://{cfg['hf_hub_id']}/model.safetensors",
            "licence": LICENCES[cfg["license"]],
            "paper": f"https://arxiv.org/abs/{papers[0]}" if papers else paper(model),
            "num_classes": classes,
            resize: resized,
            "crop": crop,
            "filter": cfg["interpolation"],
            **normalisation(cfg["mean"], cfg["std"]),
        }
    return rows


def write(name, columns, rows):
    lines = ["\t".join(["id", *columns])]
    for key in sorted(rows):
        unknown = set(rows[key]) - set(columns)
        assert not unknown, unknown
        cells = (rows[key].get(column) for column in columns)
        lines.append("\t".join([key, *("" if cell is None else str(cell) for cell in cells)]))
    (FOLDER / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{name}: {len(rows)} cards")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--names", type=pathlib.Path, required=True, help="the zoo's model names, one a line")
    names = set(parser.parse_args().names.read_text().split())
    scores = ["size_mib", "parameters", "top_1", "top_5"]
    pixels = ["short_side", "both_sides", "crop", "filter", "mean", "std"]
    columns = ["file", "other_file", "url", "sha256", *scores, "licence", "source", "paper", "recipe", *pixels]
    write("torchvision", columns, torchvision_rows(names))
    write("timm", ["file", "url", "licence", "paper", "num_classes", *pixels], timm_rows(names))


if __name__ == "__main__":
    main()
