#!/usr/bin/env python3
"""Writes what the tests of `mvl-metrics` compare with: figures of torchmetrics and pycocotools, and of the papers' definitions where
these have none, for 1,000 random cases of each measure.

    pip install torch==2.9.1 torchmetrics==1.9.0 pycocotools==2.0.11
    OMP_NUM_THREADS=1 python3 scripts/make_metric_goldens.py crates/mvl-metrics/tests/fixtures [MEASURE ...]

Minutes. Cases are drawn by the formula of `scripts/make_model_goldens.py` (below in `Draws`), and in the same order by
`crates/mvl-metrics/tests/goldens/`, so only answers are stored: `MEASURE.f32`, a row of little-endian float32 for each case, NaN where
nothing is measured.
"""

import contextlib
import io
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
import torchmetrics.functional.classification as tmc
import torchmetrics.functional.retrieval as tmr
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchmetrics.detection import PanopticQuality

CASES = 1000
NAN = float("nan")
IGNORE = 65535
CUTS = [1, 3, 5]

# ---- draws -------------------------------------------------------------------------------------------------------


def fnv1a_64(text):
    digest = 0xCBF29CE484222325
    for byte in text.encode("utf-8"):
        digest = ((digest ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return digest


class Draws:
    """Numbers in [0, 1), multiples of 2^-24, one after the other: number i is SplitMix64's output function at hash(key) + i, its top
    24 bits."""

    BLOCK = 4096

    def __init__(self, key):
        self.hash, self.next, self.numbers = fnv1a_64(key), 0, []

    def unit(self):
        if self.next % self.BLOCK == 0:
            with np.errstate(over="ignore"):
                z = np.uint64(self.hash) + np.arange(self.next, self.next + self.BLOCK, dtype=np.uint64)
                z += np.uint64(0x9E3779B97F4A7C15)
                z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
                z = z ^ (z >> np.uint64(31))
            self.numbers = ((z >> np.uint64(40)).astype(np.float64) / 16777216.0).tolist()
        number = self.numbers[self.next % self.BLOCK]
        self.next += 1
        return number

    def below(self, n):
        """A whole number from 0 to n - 1."""
        return int(self.unit() * n)

    def within(self, low, high):
        """A whole number from low to high."""
        return low + self.below(high - low + 1)

    def once_in(self, n):
        return self.below(n) == 0

    def level(self, levels):
        """A score: one of a few, or any when there are no levels."""
        return self.below(levels) / 64.0 if levels else self.unit()


def levels(draws):
    """How many different scores a case has; 0 for any number."""
    return [2, 8, 64, 0][draws.below(4)]


# ---- classification ----------------------------------------------------------------------------------------------


def averages(reference, told, truth, classes, **settings):
    """[macro, micro, weighted] of precision, recall, F1; then these of class 0."""
    references = [getattr(tmc, f"{reference}_{name}") for name in ["precision", "recall", "f1_score"]]
    figures = [[float(f(told, truth, classes, average=a, **settings)) for a in ["macro", "micro", "weighted"]] for f in references]
    by_class = [f(told, truth, classes, average="none", **settings) for f in references]
    return figures, by_class


def labelled(draws, classes):
    """Rows of probabilities in eighths with ties, and labels, some unknown (-1), of classes that may not all occur."""
    n, occurring = draws.within(1, 60), draws.within(1, classes)
    rows, labels = [], []
    for _ in range(n):
        rows.append([draws.below(8) / 8.0 for _ in range(classes)])
        label = draws.below(occurring)
        labels.append(-1 if draws.once_in(10) else label)
    return np.array(rows), np.array(labels)


def precision_recall(draws, _case):
    classes = draws.within(2, 7)
    rows, labels = labelled(draws, classes)
    told = torch.from_numpy(np.argmax(rows, axis=1))  # NumPy takes the first among equals
    if np.all(labels == -1):
        return [NAN] * 9 + [0.0] * 3
    figures, by_class = averages("multiclass", told, torch.from_numpy(labels), classes, ignore_index=-1)
    return sum(figures, []) + [float(f[0]) for f in by_class]


def class_sets(draws, classes, n):
    """Scores and sets of classes, none of them in the last class now and then."""
    tie_levels, share = levels(draws), draws.unit()
    lacking = draws.once_in(3)
    scores, truths = np.zeros((n, classes)), np.zeros((n, classes), dtype=np.int64)
    for i in range(n):
        for c in range(classes):
            scores[i, c] = draws.level(tie_levels)
            truths[i, c] = draws.unit() < share and not (lacking and c == classes - 1)
    return torch.from_numpy(scores), torch.from_numpy(truths)


def multi_label_precision_recall(draws, _case):
    classes = draws.within(2, 5)
    scores, truths = class_sets(draws, classes, draws.within(1, 30))
    told = (scores >= 0.5).long()  # torchmetrics takes scores above the threshold only
    figures, by_class = averages("multilabel", told, truths, classes)
    seen = (told.sum(0) + truths.sum(0)) > 0  # torchmetrics averages over all classes
    for figure, classes_figures in zip(figures, by_class):
        figure[0] = float(classes_figures[seen].double().mean())
        figure[1] = figure[1] if seen.any() else NAN
        figure[2] = figure[2] if truths.sum() > 0 else NAN
    return sum(figures, []) + [float(f[0]) for f in by_class]


def calibration(draws, _case):
    classes, bins, is_coarse = 2 ** draws.within(1, 3), draws.within(1, 20), draws.once_in(2)
    n, skill = draws.within(1, 80), draws.unit()
    rows, labels = [], []
    for _ in range(n):
        if is_coarse:  # sixteenths of each class's own, up to 1
            rows.append([(draws.below(16) * classes + c + 1) / (16.0 * classes) for c in range(classes)])
        else:
            rows.append([draws.unit() for _ in range(classes)])
        other = draws.below(classes)
        labels.append(int(np.argmax(rows[-1])) if draws.unit() < skill else other)
    rows, labels = torch.tensor(rows, dtype=torch.float32), torch.tensor(labels)
    return [float(tmc.multiclass_calibration_error(rows, labels, classes, bins, norm)) for norm in ["l1", "l2", "max"]]


def scored(draws):
    n, tie_levels, share = draws.within(1, 100), levels(draws), draws.unit()
    pairs = [(draws.level(tie_levels), int(draws.unit() < share)) for _ in range(n)]
    return torch.tensor([p[0] for p in pairs], dtype=torch.float64), torch.tensor([p[1] for p in pairs])


def auroc(draws, _case):
    scores, truths = scored(draws)
    return [float(tmc.binary_auroc(scores, truths)) if 0 < truths.sum() < len(truths) else NAN]


def one_vs_rest_auroc(draws, _case):
    classes = draws.within(2, 6)
    rows, labels = labelled(draws, classes)
    rows, labels = torch.from_numpy(rows)[labels >= 0], torch.from_numpy(labels)[labels >= 0]
    if len(labels) == 0:
        return [NAN]
    by_class = tmc.multiclass_auroc(rows, labels, classes, average="none")
    both = [0 < (labels == c).sum() < len(labels) for c in range(classes)]  # torchmetrics counts the others as 0
    return [float(by_class[torch.tensor(both)].double().mean())]


def average_precision(draws, _case):
    scores, truths = scored(draws)
    return [float(tmc.binary_average_precision(scores, truths)) if truths.sum() > 0 else NAN]


def multi_label_average_precision(draws, _case):
    classes = draws.within(2, 5)
    scores, truths = class_sets(draws, classes, draws.within(1, 30))
    by_class = tmc.multilabel_average_precision(scores, truths, classes, average="none")
    return [float(by_class[truths.sum(0) > 0].double().mean())]


# ---- segmentation ------------------------------------------------------------------------------------------------


def overlap(draws, _case):
    classes = draws.within(2, 6)
    occurring = draws.within(1, classes)
    told, truth = [], []
    for _ in range(draws.within(1, 4)):
        for _ in range(draws.within(1, 12) * draws.within(1, 12)):
            real = draws.below(occurring)
            guess = draws.below(classes)
            told.append(real if draws.unit() < 0.6 else guess)
            truth.append(IGNORE if draws.once_in(8) else real)
    told, truth = torch.tensor(told), torch.tensor(truth)
    if torch.all(truth == IGNORE):
        return [NAN] * 5 + [0.0]
    settings = {"num_classes": classes, "ignore_index": IGNORE}
    iou = lambda average: tmc.multiclass_jaccard_index(told, truth, average=average, **settings)
    figures = [
        iou("macro"),
        tmc.multiclass_f1_score(told, truth, average="macro", **settings),
        tmc.multiclass_accuracy(told, truth, average="micro", **settings),
        tmc.multiclass_accuracy(told, truth, average="macro", **settings),
        iou("weighted"),
        iou("none")[0],
    ]
    return [float(f) for f in figures]


def painted(draws, height, width, values):
    """A map of one value with rectangles of others."""
    painting = np.full((height, width), values(draws))
    for _ in range(draws.below(5)):
        top, left = draws.below(height), draws.below(width)
        bottom, right = draws.within(top, height), draws.within(left, width)
        painting[top:bottom, left:right] = values(draws)
    return painting


def boundary_pixels(painting, counts, of_class):
    """Pixels of the class with a neighbour of another, both of which count."""
    found = []
    height, width = painting.shape
    for y, x in np.argwhere((painting == of_class) & counts):
        for v, u in [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]:
            if 0 <= v < height and 0 <= u < width and counts[v, u] and painting[v, u] != of_class:
                found.append((y, x))
                break
    return np.array(found).reshape(-1, 2)


def share_near(pixels, others, tolerance):
    if len(pixels) == 0 or len(others) == 0:
        return 0.0
    squares = ((pixels[:, None] - others[None]) ** 2).sum(-1).min(1)
    return float((squares <= tolerance**2).mean())


def boundary_f1(draws, _case):
    """Csurka et al., What is a good evaluation measure for semantic segmentation?, BMVC 2013."""
    classes, tolerance = draws.within(2, 4), [0.0, 1.0, 1.5, 2.0, 3.0, 5.0][draws.below(6)]
    by_class = [[] for _ in range(classes)]
    for _ in range(draws.within(1, 3)):
        height, width = draws.within(1, 14), draws.within(1, 14)
        truth = painted(draws, height, width, lambda d: IGNORE if d.once_in(6) else d.below(classes))
        down, right = draws.within(-2, 2), draws.within(-2, 2)  # what is told is moved, with one class less
        rows, columns = np.arange(height) + down, np.arange(width) + right
        told = truth[np.clip(rows, 0, height - 1)][:, np.clip(columns, 0, width - 1)]
        gone = draws.below(classes + 1)
        told = np.where((told == IGNORE) | (told == gone), 0, told)
        for c in range(classes):
            a, b = (boundary_pixels(p, truth != IGNORE, c) for p in (told, truth))
            if len(a) + len(b) > 0:
                precision, recall = share_near(a, b, tolerance), share_near(b, a, tolerance)
                by_class[c].append(2 * precision * recall / max(precision + recall, 1e-300))
    figures = [np.mean(f) for f in by_class if f]
    return [np.mean(figures) if figures else NAN, np.mean(by_class[0]) if by_class[0] else NAN]


def panoptic_quality(draws, _case):
    things, stuff = draws.within(1, 3), draws.within(1, 2)
    classes = things + stuff
    metric = PanopticQuality(set(range(things)), set(range(things, classes)), True, return_sq_and_rq=True)
    value = lambda d: d.below(classes + 1) * 8 + d.below(4)  # class and instance; the class past the last is void
    for _ in range(draws.within(1, 3)):
        height, width = draws.within(2, 14), draws.within(2, 14)
        truth = painted(draws, height, width, value)
        told = truth.copy()
        for _ in range(draws.below(4)):  # what is told differs by some rectangles
            top, left = draws.below(height), draws.below(width)
            bottom, right = draws.within(top, height), draws.within(left, width)
            told[top:bottom, left:right] = value(draws)
        pair = lambda p: torch.from_numpy(np.stack([p // 8, p % 8], axis=-1))[None]
        metric.update(pair(told), pair(truth))
    return [float(f) for f in metric.compute()]


# ---- detection ---------------------------------------------------------------------------------------------------

SIDE_PX = {"bbox": 256, "segm": 128, "keypoints": 256}


def placed(draws, side):
    """Left, top, width, height in whole pixels, from a few pixels to most of the picture."""
    largest = [8, 40, side // 2, side - 1][draws.below(4)]
    w, h = draws.within(3, largest), draws.within(3, largest)
    return [draws.within(0, side - w), draws.within(0, side - h), w, h]


def moved(draws, box, side):
    """The box, each of its numbers off by up to a quarter of its size."""
    x, y, w, h = box
    off = lambda size: draws.within(-(size // 4), size // 4)
    x, y = x + off(w), y + off(h)
    w, h = max(1, w + off(w)), max(1, h + off(h))
    return [x, y, w, h] if side is None else inside([x, y, w, h], side)


def inside(box, side):
    x, y, w, h = box
    x, y = min(max(x, 0), side - 1), min(max(y, 0), side - 1)
    return [x, y, min(w, side - x), min(h, side - y)]


def ellipse(box, side):
    """The pixels whose centres lie in the ellipse that fills the box, in whole numbers; as COCO's run lengths."""
    x, y, w, h = box
    columns, rows = np.arange(side), np.arange(side)
    dx, dy = 2 * (columns - x) + 1 - w, 2 * (rows - y) + 1 - h
    pixels = (dx[None] ** 2 * h * h + dy[:, None] ** 2 * w * w) <= w * w * h * h
    return coco_mask.encode(np.asfortranarray(pixels.astype(np.uint8)))


def points_in(draws, box):
    x, y, w, h = box
    return [[x + draws.below(4 * w) / 4.0, y + draws.below(4 * h) / 4.0] for _ in range(17)]


def scene(draws, kind, case):
    """Images, objects and detections as COCO's lists."""
    side, classes = SIDE_PX[kind], draws.within(1, 3) if kind != "keypoints" else draws.within(1, 2)
    tie_levels, is_crowded = levels(draws), case % 50 == 0
    images, objects, detections = [], [], []
    for number in range(1 if is_crowded else draws.below(5)):
        image = 1000 - 7 * number
        images.append({"id": image, "width": side, "height": side})
        known = []
        for _ in range(draws.below(6)):
            box, category = placed(draws, side), draws.within(1, classes)
            crowd, given_area = draws.once_in(8), draws.once_in(2)
            entry = {"id": len(objects) + 1, "image_id": image, "category_id": category, "iscrowd": int(crowd)}
            entry |= {"bbox": box, "area": box[2] * box[3]}
            if kind == "segm":
                entry["segmentation"] = ellipse(box, side)
                entry["area"] = int(coco_mask.area(entry["segmentation"]))
            if given_area:
                entry["area"] = box[2] * box[3] / 2
            if kind == "keypoints":
                points = points_in(draws, box)
                seen = [0] * 17 if draws.once_in(8) else [draws.below(3) for _ in range(17)]
                entry["keypoints"] = sum(([px, py, v] for (px, py), v in zip(points, seen)), [])
                entry["num_keypoints"] = sum(v > 0 for v in seen)
            objects.append(entry)
            known.append((box, category, entry.get("keypoints")))
        for _ in range(130 if is_crowded else draws.below(10)):
            if known and not draws.once_in(4):
                box, category, points = known[draws.below(len(known))]
                box = moved(draws, box, side if kind == "segm" else None)
                if draws.once_in(10):
                    category = draws.within(1, classes)
            else:
                box, category, points = placed(draws, side), draws.within(1, classes), None
            entry = {"image_id": image, "category_id": category, "score": draws.level(tie_levels)}
            if kind == "bbox":
                entry["bbox"] = box
            elif kind == "segm":
                entry["segmentation"] = ellipse(box, side)
            else:
                if points is None:
                    points = sum(([px, py, 1] for px, py in points_in(draws, box)), [])
                reach = max(1, box[2] // 4)
                off = lambda: draws.within(-4 * reach, 4 * reach) / 16.0
                entry["keypoints"] = sum(([points[3 * i] + off(), points[3 * i + 1] + off(), 1] for i in range(17)), [])
            detections.append(entry)
    categories = [{"id": c, "name": str(c)} for c in range(1, classes + 1)]
    return {"images": images, "annotations": objects, "categories": categories}, detections


def coco(kind):
    def figures(draws, case):
        truth, detections = scene(draws, kind, case)
        with contextlib.redirect_stdout(io.StringIO()):
            real, told = COCO(), COCO()
            real.dataset = truth
            real.createIndex()
            if detections:
                told = real.loadRes(detections)
            else:  # `loadRes` looks at the first detection
                told.dataset = truth | {"annotations": []}
                told.createIndex()
            evaluation = COCOeval(real, told, kind)
            if not truth["images"]:
                return [NAN] * (10 if kind == "keypoints" else 12)
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        return [NAN if f == -1 else f for f in evaluation.stats]

    return figures


# ---- retrieval ---------------------------------------------------------------------------------------------------


def list_figures(lists):
    """Recalls, precisions, mean average precision and reciprocal rank of lists of relevance, the first place first."""
    rows = []
    for relevant in lists:
        if not any(relevant):
            continue
        scores = torch.arange(len(relevant), 0, -1, dtype=torch.float64)
        relevant = torch.tensor(relevant)
        row = [tmr.retrieval_recall(scores, relevant, k) for k in CUTS]
        row += [tmr.retrieval_precision(scores, relevant, k) for k in CUTS]
        row += [tmr.retrieval_average_precision(scores, relevant), tmr.retrieval_reciprocal_rank(scores, relevant)]
        rows.append([float(f) for f in row])
    return np.mean(rows, axis=0).tolist() if rows else [NAN] * 8


def retrieval_lists(draws, _case):
    share = draws.unit()
    lists = []
    for _ in range(draws.within(1, 8)):
        lists.append([draws.unit() < share for _ in range(draws.within(1, 20))])
    return list_figures(lists)


def embedding_retrieval(draws, case):
    """Whole numbers in embeddings, so that many items are equally alike; of these the irrelevant ones come first."""
    n, size, labels = draws.within(2, 20), draws.within(2, 6), draws.within(1, 5)
    items = []
    for _ in range(n):
        role, label = draws.below(3), draws.below(labels)  # 0: query and gallery, 1: query, 2: gallery
        items.append((role, label, np.array([draws.within(-2, 2) for _ in range(size)], dtype=np.float64)))
    squares = lambda a, b: (a @ a) * (b @ b)
    alike = [
        lambda a, b: a @ b / np.sqrt(squares(a, b)) if squares(a, b) > 0 else 0.0,
        lambda a, b: a @ b,
        lambda a, b: -((a - b) @ (a - b)),
    ][case % 3]
    lists = []
    for query, (role, label, embedding) in enumerate(items):
        if role != 2:
            others = [item for other, item in enumerate(items) if other != query and item[0] != 1]
            ranked = sorted((-alike(embedding, other[2]), other[1] == label) for other in others)
            lists.append([relevant for _, relevant in ranked])
    return list_figures(lists)


MEASURES = {
    "precision_recall": precision_recall,
    "multi_label_precision_recall": multi_label_precision_recall,
    "calibration": calibration,
    "auroc": auroc,
    "one_vs_rest_auroc": one_vs_rest_auroc,
    "average_precision": average_precision,
    "multi_label_average_precision": multi_label_average_precision,
    "overlap": overlap,
    "boundary_f1": boundary_f1,
    "panoptic_quality": panoptic_quality,
    "coco_boxes": coco("bbox"),
    "coco_masks": coco("segm"),
    "coco_keypoints": coco("keypoints"),
    "retrieval_lists": retrieval_lists,
    "embedding_retrieval": embedding_retrieval,
}


def main():
    warnings.simplefilter("ignore")
    folder, names = Path(sys.argv[1]), sys.argv[2:] or list(MEASURES)
    for name in names:
        rows = np.array([MEASURES[name](Draws(f"{name}/{case}"), case) for case in range(CASES)], dtype="<f4")
        (folder / f"{name}.f32").write_bytes(rows.tobytes())
        print(f"{name}: {rows.shape[1]} figures, {np.isnan(rows).mean():.1%} NaN, mean {np.nanmean(rows):.3f}", flush=True)


if __name__ == "__main__":
    main()
