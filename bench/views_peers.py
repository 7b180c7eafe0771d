"""The peers of `bench.views`: the same augmentation in torchvision, albumentations and kornia.

Run by an interpreter that has them; those that are missing are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import torch
from torch import Tensor

from bench.record import Log
from mutua.views import Compose, RandomResizedCrop
from mutua.views.image.blur import blur_radius

__all__ = ["SETTINGS", "batches", "same"]

SETTINGS = (
    "All draw alike: crop of 8 to 100 % of the area, ratio 3/4 to 4/3; flip 0.5; jitter 0.8 with brightness, "
    "contrast, saturation 0.8 s and hue 0.2 s in random order; grey 0.2; blur 0.5 with sigma 0.1 to 2 and "
    "SimCLR's kernel. uint8 in, uint8 out. torchvision v2 on one uint8 tensor at a time, antialiased; "
    "albumentations on one HWC array at a time, OpenCV without threads, INTER_LINEAR (which does "
    "not antialias: less work); kornia on the batch as float32, its conversions included. One thread each."
)


def _torchvision(size: int, strength: float) -> Callable[[Tensor], Tensor]:
    from torchvision.transforms import v2

    kernel = 2 * blur_radius(size, size) + 1
    s = 0.8 * strength
    one = v2.Compose(
        [
            v2.RandomResizedCrop(size, antialias=True),
            v2.RandomHorizontalFlip(),
            v2.RandomApply([v2.ColorJitter(s, s, s, 0.2 * strength)], 0.8),
            v2.RandomGrayscale(0.2),
            v2.RandomApply([v2.GaussianBlur(kernel, (0.1, 2.0))], 0.5),
        ]
    )
    return lambda x: torch.stack([one(image) for image in x])


def _albumentations(size: int, strength: float) -> Callable[[Tensor], Tensor]:
    import albumentations as A
    import cv2

    cv2.setNumThreads(0)
    kernel = 2 * blur_radius(size, size) + 1
    s = 0.8 * strength
    near = (max(0.0, 1 - s), 1 + s)
    one = A.Compose(
        [
            A.RandomResizedCrop((size, size)),
            A.HorizontalFlip(p=0.5),
            A.ColorJitter(near, near, near, (-0.2 * strength, 0.2 * strength), p=0.8),
            A.ToGray(p=0.2),
            A.GaussianBlur((kernel, kernel), (0.1, 2.0), p=0.5),
        ],
        seed=0,
    )

    def batch(x: Tensor) -> Tensor:
        arrays = x.permute(0, 2, 3, 1).contiguous().numpy()
        return torch.from_numpy(np.stack([one(image=image)["image"] for image in arrays])).permute(0, 3, 1, 2)

    return batch


def _kornia(size: int, strength: float) -> Callable[[Tensor], Tensor]:
    import kornia.augmentation as K

    kernel = 2 * blur_radius(size, size) + 1
    s = 0.8 * strength
    near = (max(0.0, 1 - s), 1 + s)
    turn = (-0.2 * strength, 0.2 * strength)
    views = K.AugmentationSequential(
        K.RandomResizedCrop((size, size)),
        K.RandomHorizontalFlip(),
        K.ColorJitter(near, near, near, turn, p=0.8),
        K.RandomGrayscale(p=0.2),
        K.RandomGaussianBlur((kernel, kernel), (0.1, 2.0), p=0.5),
        data_keys=["input"],
    )

    def batch(x: Tensor) -> Tensor:
        with torch.no_grad():
            return (views(x.float() / 255) * 255).round().clamp(0, 255).to(torch.uint8)

    return batch


PEERS = {"torchvision": _torchvision, "albumentations": _albumentations, "kornia": _kornia}


def batches(size: int, strength: float, _side: int) -> dict[str, Callable[[Tensor], Tensor]]:
    """Each peer that can be imported, with its version: a batch (n, c, h, w) of uint8 to its views."""
    torch.manual_seed(0)
    found = {}
    for name, make in PEERS.items():
        try:
            found[f"{name} {version(name)}"] = make(size, strength)
        except ImportError:
            continue
    return found


def same(x: Tensor, view: Compose, log: Log) -> list[str]:
    """Views of the same draw by the compiled loop, the plain definition, torchvision's functions and OpenCV."""
    some = x[:32]
    n, _, height, width = some.shape
    drawn = view.draw(n, (3, height, width), torch.Generator().manual_seed(1))
    fast, plain = view.apply(some, drawn).float(), view.plain(some, drawn).float()
    crop = view.views[0]
    assert isinstance(crop, RandomResizedCrop)
    size = crop.shape_after((3, height, width))[-2:]
    said = [f"plain {float((fast - plain).abs().max()):.0f}"]
    try:
        from torchvision.transforms.v2 import functional as F

        from mutua.views.image.jitter import OPERATIONS

        adjust = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        p = list(drawn.values())
        kernel = 2 * blur_radius(*size) + 1
        worst, total = 0.0, 0.0
        for i in range(n):
            box = [int(p[0][name][i]) for name in ("top", "left", "height", "width")]
            y = F.resized_crop(some[i].float() / 255, *box, size=list(size), antialias=True)
            y = F.hflip(y) if p[1]["applied"][i] else y
            for place in p[2]["order"][i].tolist() if p[2]["applied"][i] else ():
                y = adjust[place](y, float(p[2][list(OPERATIONS)[place]][i]))
            y = F.rgb_to_grayscale(y, 3) if p[3]["applied"][i] else y
            y = F.gaussian_blur(y, [kernel, kernel], [float(p[4]["sigma"][i])] * 2) if p[4]["applied"][i] else y
            apart = (fast[i] - y * 255).abs()
            worst, total = max(worst, float(apart.max())), total + float(apart.mean()) / n
        said.append(f"torchvision's functions on float {worst:.2f} (mean {total:.2f})")
    except ImportError:
        pass
    try:
        import cv2

        only = Compose((crop,))
        ours = only.apply(some, {"0 RandomResizedCrop": drawn["0 RandomResizedCrop"]})
        worst = 0.0
        for i in range(n):
            top, left, h, w = (int(drawn["0 RandomResizedCrop"][k][i]) for k in ("top", "left", "height", "width"))
            if h > size[0] or w > size[1]:
                continue  # made smaller: OpenCV's has no antialias
            image = some[i, :, top : top + h, left : left + w].permute(1, 2, 0).contiguous().numpy()
            theirs = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
            worst = max(worst, float(np.abs(theirs.astype(float) - ours[i].permute(1, 2, 0).numpy()).max()))
        said.append(f"OpenCV's resize (enlarging, the crop alone) {worst:.0f}")
    except ImportError:
        pass
    words = f"{size[0]} px, one draw of {n} views, largest difference in levels from: {', '.join(said)}."
    log(words)
    return [words]
