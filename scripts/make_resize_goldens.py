#!/usr/bin/env python3
"""Writes the small pictures that the decoding and resizing tests of `mvl-data` compare with.

A fixed crop of the photo `chelsea.png` (CC0, from scikit-image) in several file formats, and what Pillow makes of it
with four filters at four sizes. Pillow's `resize` widens its filters when it shrinks (antialiasing), which is what
pretrained weights expect.

    pip install pillow
    python3 scripts/make_resize_goldens.py PHOTO_FOLDER crates/mvl-data/tests/fixtures/resize
"""

import io
import sys
from pathlib import Path

import PIL
from PIL import Image

CROP = (140, 80, 260, 170)  # left, top, right, bottom in the photo: 120x90
SMALL_CROP = (40, 20, 80, 50)  # in the crop above: 40x30
JPEG_QUALITY = 90
TRUNCATED_TO = 0.6  # share of the JPEG's bytes that are left
SIZES = [(64, 48), (37, 91), (200, 150), (160, 30)]  # width x height
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: make_resize_goldens.py PHOTO_FOLDER OUTPUT_FOLDER")
    photos, output = Path(sys.argv[1]), Path(sys.argv[2])
    output.mkdir(parents=True, exist_ok=True)

    source = Image.open(photos / "chelsea.png").convert("RGB").crop(CROP)
    small = source.crop(SMALL_CROP)
    source.save(output / "source.png", optimize=True)
    source.convert("L").save(output / "source_grey.png", optimize=True)
    source.save(output / "source.webp", lossless=True, method=6, quality=100)
    small.save(output / "source_small.png", optimize=True)
    small.save(output / "source.bmp")

    packed = io.BytesIO()
    source.save(packed, "JPEG", quality=JPEG_QUALITY)
    jpeg = packed.getvalue()
    (output / "source.jpg").write_bytes(jpeg)
    (output / "truncated.jpg").write_bytes(jpeg[: int(len(jpeg) * TRUNCATED_TO)])
    Image.open(io.BytesIO(jpeg)).convert("RGB").save(output / "source_jpg_decoded.png", optimize=True)

    for name, resample in FILTERS.items():
        for width, height in SIZES:
            resized = source.resize((width, height), resample)
            resized.save(output / f"{name}_{width}x{height}.png", optimize=True)

    total = sum(path.stat().st_size for path in output.iterdir())
    print(f"Pillow {PIL.__version__}: {len(list(output.iterdir()))} files, {total} bytes")


if __name__ == "__main__":
    main()
