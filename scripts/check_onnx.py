#!/usr/bin/env python3
"""Compares exported models in onnxruntime with our own answers.

    python3 scripts/check_onnx.py folders FOLDER             every folder in it: model.onnx, N.images.npy, N.answer.npy
    python3 scripts/check_onnx.py zoo --mvl target/release/mvl [--table docs/export.md] [NAME …]

`zoo` exports every name of `mvl models list` (or those that match the patterns given) with random weights, one at a time, and
compares batches of 1, 2 and 5 pictures in the one file. A difference is the largest of |onnxruntime − ours|, divided by the root mean
square of our answers where that is above 1; above 1e-4 it fails. An answer that hardly depends on the picture would hide mistakes, so
pictures must differ in their answers by at least 100 times the difference allowed.

Prints a line a model; the last line counts. `--table` writes what was measured between the two marks of that file. Needs onnxruntime
and NumPy; with `onnx` too, its checker looks at every file first.
"""

import argparse
import fnmatch
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
import onnxruntime

TOLERANCE = 1e-4
# What pictures must differ by, so that an answer that ignores them is found out.
LEAST_SPREAD = 100 * TOLERANCE
BATCHES = (1, 2, 5)
MARKS = ("<!-- onnx: begin -->", "<!-- onnx: end -->")


def check_file(path):
    """onnx's own checker, with the inference of shapes, where it is installed."""
    try:
        import onnx
    except ImportError:
        return
    onnx.checker.check_model(str(path), full_check=True)


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 2
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def compare(folder):
    """(the largest difference, its batch, the spread between pictures, batches compared)."""
    check_file(folder / "model.onnx")
    engine = session(folder / "model.onnx")
    [entry] = engine.get_inputs()
    worst, at, answers, compared = 0.0, None, [], 0
    for images in sorted(folder.glob("*.images.npy")):
        batch = int(images.name.split(".")[0])
        expected = numpy.load(folder / f"{batch}.answer.npy")
        [got] = engine.run(None, {entry.name: numpy.load(images)})
        if got.shape != expected.shape:
            raise RuntimeError(f"batch of {batch}: expected shape {expected.shape}, got {got.shape}")
        if not (numpy.isfinite(got).all() and numpy.isfinite(expected).all()):
            raise RuntimeError(f"batch of {batch}: answers that are not finite")
        scale = max(1.0, float(numpy.sqrt(numpy.mean(expected.astype(numpy.float64) ** 2))))
        difference = float(numpy.abs(got - expected).max()) / scale
        if difference >= worst:
            worst, at = difference, batch
        answers.append(expected.reshape(batch, -1) / scale)
        compared += 1
    if compared == 0:
        raise RuntimeError("no pictures to compare with")
    spread = float(numpy.ptp(numpy.concatenate(answers), axis=0).max())
    return worst, at, spread, compared


def verdict(worst, spread):
    if worst > TOLERANCE:
        return "OFF"
    return "ok" if spread >= LEAST_SPREAD else "BLIND"


def check_folders(root):
    agree, failed = 0, []
    for model in sorted(root.glob("*/model.onnx")):
        name = model.parent.name
        try:
            worst, at, spread, compared = compare(model.parent)
        except Exception as error:  # the others are compared all the same
            print(f"{name:40} FAILED {type(error).__name__}: {error}", flush=True)
            failed.append(name)
            continue
        word = verdict(worst, spread)
        print(f"{name:40} off by {worst:.1e} (batch of {at}), pictures differ by {spread:.1e}  {word}", flush=True)
        if word == "ok":
            agree += compared
        else:
            failed.append(name)
    print(f"{agree} batches agree" + (f"; not: {', '.join(failed)}" if failed else ""))
    return 1 if failed or agree == 0 else 0


def write_table(path, rows):
    text = path.read_text()
    begin, end = (text.index(mark) for mark in MARKS)
    kept = {}
    for line in text[begin:end].splitlines():
        if line.startswith("| `"):
            kept[line.split("`")[1]] = line
    kept.update(rows)
    head = "| name | family | picture | nodes | MB | off by |\n|---|---|---|---|---|---|\n"
    body = "\n".join(kept[name] for name in sorted(kept))
    path.write_text(f"{text[:begin]}{MARKS[0]}\n{head}{body}\n{text[end:]}")


def check_name(mvl, name, sheet, folder):
    """Exports one name, and compares it."""
    size = picture(sheet)
    command = [mvl, "export", name, "--untrained", "--to", "onnx", "-o", folder / "model.onnx", "--trial", folder]
    command += ["--size", "x".join(map(str, size)), "--json"]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode != 0:
        raise RuntimeError(answer.stderr.strip())
    summary = json.loads(answer.stdout)
    if summary["output"]["shape"][0] != "batch":
        raise RuntimeError(f"the number of pictures is not free: {summary['output']}")
    return size, summary, compare(folder)


def picture(sheet):
    """A small picture that is not square; nets with tables of positions get them at another size than they were made for."""
    sides, native = sheet["sides"], sheet["input_side"]
    allowed = lambda side: side >= sides["min"] and side % sides["multiple_of"] == 0
    first = lambda start: next(side for side in range(start, 10 * native + start) if allowed(side))
    if sheet["family"] in ("vit", "deit", "clip", "dinov2"):
        return first(native // 2), first(native * 2 // 3)
    if sheet["family"] == "maxvit":
        return native, native
    return first(65), first(97)


def check_zoo(options):
    listed = json.loads(subprocess.run([options.mvl, "models", "list", "--json"], check=True, capture_output=True).stdout)
    rows, failed, compared = {}, [], 0
    for model in listed:
        name = model["name"]
        if not any(fnmatch.fnmatch(name, pattern) for pattern in options.names or ["*"]):
            continue
        started = time.monotonic()
        sheet = json.loads(subprocess.run([options.mvl, "models", "show", name, "--json"], check=True, capture_output=True).stdout)
        with tempfile.TemporaryDirectory() as folder:
            try:
                size, summary, (worst, at, spread, _) = check_name(options.mvl, name, sheet, Path(folder))
            except Exception as error:  # the others are compared all the same
                print(f"{name:40} FAILED {type(error).__name__}: {error}", flush=True)
                failed.append(name)
                continue
        word = verdict(worst, spread)
        compared += 1
        print(
            f"{name:40} {size[0]}×{size[1]}  {summary['nodes']:4} nodes  off by {worst:.1e} (batch of {at}), "
            f"pictures differ by {spread:.1e}  {time.monotonic() - started:.0f} s  {word}",
            flush=True,
        )
        if word != "ok":
            failed.append(name)
        rows[name] = (
            f"| `{name}` | {sheet['family']} | {size[0]}×{size[1]} | {summary['nodes']} | {summary['bytes'] / 1e6:.1f} | {worst:.1e} |"
        )
        if options.table:
            write_table(options.table, rows)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"largest child {peak:.1f} GB", file=sys.stderr)
    agree = compared - len([name for name in failed if name in rows])
    print(f"{agree} names agree" + (f"; not: {', '.join(failed)}" if failed else ""))
    return 1 if failed or agree == 0 else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    folders = verbs.add_parser("folders")
    folders.add_argument("folder", type=Path)
    zoo = verbs.add_parser("zoo")
    zoo.add_argument("--mvl", default="target/release/mvl", help="the program")
    zoo.add_argument("--table", type=Path, help="a Markdown file whose table is brought up to date")
    zoo.add_argument("names", nargs="*", help="names or patterns, such as 'resnet*'")
    options = parser.parse_args()
    sys.exit(check_folders(options.folder) if options.verb == "folders" else check_zoo(options))


if __name__ == "__main__":
    main()
