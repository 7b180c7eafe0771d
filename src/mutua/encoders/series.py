"""An encoder of series: dilated convolutions in time."""

from __future__ import annotations

from torch import Tensor, nn

from mutua.encoders.frames import Moments, Standardise, TemporalBlock
from mutua.encoders.staged import Masking, Staged
from mutua.types import Spec

__all__ = ["convnet"]


class _Start(Masking):
    """Columns standardised, then a convolution to the width."""

    def __init__(self, columns: int, width: int) -> None:
        super().__init__()
        self.standardise = Standardise(columns, axis=2)
        self.first = nn.Conv1d(columns, width, 1)

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return self.first(self.standardise(x)), mask


def convnet(spec: Spec, width: int = 64, blocks: int = 4) -> Staged:
    """Residual blocks of dilated convolutions over a series' columns, mean and deviation in time.

    Depths: start (width columns), block1 to block4 (dilations 1, 2, 4, 8; each but the first halves the length
    where it is 16 or more), pool (2 width features). The columns are standardised by numbers read off the training
    examples; layer norm over channels, no batch norm.

    Paper: Yue et al. 2022, TS2Vec, arXiv:2106.10466, for the dilated blocks.
    """
    stages: dict[str, nn.Module] = {"start": _Start(spec.shape[1], width)}
    length = spec.shape[0]
    for k in range(blocks):
        stride = 2 if k and length >= 16 else 1
        stages[f"block{k + 1}"] = TemporalBlock(width, width, 2**k if stride == 1 else 2, stride)
        length = -(-length // stride)
    stages["pool"] = Moments()
    return Staged(stages, spec)
