#!/usr/bin/env python3
"""Writes the class-balanced part of Fashion-MNIST that `mvl-data` carries with it.

Source: Xiao, Rasul and Vollgraf, 2017, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", https://arxiv.org/abs/1708.07747 (MIT licence, Zalando SE).

Takes the first 1,000 training and the first 200 test images of each of the ten classes, in file order, then mixes the
classes with a Fisher-Yates shuffle driven by SplitMix64. Nothing depends on the Python version except the deflate
stream itself, which belongs to zlib: the unpacked bytes are always the same.

    python3 scripts/make_fashion_mnist_part.py FULL_SET_FOLDER crates/mvl-data/assets/fashion_mnist

FULL_SET_FOLDER holds the four standard files (`dpkg -L dataset-fashion-mnist` says where Debian's package puts them).
Needs the standard library only; runs in about ten seconds.
"""

import gzip
import hashlib
import struct
import sys
from pathlib import Path

CLASSES = 10
SIDE_PX = 28
# (file name prefix, images kept of each class, seed of the shuffle)
SPLITS = [("train", 1000, 1), ("t10k", 200, 2)]

IMAGES_MAGIC = 0x0803  # unsigned bytes, three axes
LABELS_MAGIC = 0x0801  # unsigned bytes, one axis
MASK = (1 << 64) - 1


def read_images(path):
    """All images of an IDX file, each as SIDE_PX * SIDE_PX bytes."""
    data = gzip.decompress(path.read_bytes())
    magic, count, height, width = struct.unpack(">IIII", data[:16])
    size = SIDE_PX * SIDE_PX
    if magic != IMAGES_MAGIC or (height, width) != (SIDE_PX, SIDE_PX) or len(data) != 16 + count * size:
        sys.exit(f"not an IDX file of {SIDE_PX}x{SIDE_PX} images: {path}")
    return [data[16 + i * size : 16 + (i + 1) * size] for i in range(count)]


def read_labels(path):
    """All labels of an IDX file."""
    data = gzip.decompress(path.read_bytes())
    magic, count = struct.unpack(">II", data[:8])
    if magic != LABELS_MAGIC or len(data) != 8 + count or max(data[8:]) >= CLASSES:
        sys.exit(f"not an IDX file of labels below {CLASSES}: {path}")
    return data[8:]


def first_of_each_class(labels, per_class):
    """Positions of the first `per_class` items of every class, class after class."""
    kept = [[] for _ in range(CLASSES)]
    for position, label in enumerate(labels):
        if len(kept[label]) < per_class:
            kept[label].append(position)
    for label, positions in enumerate(kept):
        if len(positions) < per_class:
            sys.exit(f"class {label} has only {len(positions)} items, expected {per_class}")
    return [position for positions in kept for position in positions]


def splitmix64(state):
    """The SplitMix64 stream (Steele, Lea and Flood, 2014)."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def shuffle(items, seed):
    """Fisher-Yates, from the last place down. The modulo's bias is below 2^-50 at these lengths."""
    numbers = splitmix64(seed)
    for last in range(len(items) - 1, 0, -1):
        other = next(numbers) % (last + 1)
        items[last], items[other] = items[other], items[last]


def write_gzip(path, data):
    """One gzip member without a time or a name in its header, so that the same bytes come out tomorrow."""
    with open(path, "wb") as raw, gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=raw, mtime=0) as out:
        out.write(data)
    print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}")


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: make_fashion_mnist_part.py FULL_SET_FOLDER OUTPUT_FOLDER")
    source, output = Path(sys.argv[1]), Path(sys.argv[2])
    output.mkdir(parents=True, exist_ok=True)
    for prefix, per_class, seed in SPLITS:
        images = read_images(source / f"{prefix}-images-idx3-ubyte.gz")
        labels = read_labels(source / f"{prefix}-labels-idx1-ubyte.gz")
        if len(images) != len(labels):
            sys.exit(f"{prefix}: {len(images)} images but {len(labels)} labels")
        order = first_of_each_class(labels, per_class)
        shuffle(order, seed)
        images_header = struct.pack(">IIII", IMAGES_MAGIC, len(order), SIDE_PX, SIDE_PX)
        labels_header = struct.pack(">II", LABELS_MAGIC, len(order))
        write_gzip(output / f"{prefix}-images-idx3-ubyte.gz", images_header + b"".join(images[i] for i in order))
        write_gzip(output / f"{prefix}-labels-idx1-ubyte.gz", labels_header + bytes(labels[i] for i in order))


if __name__ == "__main__":
    main()
