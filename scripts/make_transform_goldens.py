#!/usr/bin/env python3
"""Writes what torchvision v2 makes of a small picture with boxes, keypoints and a class map: the geometric tests compare with it.

A fixed crop of the photo `chelsea.png` (CC0, from scikit-image), as a uint8 tensor. Coordinates are computed in 64-bit floats:
the very functions of torchvision, with PyTorch's default type set to float64 where they would round a ratio to float32.
Lanczos exists for PIL images alone, so all four resizes are of PIL images; masks are resized as tensors.

    pip install torch torchvision==0.24.1 pillow
    python3 scripts/make_transform_goldens.py PHOTO_FOLDER crates/mvl-data/tests/fixtures/geometry

Each case is a picture: the result, and its class map below in grey. `cases.json` has the rest, and `photos.json` digests of what comes
of whole photos.
"""

import hashlib
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

CROP = (150, 85, 202, 124)  # left, top, right, bottom in the photo: 52x39
WIDTH, HEIGHT = CROP[2] - CROP[0], CROP[3] - CROP[1]
IGNORE = 255  # what is outside, in a class map
BOXES = [[3.25, 4.5, 20.75, 18.0], [10.0, 9.0, 51.0, 38.0], [40.5, 0.0, 50.0, 10.125], [0.0, 25.0, 8.0, 37.5]]
KEYPOINTS = [[5.5, 6.25], [30.0, 20.0], [50.75, 37.5], [0.0, 0.0]]
PHOTOS = ["astronaut.png", "chelsea.png", "coffee.png"]  # every decoder gives the same pixels of a PNG
MODES = {"nearest": F.InterpolationMode.NEAREST, "bilinear": F.InterpolationMode.BILINEAR}
FILTERS = {"nearest": "NEAREST", "bilinear": "BILINEAR", "bicubic": "BICUBIC", "lanczos": "LANCZOS"}


def class_map():
    """Classes 0 to 5 in shapes with straight and round edges."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    classes = np.zeros((HEIGHT, WIDTH), np.uint8)
    for number, (x1, y1, x2, y2) in enumerate(BOXES, start=1):
        classes[(x >= x1) & (x < x2) & (y >= y1) & (y < y2)] = number
    classes[(x - 30) ** 2 + (y - 20) ** 2 < 64] = 5
    return classes


def displacement(height, width):
    """A field that the test makes anew, exactly."""
    y, x = np.mgrid[0:height, 0:width]
    across = (7 * x + 13 * y) % 65 - 32
    down = (11 * x + 5 * y) % 65 - 32
    return (np.stack([across, down], -1) / 256).astype(np.float32)


def operations():
    """Name, and what to do as the test reads it."""
    for name in FILTERS:
        for width, height in [(24, 30), (71, 39)]:
            yield f"resize_{name}_{width}x{height}", {"resize": {"size": [height, width], "filter": name}}
    yield "crop_inside", {"crop": {"start": [5, 7], "size": [20, 31]}}
    yield "crop_beyond", {"crop": {"start": [-4, 30], "size": [30, 33]}}
    for corner in range(5):
        yield f"five_crop_{corner}", {"five_crop": {"size": [22, 31], "index": corner}}
    yield "center_crop_smaller", {"center_crop": {"size": [22, 31]}}
    yield "center_crop_larger", {"center_crop": {"size": [41, 57]}}
    yield "resized_crop", {"resized_crop": {"start": [3, 6], "part": [21, 33], "size": [32, 32]}}
    for mode in ["constant", "edge", "reflect", "symmetric"]:
        yield f"pad_{mode}", {"pad": {"padding": [3, 1, 6, 4], "mode": mode, "fill": 90}}
    yield "horizontal_flip", {"flip": {"horizontal": True}}
    yield "vertical_flip", {"flip": {"horizontal": False}}
    for angle, expand, center, mode, fill in [
        (30.0, False, None, "nearest", 0),
        (30.0, False, None, "bilinear", 0),
        (-37.5, False, None, "bilinear", 120),
        (63.0, True, None, "nearest", 120),
        (63.0, True, None, "bilinear", 0),
        (90.0, False, None, "nearest", 0),
        (90.0, True, None, "nearest", 0),
        (180.0, False, None, "nearest", 0),
        (270.0, True, None, "bilinear", 0),
        (12.0, False, [10.0, 30.0], "bilinear", 40),
    ]:
        name = f"rotate_{angle:g}{'_expand' if expand else ''}{'_center' if center else ''}_{mode}"
        how = {"angle": angle, "expand": expand, "center": center, "interpolation": mode, "fill": fill}
        yield name, {"rotate": how}
    for name, angle, translate, scale, shear, center, mode, fill in [
        ("turned", 25.0, [4, -3], 0.8, [0.0, 0.0], None, "nearest", 0),
        ("leaning", -10.0, [0, 0], 1.0, [12.0, -8.0], None, "bilinear", 0),
        ("all", 40.0, [-5, 6], 1.3, [10.0, 5.0], [20.0, 10.0], "bilinear", 200),
        ("all", 40.0, [-5, 6], 1.3, [10.0, 5.0], [20.0, 10.0], "nearest", 200),
    ]:
        how = {"angle": angle, "translate": translate, "scale": scale, "shear": shear, "center": center}
        yield f"affine_{name}_{mode}", {"affine": {**how, "interpolation": mode, "fill": fill}}
    for name, end, mode, fill in [
        ("slight", [[3, 2], [49, 5], [47, 36], [1, 33]], "nearest", 0),
        ("slight", [[3, 2], [49, 5], [47, 36], [1, 33]], "bilinear", 0),
        ("strong", [[12, 9], [40, 2], [45, 30], [5, 38]], "bilinear", 77),
    ]:
        yield f"perspective_{name}_{mode}", {"perspective": {"end": end, "interpolation": mode, "fill": fill}}
    for mode, fill in [("nearest", 0), ("bilinear", 0), ("bilinear", 50)]:
        yield f"elastic_{mode}_{fill}", {"elastic": {"interpolation": mode, "fill": fill}}


def photo_operations(height, width):
    """For whole photos, whatever their size."""
    for name in FILTERS:
        yield {"resize": {"size": [224, 301], "filter": name}}
    yield {"resized_crop": {"start": [31, 50], "part": [200, 217], "size": [224, 224]}}
    yield {"flip": {"horizontal": True}}
    yield {"pad": {"padding": [31, 17, 50, 64], "mode": "reflect", "fill": 0}}
    for mode, fill in [("nearest", 0), ("bilinear", 114)]:
        how = {"interpolation": mode, "fill": fill}
        yield {"rotate": {"angle": 33.0, "expand": True, "center": None, **how}}
        yield {"rotate": {"angle": 90.0, "expand": False, "center": None, **how}}
        numbers = {"angle": -25.0, "translate": [20, -31], "scale": 1.2, "shear": [9.0, -4.0], "center": None}
        yield {"affine": {**numbers, **how}}
        end = [[20, 31], [width - 60, 5], [width - 3, height - 41], [40, height - 9]]
        yield {"perspective": {"end": end, **how}}
        yield {"elastic": how}


def run(how, picture, classes, boxes, points):
    """torchvision's functions for image, class map, boxes and keypoints."""
    (name, numbers), = how.items()
    n = dict(numbers)
    height, width = picture.shape[-2:]
    fill = n.pop("fill", None)
    mode = MODES.get(n.pop("interpolation", None)) if name != "pad" else None
    all_of = [(picture, fill, mode), (classes, IGNORE, MODES["nearest"]), (boxes, None, mode), (points, None, mode)]
    if name == "resize":
        resample = getattr(F.InterpolationMode, FILTERS[n["filter"]])
        image = F.pil_to_tensor(F.resize(F.to_pil_image(picture), n["size"], resample))
        return [image] + [F.resize(each, n["size"]) for each in (classes, boxes, points)]
    if name == "crop":
        return [F.crop(each, *n["start"], *n["size"]) for each, *_ in all_of]
    if name == "five_crop":
        left, right = [0, width - n["size"][1]]
        top, bottom = [0, height - n["size"][0]]
        image = F.five_crop(picture, n["size"])[n["index"]]
        if n["index"] == 4:
            return [image] + [F.center_crop(each, n["size"]) for each in (classes, boxes, points)]
        start = [(top, left), (top, right), (bottom, left), (bottom, right)][n["index"]]
        return [image] + [F.crop(each, *start, *n["size"]) for each in (classes, boxes, points)]
    if name == "center_crop":
        return [F.center_crop(each, n["size"]) for each, *_ in all_of]
    if name == "resized_crop":
        resample = F.InterpolationMode.BILINEAR
        part = F.crop(picture, *n["start"], *n["part"])
        image = F.pil_to_tensor(F.resize(F.to_pil_image(part), n["size"], resample))
        return [image] + [F.resized_crop(each, *n["start"], *n["part"], n["size"]) for each in (classes, boxes, points)]
    if name == "pad":
        # Boxes and keypoints are refused in the other modes.
        planes = [F.pad(each, n["padding"], fill, n["mode"]) for each, fill, _ in all_of[:2]]
        return planes + [F.pad(each, n["padding"]) for each in (boxes, points)]
    if name == "flip":
        return [(F.horizontal_flip if n["horizontal"] else F.vertical_flip)(each) for each, *_ in all_of]
    if name == "rotate":
        run_one = F.rotate
    if name == "affine":
        run_one = F.affine
    if name == "perspective":
        run_one = F.perspective
        right, bottom = width - 1, height - 1
        start = [[0, 0], [right, 0], [right, bottom], [0, bottom]]
        n = {"startpoints": start, "endpoints": n["end"]}
    if name == "elastic":
        run_one = F.elastic
        n = {"displacement": torch.from_numpy(displacement(height, width)).unsqueeze(0)}
    return [run_one(each, **n, interpolation=mode, fill=fill) for each, fill, mode in all_of]


def whole_photo(path):
    """What comes of a photo, and of a class map made of its red levels, as SHA-256."""
    photo = np.array(Image.open(path).convert("RGB"))
    size = photo.shape[:2]
    picture = tv_tensors.Image(torch.from_numpy(photo).permute(2, 0, 1))
    classes = tv_tensors.Mask(torch.from_numpy(photo[None, :, :, 0] // 16))
    boxes = tv_tensors.BoundingBoxes(torch.zeros(0, 4), format="XYXY", canvas_size=size)
    points = tv_tensors.KeyPoints(torch.zeros(0, 2), canvas_size=size)
    for how in photo_operations(*size):
        image, labels, *_ = run(how, picture, classes, boxes, points)
        digests = [hashlib.sha256(each.permute(1, 2, 0).contiguous().numpy().tobytes()).hexdigest()
                   for each in (image.as_subclass(torch.Tensor), labels.as_subclass(torch.Tensor))]
        yield {"how": how, "image": digests[0], "classes": digests[1]}


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: make_transform_goldens.py PHOTO_FOLDER OUTPUT_FOLDER")
    photos, output = Path(sys.argv[1]), Path(sys.argv[2])
    output.mkdir(parents=True, exist_ok=True)

    photo = np.array(Image.open(photos / "chelsea.png").convert("RGB").crop(CROP))
    picture = tv_tensors.Image(torch.from_numpy(photo).permute(2, 0, 1))
    classes = tv_tensors.Mask(torch.from_numpy(class_map())[None])
    size = (HEIGHT, WIDTH)
    boxes = tv_tensors.BoundingBoxes(torch.tensor(BOXES, dtype=torch.float64), format="XYXY", canvas_size=size)
    points = tv_tensors.KeyPoints(torch.tensor(KEYPOINTS, dtype=torch.float64), canvas_size=size)

    def write(name, image, labels):
        labels = labels.reshape(1, *labels.shape[-2:]).expand(3, -1, -1)
        both = torch.cat([torch.as_tensor(image), torch.as_tensor(labels)], 1).permute(1, 2, 0).contiguous()
        Image.fromarray(both.numpy()).save(output / f"{name}.png", optimize=True)

    write("source", picture, classes)
    cases = []
    for name, how in operations():
        wide = "resize" in how or "resized_crop" in how  # where ratios would be rounded to float32
        torch.set_default_dtype(torch.float64 if wide else torch.float32)
        image, labels, moved, keypoints = run(how, picture, classes, boxes, points)
        torch.set_default_dtype(torch.float32)
        write(name, image, labels)
        assert tuple(image.shape[-2:]) == tuple(labels.shape[-2:]), name
        cases.append({"name": name, "how": how, "boxes": moved.tolist(), "keypoints": keypoints.tolist()})

    beyond = tv_tensors.BoundingBoxes(
        torch.tensor([[-3.0, 5.0, 10.0, 50.0], [60.0, 0.0, 70.0, 9.0], [3.0, 3.0, 3.5, 30.0], [1.0, 1.0, 2.0, 2.0],
                      [9.0, 9.0, 8.0, 20.0], *BOXES], dtype=torch.float64), format="XYXY", canvas_size=size)
    clamped = F.clamp_bounding_boxes(beyond)
    document = {
        "torchvision": torchvision.__version__,
        "boxes": BOXES,
        "keypoints": KEYPOINTS,
        "cases": cases,
        "beyond": beyond.tolist(),
        "clamped": clamped.tolist(),
        "kept": F.sanitize_bounding_boxes(beyond)[1].tolist(),
        "kept_clamped": F.sanitize_bounding_boxes(clamped, min_size=2.0, min_area=30.0)[1].tolist(),
    }
    assert all(math.isfinite(part) for case in cases for box in case["boxes"] for part in box)
    (output / "cases.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
    whole = {name: list(whole_photo(photos / name)) for name in PHOTOS}
    (output / "photos.json").write_text(json.dumps(whole, separators=(",", ":")) + "\n")
    total = sum(path.stat().st_size for path in output.iterdir())
    print(f"torchvision {torchvision.__version__}: {len(cases)} cases, {total} bytes")


if __name__ == "__main__":
    main()
