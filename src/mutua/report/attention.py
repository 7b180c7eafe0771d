"""The page of attention maps: where several networks look, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8
from matplotlib import colormaps
from torch import Tensor

from mutua.data import KINDS, Examples
from mutua.encoders import Readable
from mutua.evaluation import attention, attention_maps, attention_table
from mutua.evaluation.attention import POWERS, mapped
from mutua.evaluation.features import inputs
from mutua.report.page import page
from mutua.report.pictures import image_grid
from mutua.report.text import papers, references, table
from mutua.types import Table

__all__ = ["attention_page"]


def attention_page(
    encoders: Mapping[str, Readable],
    examples: Examples,
    *,
    supervised: str,
    untrained: str,
    shown: Tensor,
    depths: Sequence[str] = (),
    rows: int = 500,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> tuple[Table, str]:
    """(The numbers, HTML) of networks of one build. Arguments as `attention_table`; `shown` are row numbers."""
    numbers = attention_table(
        encoders,
        examples,
        supervised=supervised,
        untrained=untrained,
        depths=depths,
        rows=rows,
        seed=seed,
        device=device,
    )
    chosen = tuple(depths) or mapped(encoders[supervised])[: len(POWERS)]
    images = inputs(examples.take(shown))
    pictures = KINDS["image"].pictures(images, examples.spec)
    assert pictures is not None
    maps = {name: attention_maps(encoder, images, chosen, device=device) for name, encoder in encoders.items()}
    blocks = [table(numbers, heading="Three numbers")]
    for depth in chosen:
        columns = {"image": pictures, **{name: _coloured(of[depth]) for name, of in maps.items()}}
        caption = "Each map is scaled by its own least and largest value: colours of two maps don't compare."
        blocks.append(image_grid(columns, heading=f"Where they look: {depth}", caption=caption))
    blocks.append(references(papers(attention)))
    return numbers, page(f"Attention maps of {', '.join(encoders)}", blocks)


def _coloured(maps: Float[Tensor, "n h w"]) -> UInt8[np.ndarray, "n 3 h w"]:
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    scaled = ((maps - low) / (high - low).clamp(min=1e-12)).numpy()
    return (255 * colormaps["viridis"](scaled)[..., :3]).astype(np.uint8).transpose(0, 3, 1, 2)
