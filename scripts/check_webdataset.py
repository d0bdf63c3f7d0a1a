#!/usr/bin/env python3
"""Reads a folder of WebDataset shards with PyPI's `webdataset` and prints what it found as JSON.

    scripts/check_webdataset.py FOLDER

One object: `version` of webdataset, and `samples` in order, each with its `key`, the `sha256` and length of every member,
the class that webdataset's own decoder makes of `cls`, and the shape that it makes of `npy`. Needs `pip install webdataset numpy`.
A Rust test (crates/mvl-data/tests/data/shards.rs) compares this with what was written.
"""

import hashlib
import json
import pathlib
import sys

import webdataset


def main(folder: str) -> None:
    shards = [str(path) for path in sorted(pathlib.Path(folder).glob("*.tar"))]

    def read():
        return webdataset.WebDataset(shards, shardshuffle=False, empty_check=False)

    samples = []
    for raw, decoded in zip(read(), read().decode()):
        members = {name: value for name, value in raw.items() if not name.startswith("__")}
        samples.append(
            {
                "key": raw["__key__"],
                "members": {
                    name: {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
                    for name, value in members.items()
                },
                "class": decoded.get("cls"),
                "shape": list(decoded["npy"].shape) if "npy" in decoded else None,
            }
        )
    json.dump({"version": webdataset.__version__, "samples": samples}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
