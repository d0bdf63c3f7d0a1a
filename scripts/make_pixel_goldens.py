#!/usr/bin/env python3
"""Writes what torchvision's tensor kernels make of two small pictures: `mvl-data`'s tests of pixel operations compare with it.

Parts of the photos `astronaut.png` (public domain) and `coffee.png` (CC0, both from scikit-image), made small, and every
deterministic pixel operation at several strengths; each operation of the automatic augmentations at given magnitudes; the
tables of their policies and magnitudes, by value.

    pip install torch==2.9.1 torchvision==0.24.1 pillow numpy
    python3 scripts/make_pixel_goldens.py PHOTO_FOLDER crates/mvl-data/tests/fixtures/pixel
"""

import json
import sys
from pathlib import Path

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

# photo, left, top, right, bottom, size, whether its levels are brought to 40 to 193
SOURCES = {
    "astronaut": ("astronaut.png", (150, 0, 342, 144), (44, 33), False),
    "coffee": ("coffee.png", (100, 60, 430, 310), (31, 23), True),
}

# operation, argument of the kernel, values
OPERATIONS = {
    "brightness": (lambda image, factor: F.adjust_brightness(image, factor), [0.0, 0.3, 0.875, 1.1, 1.7]),
    "contrast": (lambda image, factor: F.adjust_contrast(image, factor), [0.0, 0.4, 0.9, 1.3, 1.9]),
    "saturation": (lambda image, factor: F.adjust_saturation(image, factor), [0.0, 0.4, 0.9, 1.3, 1.9]),
    "hue": (lambda image, factor: F.adjust_hue(image, factor), [-0.5, -0.2, 0.0, 0.05, 0.37]),
    "sharpness": (lambda image, factor: F.adjust_sharpness(image, factor), [0.0, 0.4, 1.3, 1.9]),
    "posterize": (lambda image, bits: F.posterize(image, int(bits)), [0, 1, 4, 7, 8]),
    "solarize": (lambda image, threshold: F.solarize(image, threshold), [0.0, 99.5, 128.0, 255.0]),
    "autocontrast": (lambda image, _: F.autocontrast(image), [0]),
    "equalize": (lambda image, _: F.equalize(image), [0]),
    "invert": (lambda image, _: F.invert(image), [0]),
    "grayscale": (lambda image, channels: F.rgb_to_grayscale(image, int(channels)), [1]),
    "blur3": (lambda image, sigma: F.gaussian_blur(image, [3, 3], [sigma, sigma]), [0.1, 0.8, 2.0]),
    "blur9": (lambda image, sigma: F.gaussian_blur(image, [9, 9], [sigma, sigma]), [0.5, 1.7]),
    "permute": (lambda image, _: F.permute_channels(image, [2, 0, 1]), [0]),
}

# operations of the automatic augmentations that are not among those above, and magnitudes
AUGMENT_OPERATIONS = {
    "ShearX": [0.3, -0.17],
    "ShearY": [0.3, -0.17],
    "TranslateX": [9.7, -4.3],
    "TranslateY": [9.7, -4.3],
    "Rotate": [30.0, -13.0],
    "Brightness": [0.4, -0.4],
    "Color": [0.4, -0.4],
    "Contrast": [0.4, -0.4],
    "Sharpness": [0.4, -0.4],
    "Posterize": [5.0],
    "Solarize": [0.6],
    "AutoContrast": [0.0],
    "Equalize": [0.0],
    "Invert": [0.0],
}
# interpolation, fill
AUGMENT_MODES = {
    "nearest": (v2.InterpolationMode.NEAREST, None),
    "bilinear": (v2.InterpolationMode.BILINEAR, [128.0, 30.0, 200.0]),
}
GEOMETRIC = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")


def tensor(image):
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).contiguous()


def save(image, path):
    array = image.permute(1, 2, 0).numpy()
    Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array).save(path, optimize=True)


def magnitudes(space, bins, height, width):
    rows = {}
    for name, (function, signed) in space.items():
        values = function(bins, height, width)
        rows[name] = {"signed": signed, "magnitudes": None if values is None else [float(v) for v in values]}
    return rows


def tables():
    policies = {
        policy.value: [[list(step) for step in pair] for pair in v2.AutoAugment(policy)._policies]
        for policy in v2.AutoAugmentPolicy
    }
    height, width = 33, 44
    spaces = {
        "auto_augment": magnitudes(v2.AutoAugment._AUGMENTATION_SPACE, 10, height, width),
        "rand_augment": magnitudes(v2.RandAugment._AUGMENTATION_SPACE, 31, height, width),
        "trivial_augment_wide": magnitudes(v2.TrivialAugmentWide._AUGMENTATION_SPACE, 31, height, width),
        "aug_mix": magnitudes(v2.AugMix._AUGMENTATION_SPACE, 10, height, width),
    }
    return {"policies": policies, "height": height, "width": width, "spaces": spaces}


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: make_pixel_goldens.py PHOTO_FOLDER OUTPUT_FOLDER")
    photos, output = Path(sys.argv[1]), Path(sys.argv[2])
    output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)

    # All results of one operation lie below each other in one file: far fewer and smaller files.
    operations = []
    for name, (file, area, size, dim) in SOURCES.items():
        source = Image.open(photos / file).convert("RGB").crop(area).resize(size, Image.Resampling.LANCZOS)
        source = source.point(lambda level: 40 + level * 3 // 5) if dim else source
        source.save(output / f"{name}.png", optimize=True)
        image = tensor(source)
        for operation, (kernel, arguments) in OPERATIONS.items():
            results = torch.cat([kernel(image, argument) for argument in arguments], dim=1)
            save(results, output / f"{name}_{operation}.png")
        if name != "astronaut":
            continue
        for mode, (interpolation, fill) in AUGMENT_MODES.items():
            augment = v2.RandAugment(interpolation=interpolation, fill=fill)
            names = [key for key in AUGMENT_OPERATIONS if mode == "nearest" or key in GEOMETRIC]
            for key in names:
                results = [
                    augment._apply_image_or_video_transform(image, key, magnitude, interpolation, augment._fill)
                    for magnitude in AUGMENT_OPERATIONS[key]
                ]
                save(torch.cat(results, dim=1), output / f"augment_{mode}_{key}.png")
    operations = {operation: arguments for operation, (_, arguments) in OPERATIONS.items()}
    lists = {"operations": operations, "augment_operations": AUGMENT_OPERATIONS, "geometric": GEOMETRIC, **tables()}
    (output / "tables.json").write_text(json.dumps(lists, separators=(",", ":")) + "\n")

    total = sum(path.stat().st_size for path in output.iterdir())
    versions = f"torch {torch.__version__}, torchvision {torchvision.__version__}, Pillow {PIL.__version__}"
    print(f"{versions}: {len(list(output.iterdir()))} files, {total} bytes")


if __name__ == "__main__":
    main()
