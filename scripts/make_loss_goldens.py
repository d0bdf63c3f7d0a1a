#!/usr/bin/env python3
"""Writes what the tests of the losses of `mvl-models` compare with: values and gradients of PyTorch, torchvision, timm and
segmentation_models_pytorch, and of the papers' formulas where these have none.

    pip install torch==2.9.1 torchvision==0.24.1 timm==1.0.22 segmentation-models-pytorch==0.5.0
    python3 scripts/make_loss_goldens.py crates/mvl-models/tests/fixtures/losses.json

Seconds. Inputs follow the formula of `scripts/make_model_goldens.py` (in words in `fixtures/NOTES.md`), so only answers are stored;
float64 throughout, but for Lovász, whose reference has
float32 in it. `tests/models/losses.rs` has the same cases under the same names.
"""

import json
import math
import sys
from pathlib import Path

import segmentation_models_pytorch.losses as smp
import timm.loss
import torch
import torch.nn.functional as F
import torchvision.ops as ops

from make_head_goldens import DTYPE, entry, values

CASES = {}


def case(name, loss, *inputs):
    """The loss of inputs, and its gradient by each."""
    inputs = [x.clone().requires_grad_() for x in inputs]
    value = loss(*inputs)
    value.backward()
    CASES[name] = {"loss": float(value.detach()), "gradients": [entry(x.grad) for x in inputs]}


# ---- classes -----------------------------------------------------------------------------------------------------

LOGITS = values("loss_logits", (5, 4), 8.0)
CLASSES = torch.tensor([2, 0, 3, 1, 2])
YES = torch.tensor([[1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 0, 1]]).to(DTYPE)
SHARES = torch.tensor([[0.5, 0.25, 0.25, 0], [1, 0, 0, 0], [0, 0.75, 0, 0.25], [0, 0, 1, 0], [0.25] * 4]).to(DTYPE)
WEIGHTS = torch.tensor([0.5, 2.0, 3.0, 0.25]).to(DTYPE)


def classes():
    for name, settings in {
        "cross_entropy": {},
        "cross_entropy_smoothing": {"label_smoothing": 0.1},
        "cross_entropy_weights": {"weight": WEIGHTS},
        "cross_entropy_weights_smoothing": {"weight": WEIGHTS, "label_smoothing": 0.2},
        "cross_entropy_ignored": {"ignore_index": 2},
        "cross_entropy_all": {"weight": WEIGHTS, "label_smoothing": 0.1, "ignore_index": 2},
    }.items():
        case(name, lambda x, settings=settings: F.cross_entropy(x, CLASSES, **settings), LOGITS)
    case("cross_entropy_soft", lambda x: F.cross_entropy(x, SHARES), LOGITS)
    case("cross_entropy_soft_all", lambda x: F.cross_entropy(x, SHARES, weight=WEIGHTS, label_smoothing=0.1), LOGITS)
    case("cross_entropy_soft_timm", lambda x: timm.loss.SoftTargetCrossEntropy()(x, SHARES), LOGITS)
    for name, weight, smoothing in [
        ("", None, 0.0),
        ("_smoothing", None, 0.2),
        ("_weights", WEIGHTS, 0.0),
        ("_weights_smoothing", WEIGHTS, 0.1),
    ]:
        smooth = SHARES * (1 - smoothing) + smoothing / 2
        binary = lambda x: F.binary_cross_entropy_with_logits(x, smooth, pos_weight=weight)
        case(f"binary_cross_entropy{name}", binary, LOGITS)
    for alpha, gamma in [(0.25, 2.0), (-1, 2.0), (0.25, 0.0), (0.5, 1.0), (0.25, 0.5), (0.75, 3.5)]:
        focal = lambda x: ops.sigmoid_focal_loss(x, YES, alpha, gamma, "mean")
        case(f"focal_{alpha}_{gamma}", focal, LOGITS)
    for plus, minus, clip, detach in [(1, 4, 0.05, False), (1, 4, 0.05, True), (0, 2, 0.0, False), (2, 3, 0.2, False)]:
        loss = timm.loss.AsymmetricLossMultiLabel(minus, plus, clip, disable_torch_grad_focal_loss=detach)
        case(f"asymmetric_{plus}_{minus}_{clip}_{str(detach).lower()}", lambda x: loss(x, YES) / len(x), LOGITS)
    teacher = values("loss_teacher", (5, 4), 8.0)
    for t in [1.0, 4.0]:
        soft = lambda x: F.kl_div((x / t).log_softmax(1), (teacher / t).softmax(1), reduction="batchmean") * t * t
        case(f"distillation_{t}", soft, LOGITS)
    case("distillation_hard", lambda x: F.cross_entropy(x, teacher.argmax(1)), LOGITS)


# ---- regions -----------------------------------------------------------------------------------------------------

MAPS = values("loss_maps", (2, 4, 3, 5), 6.0)
# the last class is nowhere
MASK = torch.tensor([[[0, 0, 1, 1, 2]] * 2 + [[2, 0, 0, 0, 1]], [[1] * 5, [1, 1, 0, 0, 0], [2, 2, 2, 2, 2]]])
BORDERED = torch.where((torch.arange(30) % 7 == 3).reshape(2, 3, 5), 255, MASK)
MASKS = F.one_hot(MASK, 4).permute(0, 3, 1, 2).contiguous()
MASKS[:, 1] |= MASKS[:, 0]


def regions():
    case("cross_entropy_pixels", lambda x: F.cross_entropy(x, BORDERED, weight=WEIGHTS, ignore_index=255), MAPS)
    for mode, truth in [("multiclass", MASK), ("multilabel", MASKS)]:
        case(f"dice_{mode}", lambda x: smp.DiceLoss(mode)(x, truth), MAPS)
        case(f"dice_smooth_{mode}", lambda x: smp.DiceLoss(mode, smooth=2.0)(x, truth), MAPS)
        case(f"jaccard_{mode}", lambda x: smp.JaccardLoss(mode)(x, truth), MAPS)
        case(f"tversky_{mode}", lambda x: smp.TverskyLoss(mode, alpha=0.3, beta=0.7, smooth=1.0)(x, truth), MAPS)
        case(f"focal_tversky_{mode}", lambda x: smp.TverskyLoss(mode, alpha=0.3, beta=0.7, gamma=0.75)(x, truth), MAPS)
    case("dice_ignored", lambda x: smp.DiceLoss("multiclass", ignore_index=255)(x, BORDERED), MAPS)
    case("lovasz", lambda x: smp.LovaszLoss("multiclass")(x.float(), MASK), MAPS)
    case("lovasz_ignored", lambda x: smp.LovaszLoss("multiclass", ignore_index=255)(x.float(), BORDERED), MAPS)
    hinge = smp.LovaszLoss("binary")
    shown = 3  # the reference divides by zero for a class that is nowhere
    each = lambda x: sum(hinge(x[:, k].float().contiguous(), MASKS[:, k].contiguous()) for k in range(shown)) / shown
    case("lovasz_hinge", each, MAPS[:, :shown])


# ---- boxes -------------------------------------------------------------------------------------------------------


def boxes():
    truth = torch.tensor([[0, 0, 10, 10], [5, 2, 25, 12], [30, 30, 34, 50], [1, 1, 2, 2], [0, 0, 8, 4]]).to(DTYPE)
    moved = torch.tensor([[1, 2, 9, 14], [6, 1, 20, 12.5], [10, 5, 15, 9], [0.5, 0.25, 4, 3], [0.5, 1, 6, 3]]).to(DTYPE)
    plain = lambda x: (1 - ops.box_iou(x, truth).diag()).mean()
    case("iou", plain, moved)
    for name, loss in [
        ("giou", ops.generalized_box_iou_loss),
        ("diou", ops.distance_box_iou_loss),
        ("ciou", ops.complete_box_iou_loss),
    ]:
        case(name, lambda x: loss(x, truth, reduction="mean"), moved)
    lengths = torch.tensor([0.0, 1.25, 2.5, 3.0, 5.75]).to(DTYPE)

    def distribution_focal(x):
        """Li et al. 2020, equation 6."""
        total = 0
        for row, y in zip(x.log_softmax(1), lengths.tolist()):
            low = min(int(y), x.shape[1] - 2)
            total = total - ((low + 1 - y) * row[low] + (y - low) * row[low + 1])
        return total / len(x)

    case("distribution_focal", distribution_focal, values("loss_bins", (5, 7), 8.0))


# ---- embeddings --------------------------------------------------------------------------------------------------

LABELS = [0, 1, 0, 2, 1, 1, 3]
POINTS = values("loss_points", (7, 3), 2.0)


def supervised_contrastive(temperature):
    """Khosla et al. 2020, equation 2, term by term; what has no partner counts as 0, as in the authors' code."""

    def loss(x):
        x, total = F.normalize(x), 0
        for i, label in enumerate(LABELS):
            others = [j for j in range(len(LABELS)) if j != i]
            partners = [j for j in others if LABELS[j] == label]
            scale = torch.logsumexp(torch.stack([x[i] @ x[j] / temperature for j in others]), 0)
            total = total - sum(x[i] @ x[j] / temperature - scale for j in partners) / max(len(partners), 1)
        return total / len(LABELS) * temperature / 0.07

    return loss


def arc_face(scale, margin):
    """The authors' formula: cos(θ + m) up to θ = π - m, cos θ - m sin m beyond."""
    labels = torch.tensor([0, 3, 1, 2])

    def loss(embeddings, weight):
        cosines = F.linear(F.normalize(embeddings), F.normalize(weight))
        sines = (1 - cosines**2).clamp(0, 1).sqrt()
        moved = cosines * math.cos(margin) - sines * math.sin(margin)
        moved = torch.where(cosines > math.cos(math.pi - margin), moved, cosines - math.sin(math.pi - margin) * margin)
        own = F.one_hot(labels, 4).to(DTYPE)
        return F.cross_entropy((own * moved + (1 - own) * cosines) * scale, labels)

    return loss


def triplets(mining, margin):
    """Mined by loops over distances; the loss of each triplet is PyTorch's `triplet_margin_loss`, or the soft one of Hermans et al."""

    def loss(x):
        d = lambda i, j: float((x[i] - x[j]).detach().norm())
        every, found = range(len(LABELS)), []
        for a in every:
            partners = [p for p in every if p != a and LABELS[p] == LABELS[a]]
            strangers = [n for n in every if LABELS[n] != LABELS[a]]
            if mining == "hard" and partners:
                found.append((a, max(partners, key=lambda p: d(a, p)), min(strangers, key=lambda n: d(a, n))))
            for p in partners if mining == "semi_hard" else []:
                farther = [n for n in strangers if d(a, n) > d(a, p)]
                n = min(farther, key=lambda n: d(a, n)) if farther else max(strangers, key=lambda n: d(a, n))
                found.append((a, p, n))
            if mining == "all":
                found += [(a, p, n) for p in partners for n in strangers if margin is None or d(a, p) - d(a, n) + margin > 0]
        a, p, n = (x[list(rows)] for rows in zip(*found))
        if margin is None:
            return F.softplus((a - p).norm(dim=1) - (a - n).norm(dim=1)).mean()
        return F.triplet_margin_loss(a, p, n, margin=margin, eps=0.0)

    return loss


def embeddings():
    for t in [0.07, 0.5]:
        case(f"supervised_contrastive_{t}", supervised_contrastive(t), POINTS)
    for scale, margin in [(64.0, 0.5), (16.0, 0.2), (4.0, 2.5)]:  # with the last some are beyond
        case(f"arc_face_{margin}", arc_face(scale, margin), values("arc_embeddings", (4, 5)), values("arc_weight", (4, 5)))
    for mining in ["hard", "semi_hard", "all"]:
        for name, margin in [("0.2", 0.2), ("1", 1.0), ("soft", None)]:
            case(f"triplet_{mining}_{name}", triplets(mining, margin), POINTS)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_loss_goldens.py OUTPUT_FILE")
    for make in [classes, regions, boxes, embeddings]:
        make()
    output = Path(sys.argv[1])
    output.write_text(json.dumps(CASES, separators=(",", ":")) + "\n")
    print(len(CASES), "cases,", output.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
