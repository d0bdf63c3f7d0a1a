#!/usr/bin/env python3
"""How fast are the same training pictures ready, in our loader and in Python's?

JPEG files (500x375, quality 90, 4:2:0) -> random resized crop to 224 -> flip -> normalised float batches of 32 on the CPU, two
workers each. Beside it: how fast the bare decoders are, our shards of raw pixels, the time to the first batch, peak memory.

    python benches/pipelines.py                # builds our side twice (with and without libjpeg-turbo), takes minutes

Needs torch, torchvision, Pillow, OpenCV and simplejpeg; ffcv takes part where it is installed. Run it on an idle machine.

Method: the pictures are cut out of the photos in ../shared/assets/photos (PHOTOS names another folder) and written once, so that
they come from the page cache. Every contestant is a process of its own that stays; a round runs each of them once over all
pictures, one after the other, so that what disturbs the machine disturbs all; the first round warms up and does not count. The
table shows the median of the rounds with the slowest and the fastest. Python's workers stay from epoch to epoch. All sides
shuffle, and none keeps decoded pictures.

- torchvision: `transforms.v2` after Pillow, on tensors (`ToImage` first), `DataLoader`
- cv2, simplejpeg: decode, `cv2.resize` of the crop (linear, without antialiasing), bytes to the main process, normalised there as
  one batch, `DataLoader`
- ..., shared memory: the same by two processes that write into batches in shared memory, without a `DataLoader`
- ffcv: its own file of JPEGs, its own decoder with random resized crops, two threads
- bare: whole files in memory to RGB, buffers used again, two threads
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PICTURES = 384
ROUNDS = int(os.environ.get("ROUNDS", "5"))
WORKERS = 2
BATCH = 32
SIDE = 224
MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]
# Our crates may be built quicker than they run in a checkout where they are being worked on.
OPTIMISED = [f"profile.release.package.{name}.opt-level=3" for name in ("mvl", "mvl-core", "mvl-data", "mvl-benches")]


def write_pictures(folder, count, size, seed=0):
    """Crops of the photos, in two class folders."""
    from PIL import Image

    photos = Path(os.environ.get("PHOTOS", ROOT / "../shared/assets/photos"))
    sources = [Image.open(path).convert("RGB") for path in sorted(photos.glob("*.*")) if path.suffix in (".jpg", ".png")]
    rng = random.Random(seed)
    for number in range(count):
        source = sources[number % len(sources)]
        aspect = size[0] / size[1]
        width = min(source.width, source.height * aspect) * rng.uniform(0.6, 1.0)
        height = width / aspect
        left, top = rng.uniform(0, source.width - width), rng.uniform(0, source.height - height)
        picture = source.resize(size, Image.Resampling.LANCZOS, (left, top, left + width, top + height))
        place = folder / ("even" if number % 2 == 0 else "odd")
        place.mkdir(parents=True, exist_ok=True)
        picture.save(place / f"{number:04}.jpg", quality=90)


def files_of(folder):
    return sorted(Path(folder).glob("*/*.jpg"))


# Python's pipelines: each is a function from a folder to a function that runs one epoch and returns how many images it saw.


def count_images(loader):
    def run():
        return sum(len(batch[0] if isinstance(batch, (tuple, list)) else batch) for batch in loader)

    return run


def torchvision_pipeline(folder, on_tensors):
    import torch
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import v2

    image = [v2.ToImage()]
    crop = [v2.RandomResizedCrop(SIDE, antialias=True), v2.RandomHorizontalFlip()]
    floats = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    steps = image + crop + floats if on_tensors else crop + image + floats
    dataset = ImageFolder(folder, v2.Compose(steps))
    return count_images(data_loader(dataset))


def data_loader(dataset, **options):
    import torch

    torch.set_num_threads(WORKERS)
    return torch.utils.data.DataLoader(
        dataset, batch_size=BATCH, shuffle=True, num_workers=WORKERS, persistent_workers=True, **options
    )


def draw_box(height, width):
    """torchvision's RandomResizedCrop, drawn with Python's own random numbers, which are quicker."""
    from math import exp, log, sqrt

    area = height * width
    low, high = log(3 / 4), log(4 / 3)
    for _ in range(10):
        target = area * random.uniform(0.08, 1.0)
        aspect = exp(random.uniform(low, high))
        w, h = round(sqrt(target * aspect)), round(sqrt(target / aspect))
        if 0 < w <= width and 0 < h <= height:
            return random.randint(0, height - h), random.randint(0, width - w), h, w
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side, side


def decoder_of(name):
    import cv2

    cv2.setNumThreads(1)
    if name == "cv2":
        import numpy as np

        return lambda path: cv2.cvtColor(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    import simplejpeg

    def decode(path):
        with open(path, "rb") as file:
            return simplejpeg.decode_jpeg(file.read(), colorspace="RGB")

    return decode


def prepare(decode, path, out=None):
    """A picture as bytes `[H, W, C]`."""
    import cv2

    picture = decode(path)
    top, left, height, width = draw_box(*picture.shape[:2])
    part = picture[top : top + height, left : left + width]
    small = cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    if random.random() < 0.5:
        return cv2.flip(small, 1, dst=out)
    if out is None:
        return small
    out[:] = small
    return out


def normaliser():
    """Bytes `[N, H, W, C]` to floats `[N, C, H, W]`, in place where it can be."""
    import torch

    mean = torch.tensor(MEAN).view(1, 3, 1, 1) * 255
    factor = 1 / (torch.tensor(STD).view(1, 3, 1, 1) * 255)

    def normalise(levels):
        floats = levels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
        return floats.sub_(mean).mul_(factor)

    return normalise


class Pictures:
    def __init__(self, folder, name):
        self.paths, self.name, self.decode = [str(path) for path in files_of(folder)], name, None

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        if self.decode is None:
            self.decode = decoder_of(self.name)
        return prepare(self.decode, self.paths[index])


def stack(pictures):
    import numpy as np
    import torch

    return torch.from_numpy(np.stack(pictures))


def loader_pipeline(folder, name):
    loader = data_loader(Pictures(folder, name), collate_fn=stack)
    normalise = normaliser()
    return lambda: sum(len(normalise(batch)) for batch in loader)


def shared_memory_worker(name, paths, slots, tasks, done):
    decode = decoder_of(name)
    levels = slots.numpy()
    for slot, indices in iter(tasks.get, None):
        for place, index in enumerate(indices):
            prepare(decode, paths[index], levels[slot, place])
        done.put((slot, len(indices)))


def shared_memory_pipeline(folder, name):
    import torch
    import torch.multiprocessing as mp

    torch.set_num_threads(WORKERS)
    paths = [str(path) for path in files_of(folder)]
    count = 2 * WORKERS + 1
    slots = torch.zeros((count, BATCH, SIDE, SIDE, 3), dtype=torch.uint8).share_memory_()
    context = mp.get_context("fork")
    tasks, done = context.SimpleQueue(), context.SimpleQueue()
    for _ in range(WORKERS):
        context.Process(target=shared_memory_worker, args=(name, paths, slots, tasks, done), daemon=True).start()
    normalise = normaliser()

    def run():
        order = random.sample(range(len(paths)), len(paths))
        batches = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
        waiting = iter(batches)
        for slot, batch in zip(range(count), waiting):
            tasks.put((slot, batch))
        images = 0
        for _ in batches:
            slot, length = done.get()
            images += len(normalise(slots[slot, :length]))
            following = next(waiting, None)
            if following is not None:
                tasks.put((slot, following))
        return images

    return run


def ffcv_pipeline(folder):
    import numpy as np
    import torch
    from ffcv.fields import IntField, RGBImageField
    from ffcv.fields.decoders import RandomResizedCropRGBImageDecoder
    from ffcv.loader import Loader, OrderOption
    from ffcv.transforms import NormalizeImage, RandomHorizontalFlip, ToTensor, ToTorchImage
    from ffcv.writer import DatasetWriter
    from PIL import Image

    class Samples:
        paths = files_of(folder)

        def __len__(self):
            return len(self.paths)

        def __getitem__(self, index):
            return Image.open(self.paths[index]), 0

    path = str(Path(folder) / "pictures.beton")
    fields = {"image": RGBImageField(write_mode="jpg", jpeg_quality=90), "label": IntField()}
    DatasetWriter(path, fields, num_workers=WORKERS).from_indexed_dataset(Samples())
    mean, std = np.array(MEAN) * 255, np.array(STD) * 255
    steps = [
        RandomResizedCropRGBImageDecoder((SIDE, SIDE)),
        RandomHorizontalFlip(),
        NormalizeImage(mean, std, np.float32),
        ToTensor(),
        ToTorchImage(),
    ]
    torch.set_num_threads(WORKERS)
    loader = Loader(
        path,
        batch_size=BATCH,
        num_workers=WORKERS,
        order=OrderOption.RANDOM,
        pipelines={"image": steps, "label": None},
    )
    return count_images(loader)


PYTHON = {
    "torchvision, Pillow": lambda folder: torchvision_pipeline(folder, on_tensors=False),
    "torchvision, tensors": lambda folder: torchvision_pipeline(folder, on_tensors=True),
    "cv2, DataLoader": lambda folder: loader_pipeline(folder, "cv2"),
    "simplejpeg, DataLoader": lambda folder: loader_pipeline(folder, "simplejpeg"),
    "cv2, shared memory": lambda folder: shared_memory_pipeline(folder, "cv2"),
    "simplejpeg, shared memory": lambda folder: shared_memory_pipeline(folder, "simplejpeg"),
    "ffcv": ffcv_pipeline,
}


def serve(name, folder):
    """One Python contestant: a line in, a rate out."""
    run = PYTHON[name](folder)
    for _ in sys.stdin:
        begun = time.perf_counter()
        images = run()
        print("rate", images / (time.perf_counter() - begun), flush=True)


class Contestant:
    """A process that answers each line with a number."""

    def __init__(self, command, request="go"):
        self.request = request
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def run(self, request=None):
        print(request or self.request, file=self.process.stdin, flush=True)
        for line in self.process.stdout:
            words = line.split()
            try:
                return float(words[-1])
            except (ValueError, IndexError):
                continue
        raise RuntimeError(f"{self.process.args} ended")


def build(features):
    command = [os.environ.get("CARGO", "cargo"), "bench", "--no-run", "--workspace", "--bench", "pipelines", "--message-format", "json"]
    command += [word for option in OPTIMISED for word in ("--config", option)]
    if features:
        command += ["--features", features]
    result = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    for line in result.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "pipelines":
            # The next build may put another in its place.
            copy = Path(tempfile.mkdtemp()) / "pipelines"
            copy.write_bytes(Path(message["executable"]).read_bytes())
            copy.chmod(0o755)
            return str(copy)
    raise RuntimeError("cargo built no bench")


def main():
    ours = {"zune-jpeg": build(None), "libjpeg-turbo": build("mvl-benches/turbojpeg")}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write_pictures(folder / "small", PICTURES, (500, 375))
        small = str(folder / "small")
        servers = {decoder: Contestant([binary, small]) for decoder, binary in ours.items()}
        contestants = {}
        for decoder, server in servers.items():
            contestants[f"bare {decoder}"] = lambda server=server: server.run("bare")
            contestants[f"mvl, {decoder}"] = lambda server=server: server.run("loader")
        contestants["mvl, raw shards"] = lambda: servers["zune-jpeg"].run("raw")
        for name in PYTHON:
            try:
                contestant = Contestant([sys.executable, __file__, "--serve", name, small])
                contestant.run()
                contestants[name] = contestant.run
            except Exception as error:  # whatever keeps one of them from running must not stop the others
                print(f"left out: {name}: {error}")
        rates = {name: [] for name in contestants}
        for number in range(ROUNDS + 1):
            for name, run in contestants.items():
                rate = run()
                if number > 0:
                    rates[name].append(rate)
        report(rates)
        for decoder, server in servers.items():
            times = [server.run("first") for _ in range(ROUNDS)]
            print(f"first batch of a later epoch, {decoder}: {statistics.median(times):.1f} ms (slowest {max(times):.1f})")
        write_pictures(folder / "large", 96, (4000, 3000))
        for decoder, binary in ours.items():
            peak = subprocess.run([binary, "--memory", str(folder / "large")], check=True, stdout=subprocess.PIPE, text=True)
            print(f"peak memory, 96 pictures of 4000x3000, budget 512 MiB, {decoder}: {peak.stdout.strip()} MiB")


def report(rates):
    median = {name: statistics.median(values) for name, values in rates.items()}
    torchvision = max(rate for name, rate in median.items() if name.startswith("torchvision"))
    python = max(rate for name, rate in median.items() if name in PYTHON)
    print(f"{PICTURES} JPEGs of 500x375, {WORKERS} workers, batches of {BATCH}, median of {ROUNDS} rounds")
    print(f"{'':28} {'images/s':>9} {'slowest..fastest':>18} {'/ torchvision':>14} {'/ best Python':>14}")
    for name, rate in median.items():
        spread = f"{min(rates[name]):.0f}..{max(rates[name]):.0f}"
        print(f"{name:28} {rate:9.0f} {spread:>18} {rate / torchvision:14.2f} {rate / python:14.2f}")
    for decoder in ("zune-jpeg", "libjpeg-turbo"):
        share = median[f"mvl, {decoder}"] / median[f"bare {decoder}"]
        print(f"mvl / bare {decoder}: {share:.2f}")
    print(f"raw shards / JPEG: {median['mvl, raw shards'] / median['mvl, zune-jpeg']:.2f} (zune-jpeg), "
          f"{median['mvl, raw shards'] / median['mvl, libjpeg-turbo']:.2f} (libjpeg-turbo)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    else:
        main()
