#!/usr/bin/env python3
"""Writes what torchvision's evaluation preprocessing makes of six photos, for the whole-path test of `mvl-data`.

Short side to 256 with Pillow's bilinear filter (antialiased), centre crop 224, still unsigned bytes. Sizes round as in
torchvision's `transforms.functional`: the long side is `int(256 * long / short)`, and the crop starts at
`int(round((side - 224) / 2.0))`, where Python's `round` takes a half to the even neighbour (79.5 -> 80, 80.5 -> 80).

    pip install pillow numpy
    python3 scripts/make_preprocess_goldens.py PHOTO_FOLDER crates/mvl-data/tests/fixtures/preprocess.json

With torchvision installed, each crop is also compared with torchvision's own `Resize` and `CenterCrop`.
"""

import json
import sys
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

PHOTOS = ["chelsea.png", "coffee.png", "astronaut.png", "china.jpg", "flower.jpg", "rocket.jpg"]
SHORT_SIDE_PX = 256
CROP_SIDE_PX = 224
# x, y in the crop: corners, middle, and fifteen places between
POSITIONS = [(0, 0), (223, 0), (0, 223), (223, 223), (112, 112)] + [
    ((17 + 61 * i) % CROP_SIDE_PX, (29 + 97 * i) % CROP_SIDE_PX) for i in range(15)
]


def resized_size(width, height):
    short, long = min(width, height), max(width, height)
    other = int(SHORT_SIDE_PX * long / short)
    return (SHORT_SIDE_PX, other) if width <= height else (other, SHORT_SIDE_PX)


def crop_start(side):
    return int(round((side - CROP_SIDE_PX) / 2.0))


def preprocess(image):
    """(resized size, crop's left and top, crop)"""
    size = resized_size(*image.size)
    resized = image if size == image.size else image.resize(size, Image.Resampling.BILINEAR)
    left, top = crop_start(size[0]), crop_start(size[1])
    return size, (left, top), resized.crop((left, top, left + CROP_SIDE_PX, top + CROP_SIDE_PX))


def compare_with_torchvision(name, image, crop):
    try:
        from torchvision import transforms
    except ImportError:
        return
    theirs = transforms.Compose([transforms.Resize(SHORT_SIDE_PX), transforms.CenterCrop(CROP_SIDE_PX)])(image)
    if not np.array_equal(np.asarray(theirs), np.asarray(crop)):
        sys.exit(f"differs from torchvision: {name}")
    print(f"same as torchvision: {name}")


def channel_means(image):
    return np.asarray(image, dtype=np.float64).mean(axis=(0, 1)).tolist()


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: make_preprocess_goldens.py PHOTO_FOLDER OUTPUT_FILE")
    photos = {}
    for name in PHOTOS:
        image = Image.open(Path(sys.argv[1]) / name).convert("RGB")
        size, start, crop = preprocess(image)
        compare_with_torchvision(name, image, crop)
        photos[name] = {
            "decoded_size": list(image.size),
            "decoded_mean": channel_means(image),  # tells a decoder's difference from a resizer's
            "resized_size": list(size),
            "crop_left_top": list(start),
            "mean": channel_means(crop),
            "pixels": [list(crop.getpixel(position)) for position in POSITIONS],
        }
    document = {"made_with": f"Pillow {PIL.__version__}", "positions": POSITIONS, "photos": photos}
    lines = json.dumps(document, separators=(",", ":")).replace('},"', '},\n"').replace('"photos":{', '"photos":{\n')
    path = Path(sys.argv[2])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lines + "\n")


if __name__ == "__main__":
    main()
