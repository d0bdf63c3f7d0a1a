"""Writes crates/mvl-data/tests/fixtures/header: CMYK JPEGs and turned pictures, with what Pillow makes of them.

Run with Pillow and numpy: python scripts/make_header_goldens.py [made with Pillow 13.0.0, numpy 2]
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

OUT = Path(__file__).parent.parent / "crates/mvl-data/tests/fixtures/header"
ORIENTATION = 0x0112


def inks(width, height):
    """Smooth inks, so that JPEG keeps them well; black rises to the lower right."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [255 * x / width, 255 * y / height, 127 + 100 * np.sin(x / 9), 200 * (x + y) / (width + height)]
    return np.stack(planes, axis=-1).astype(np.uint8)


def save_cmyk(name, edit):
    path = OUT / f"{name}.jpg"
    Image.fromarray(inks(52, 38), "CMYK").save(path, quality=95, subsampling=0)
    data = bytearray(path.read_bytes())
    edit(data)
    path.write_bytes(data)
    with Image.open(path) as image:
        assert image.mode == "CMYK"
        image.convert("RGB").save(OUT / f"{name}.png")


def as_ycck(data):
    """The stored values are then taken for Y, Cb, Cr and black: other colours, but a valid file."""
    data[data.find(b"Adobe") + 11] = 2


def without_marker(data):
    start = data.find(b"Adobe") - 4
    del data[start : start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")]


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    save_cmyk("cmyk", lambda data: None)
    save_cmyk("ycck", as_ycck)
    save_cmyk("cmyk_without_marker", without_marker)
    picture = Image.fromarray(np.arange(7 * 4 * 3, dtype=np.uint8).reshape(4, 7, 3) * 3)
    for code in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = code
        path = OUT / f"turned_{code}.png"
        picture.save(path, exif=exif)
        with Image.open(path) as turned:
            upright = ImageOps.exif_transpose(turned)
            upright.info.clear()
            upright.save(OUT / f"upright_{code}.png")
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    picture.save(OUT / "turned_6.jpg", exif=exif, quality=95)
    picture.save(OUT / "turned_6.webp", exif=exif, lossless=True)


main()
