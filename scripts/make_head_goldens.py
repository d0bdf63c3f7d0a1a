#!/usr/bin/env python3
"""Writes what the tests of heads and necks of `mvl-models` compare with, from PyTorch, torchvision and timm themselves.

    python3 scripts/make_head_goldens.py crates/mvl-models/tests/fixtures/heads.json

Made with torch 2.9, torchvision 0.24 and timm 1.0.22, CPU, in seconds. Parameters and inputs follow the formula of
`scripts/make_model_goldens.py` (in words in `fixtures/NOTES.md`), so only answers are stored; float64 throughout.

PAFPN and BiFPN have no implementation in these packages: here they are written down
from their papers.
"""

import json
import math
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from make_model_goldens import formula_tensor, uniform

DTYPE = torch.float64


def fill(module):
    """Every parameter by its key; counters are zero."""
    state = module.state_dict()
    filled = {k: torch.zeros_like(t) if k.endswith("num_batches_tracked") else formula_tensor(k, tuple(t.shape)).to(DTYPE) for k, t in state.items()}
    module.double().load_state_dict(filled, strict=True)
    return module.eval()


def values(key, shape, scale=4.0):
    """Uniform in [-scale / 2, scale / 2), rounded to float32."""
    u = (uniform(key, math.prod(shape)) - 0.5) * scale
    return torch.from_numpy(u.astype(np.float32)).reshape(shape).to(DTYPE)


def entry(tensor):
    return {"shape": list(tensor.shape), "values": [round(v, 7) for v in tensor.detach().flatten().tolist()]}


# ---- necks -------------------------------------------------------------------------------------------------------

# channels and cells of the backbone's maps at strides 2, 4 and 8 of a picture of 10 by 14 pixels
MAPS = [(3, (5, 7)), (5, (3, 4)), (4, (2, 2))]
WIDTH = 6


def maps():
    return [values(f"map{i}", (2, c, *size)) for i, (c, size) in enumerate(MAPS)]


def fpn(extra, sixth=WIDTH):
    from torchvision.ops import FeaturePyramidNetwork
    from torchvision.ops.feature_pyramid_network import LastLevelMaxPool, LastLevelP6P7

    blocks = {"none": None, "max_pool": LastLevelMaxPool(), "convs": LastLevelP6P7(sixth, WIDTH)}[extra]
    net = fill(FeaturePyramidNetwork([c for c, _ in MAPS], WIDTH, blocks))
    return list(net(OrderedDict((str(i), m) for i, m in enumerate(maps()))).values())


class Pafpn(nn.Module):
    """Liu et al. 2018, section 3.1, on torchvision's pyramid."""

    def __init__(self):
        super().__init__()
        from torchvision.ops import FeaturePyramidNetwork

        self.fpn = FeaturePyramidNetwork([c for c, _ in MAPS], WIDTH)
        self.downsample_blocks = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, 2, 1) for _ in MAPS[1:])
        self.fusion_blocks = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, 1, 1) for _ in MAPS[1:])

    def forward(self, maps):
        p = list(self.fpn(OrderedDict((str(i), m) for i, m in enumerate(maps))).values())
        n = [p[0]]
        for down, fuse, finer in zip(self.downsample_blocks, self.fusion_blocks, p[1:]):
            n.append(F.relu(fuse(F.relu(down(n[-1])) + finer)))
        return n


def conv_bn(inside, outside):
    return nn.ModuleDict({"conv": nn.Conv2d(inside, outside, 1, bias=False), "norm": nn.BatchNorm2d(outside, eps=1e-3)})


def run(block, x):
    return block["norm"](block["conv"](x))


class Node(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.weights = nn.Parameter(torch.ones(inputs))
        self.depthwise = nn.Conv2d(WIDTH, WIDTH, 3, 1, 1, groups=WIDTH, bias=False)
        self.pointwise = conv_bn(WIDTH, WIDTH)

    def forward(self, *inputs):
        w = F.relu(self.weights)
        fused = sum(wi * x for wi, x in zip(w, inputs)) / (w.sum() + 1e-4)
        return run(self.pointwise, self.depthwise(F.silu(fused)))


class BiFpnLayer(nn.Module):
    def __init__(self, levels):
        super().__init__()
        self.down = nn.ModuleList(Node(2) for _ in range(levels - 1))
        self.up = nn.ModuleList(Node(3 if level + 1 < levels else 2) for level in range(1, levels))

    def forward(self, p):
        down = list(p)
        for i in range(len(p) - 2, -1, -1):
            down[i] = self.down[i](p[i], F.interpolate(down[i + 1], size=p[i].shape[-2:], mode="nearest"))
        out = [down[0]]
        for i in range(1, len(p)):
            pooled = F.max_pool2d(out[-1], 3, 2, 1)
            out.append(self.up[i - 1](p[i], down[i], pooled) if i + 1 < len(p) else self.up[i - 1](p[i], pooled))
        return out


class BiFpn(nn.Module):
    """Tan et al. 2019, section 3, with one projection a level."""

    def __init__(self, layers, extra):
        super().__init__()
        self.laterals = nn.ModuleList(conv_bn(c, WIDTH) for c, _ in MAPS)
        self.extra = conv_bn(MAPS[-1][0], WIDTH)
        self.layers = nn.ModuleList(BiFpnLayer(len(MAPS) + extra) for _ in range(layers))
        self.count = extra

    def forward(self, maps):
        p = [run(lateral, m) for lateral, m in zip(self.laterals, maps)]
        coarser = run(self.extra, maps[-1])
        for _ in range(self.count):
            coarser = F.max_pool2d(coarser, 3, 2, 1)
            p.append(coarser)
        for layer in self.layers:
            p = layer(p)
        return p


def unet():
    """A decoder as segmentation_models_pytorch has it: nearest doubling, skip, two convolutions."""

    class Block(nn.Module):
        def __init__(self, inside, outside):
            super().__init__()
            conv = lambda a, b: nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
            self.conv1, self.conv2 = conv(inside, outside), conv(outside, outside)

        def forward(self, x, skip, size):
            x = F.interpolate(x, size=size, mode="nearest")
            return self.conv2(self.conv1(x if skip is None else torch.cat([x, skip], 1)))

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList([Block(4 + 5, 6), Block(6 + 3, 5), Block(5, 4)])

        def forward(self, maps):
            out = [maps[2]]
            for block, skip in zip(self.blocks, [maps[1], maps[0], None]):
                size = skip.shape[-2:] if skip is not None else [10, 14]
                out.insert(0, block(out[0], skip, size))
            return out

    return fill(Decoder())(maps())


def aspp():
    from torchvision.models.segmentation.deeplabv3 import ASPP

    return [fill(ASPP(4, [1, 2, 3], WIDTH))(maps()[2])]


# ---- heads -------------------------------------------------------------------------------------------------------


def attention_pool(norm):
    from timm.layers import AttentionPoolLatent

    layer = nn.LayerNorm if norm else None
    return fill(AttentionPoolLatent(8, num_heads=2, mlp_ratio=2.0, norm_layer=layer))(values("tokens", (2, 5, 8)))


def gem():
    """Radenović et al. 2018, equation 3; its gradients too."""
    cells = values("cells", (2, 6, 4)).requires_grad_()
    p = torch.tensor([3.0], dtype=DTYPE, requires_grad=True)
    pooled = cells.clamp(min=1e-6).pow(p).mean(1).pow(1.0 / p)
    (pooled * values("gem_weights", (2, 4))).sum().backward()
    return {"pooled": entry(pooled), "cells_gradient": entry(cells.grad), "p_gradient": entry(p.grad)}


def fcn(size):
    from torchvision.models.segmentation.fcn import FCNHead

    head = fill(FCNHead(8, 3))
    return F.interpolate(head(values("fcn_map", (2, 8, 3, 4))), size=size, mode="bilinear", align_corners=False)


def deeplabv3(size):
    from torchvision.models.segmentation.deeplabv3 import DeepLabHead

    head = fill(DeepLabHead(4, 3))
    return F.interpolate(head(maps()[2]), size=size, mode="bilinear", align_corners=False)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_head_goldens.py OUTPUT_FILE")
    output = Path(sys.argv[1])
    necks = {
        "fpn": fpn("none"),
        "fpn_max_pool": fpn("max_pool"),
        "fpn_convs": fpn("convs"),
        "fpn_backbone_convs": fpn("convs", sixth=MAPS[-1][0]),
        "pafpn": fill(Pafpn())(maps()),
        "bifpn": fill(BiFpn(2, 1))(maps()),
        "unet": unet(),
        "aspp": aspp(),
    }
    heads = {
        "maps": [[2, c, *size] for c, size in MAPS],
        "necks": {name: [entry(m) for m in made] for name, made in necks.items()},
        "attention_pool": entry(attention_pool(norm=False)),
        "attention_pool_norm": entry(attention_pool(norm=True)),
        "gem": gem(),
        "fcn": entry(fcn([11, 13])),
        "deeplabv3": entry(deeplabv3([10, 15])),
    }
    output.write_text(json.dumps(heads, separators=(",", ":")) + "\n")
    print(output.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
