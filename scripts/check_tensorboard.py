#!/usr/bin/env python3
"""Reads a folder of event files with PyPI's `tensorboard` and prints what it found as JSON.

    scripts/check_tensorboard.py FOLDER

One object: `version` of tensorboard, `scalars` by tag as [step, value], `images` by tag as [step, width, height, whether it is a
whole PNG of that size], `histograms` by tag as [step, min, max, num, sum, sum_squares, limits, counts], and `hparams`: the
`settings` of the session, the `names` and `figures` of the experiment, the `status` at the end. Needs `pip install tensorboard`.
A Rust test (crates/mvl-train/tests/train/tensorboard.rs) compares this with what was written.
"""

import json
import struct
import sys

import tensorboard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2


def png_size(data: bytes):
    """Width and height that a PNG says of itself; None when it does not begin and end as one."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or not data.endswith(b"IEND\xaeB`\x82"):
        return None
    return list(struct.unpack(">II", data[16:24]))


def setting(value):
    return getattr(value, value.WhichOneof("kind"))


def hparams(events):
    found = {}
    try:
        contents = events.PluginTagToContent(metadata.PLUGIN_NAME)
    except KeyError:
        return found
    for tag, content in contents.items():
        data = plugin_data_pb2.HParamsPluginData.FromString(content)
        if tag == metadata.EXPERIMENT_TAG:
            found["figures"] = [info.name.tag for info in data.experiment.metric_infos]
            found["names"] = [info.name for info in data.experiment.hparam_infos]
        elif tag == metadata.SESSION_START_INFO_TAG:
            found["settings"] = {name: setting(value) for name, value in data.session_start_info.hparams.items()}
        elif tag == metadata.SESSION_END_INFO_TAG:
            found["status"] = data.session_end_info.status
    return found


def main(folder: str) -> None:
    events = EventAccumulator(folder, size_guidance={"scalars": 0, "images": 0, "histograms": 0, "tensors": 0})
    events.Reload()
    tags = events.Tags()
    scalars = {tag: [[event.step, event.value] for event in events.Scalars(tag)] for tag in tags["scalars"]}
    images = {
        tag: [
            [event.step, event.width, event.height, png_size(event.encoded_image_string) == [event.width, event.height]]
            for event in events.Images(tag)
        ]
        for tag in tags["images"]
    }
    histograms = {}
    for tag in tags["histograms"]:
        histograms[tag] = [
            [
                event.step,
                event.histogram_value.min,
                event.histogram_value.max,
                event.histogram_value.num,
                event.histogram_value.sum,
                event.histogram_value.sum_squares,
                list(event.histogram_value.bucket_limit),
                list(event.histogram_value.bucket),
            ]
            for event in events.Histograms(tag)
        ]
    found = {
        "version": tensorboard.__version__,
        "scalars": scalars,
        "images": images,
        "histograms": histograms,
        "hparams": hparams(events),
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
