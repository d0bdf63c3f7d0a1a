#!/usr/bin/env python3
"""Writes what pycocotools makes of polygons, for the mask tests of `mvl-core`.

    pip install pycocotools numpy
    python3 scripts/make_rle_goldens.py crates/mvl-core/tests/fixtures/rle.json

Cases by hand (corners outside, on pixel middles, repeated, on one line, crossing themselves, several outlines) and random
ones from a fixed seed. Each comes with COCO's compressed and uncompressed run lengths, the area and the box.
Runs in a second.
"""

import json
import sys
from pathlib import Path

import numpy as np
from pycocotools import mask

SEED = 20
RANDOM_CASES = 90

# (name, width, height, outlines)
BY_HAND = [
    ("square", 8, 6, [[1, 1, 5, 1, 5, 4, 1, 4]]),
    ("whole image", 7, 5, [[0, 0, 7, 0, 7, 5, 0, 5]]),
    ("larger than the image", 7, 5, [[-3, -4, 12, -4, 12, 9, -3, 9]]),
    ("outside to the left", 7, 5, [[-9, 1, -2, 1, -2, 4]]),
    ("outside to the right", 7, 5, [[9, 1, 12, 1, 12, 4]]),
    ("above", 7, 5, [[1, -9, 5, -9, 3, -2]]),
    ("below", 7, 5, [[1, 9, 5, 9, 3, 12]]),
    ("pixel middles", 9, 9, [[1.5, 1.5, 6.5, 1.5, 6.5, 6.5, 1.5, 6.5]]),
    ("fifths", 9, 9, [[1.1, 1.3, 6.7, 2.1, 5.9, 7.7, 0.3, 6.9]]),
    ("counter-clockwise", 9, 9, [[1, 1, 1, 7, 7, 7, 7, 1]]),
    ("closed twice", 9, 9, [[1, 1, 7, 1, 7, 7, 1, 7, 1, 1, 1, 1]]),
    ("a point", 5, 5, [[2, 2, 2, 2, 2, 2]]),
    ("a line", 9, 9, [[0, 0, 8, 8, 4, 4]]),
    ("a pixel", 5, 5, [[2, 2, 3, 2, 3, 3, 2, 3]]),
    ("thinner than a pixel", 9, 9, [[2.1, 0, 2.3, 0, 2.3, 9, 2.1, 9]]),
    ("bow tie", 12, 10, [[1, 1, 10, 8, 10, 1, 1, 8]]),
    ("star", 40, 40, [[20, 1, 31, 38, 2, 14, 38, 14, 9, 38]]),
    ("there and back", 20, 12, [[2, 2, 17, 2, 17, 9, 2, 9, 2, 2, 17, 2, 17, 9, 2, 9]]),
    ("two apart", 20, 12, [[1, 1, 6, 1, 6, 6, 1, 6], [10, 3, 18, 3, 14, 11]]),
    ("two that overlap", 20, 12, [[1, 1, 12, 1, 12, 9, 1, 9], [6, 3, 18, 3, 18, 11, 6, 11]]),
    ("the same twice", 20, 12, [[1, 1, 12, 1, 12, 9], [1, 1, 12, 1, 12, 9]]),
    ("one pixel wide", 1, 9, [[0, 1.6, 1, 1.6, 1, 7, 0, 7]]),
    ("one pixel high", 9, 1, [[1.6, 0, 7, 0, 7, 1, 1.6, 1]]),
]


def random_case(rng, index):
    width, height = (int(side) for side in rng.integers(1, 40, 2))
    outlines = []
    for _ in range(int(rng.integers(1, 4))):
        corners = int(rng.integers(3, 9))
        points = rng.uniform(-0.4, 1.4, (corners, 2)) * [width, height]
        kind = index % 3  # anywhere, on whole pixels, on halves
        points = [points, np.round(points), np.round(points * 2) / 2][kind]
        outlines.append([round(float(value), 3) for value in points.ravel()])
    return (f"random {index}", width, height, outlines)


def golden(name, width, height, outlines):
    outlines = [[float(value) for value in outline] for outline in outlines]
    encoded = mask.merge(mask.frPyObjects(outlines, height, width))
    flat = mask.decode(encoded).ravel(order="F")
    borders = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], borders, [flat.size]])).tolist()
    return {
        "name": name,
        "width": width,
        "height": height,
        "polygons": [[outline[i : i + 2] for i in range(0, len(outline), 2)] for outline in outlines],
        "counts": encoded["counts"].decode(),
        "uncompressed": [0] * int(flat[0]) + runs,
        "area": int(mask.area(encoded)),
        "bbox": mask.toBbox(encoded).tolist(),
    }


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_rle_goldens.py OUTPUT_FILE")
    rng = np.random.default_rng(SEED)
    cases = BY_HAND + [random_case(rng, index) for index in range(RANDOM_CASES)]
    output = Path(sys.argv[1])
    output.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(golden(*case), separators=(",", ":")) for case in cases)
    output.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
