"""The page and the picture of an unmixing: players and spectrograms of microphones and sources."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import soundfile
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from mutua import plots
from mutua.report.page import Block, page
from mutua.report.sound import Player, audio
from mutua.report.text import references, table, words
from mutua.types import Table

__all__ = ["Track", "spectrograms", "unmixed_page"]

_RANGE = 70  # decibels shown below the loudest
_COLUMNS = 600


@dataclass(frozen=True)
class Track:
    """The beginning of a sound, (n,) in [-1, 1], to be heard and seen."""

    name: str
    samples: Float[np.ndarray, " n"]
    rate: int

    @property
    def wav(self) -> bytes:
        """As a 16-bit WAV file."""
        buffer = io.BytesIO()
        soundfile.write(buffer, self.samples, self.rate, "PCM_16", format="WAV")
        return buffer.getvalue()

    def player(self) -> Player:
        """The sound with its spectrogram."""
        with plots.figure(3.6, 1.7) as (fig, axes):
            self.draw(axes)
            axes.set(xlabel="seconds", ylabel="kHz")
            drawn = plots.svg(fig)
        return Player(self.name, self.wav, spectrogram=drawn)

    def draw(self, axes: Axes) -> AxesImage:
        """The spectrogram: time across, frequency up."""
        return axes.imshow(
            self.decibels(),
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=-_RANGE,
            vmax=0,
            extent=(0, len(self.samples) / self.rate, 0, self.rate / 2000),
        )

    def decibels(self) -> Float[np.ndarray, "f t"]:
        """Power of a short-time Fourier transform, in dB below the loudest, at no more than some hundred times."""
        frame = 1 << max(5, min(10, (self.rate // 16).bit_length() - 1))
        stft = ShortTimeFFT(np.asarray(hann(frame, sym=False)), frame // 4, fs=1.0)
        wanted = max(frame, len(self.samples))
        power = np.abs(stft.stft(np.pad(self.samples, (0, wanted - len(self.samples))))) ** 2  # (f, t)
        step = -(-power.shape[1] // _COLUMNS)
        power = np.maximum.reduceat(power, np.arange(0, power.shape[1], step), axis=1)
        return 10 * np.log10(np.maximum(power / max(float(power.max()), 1e-30), 10 ** (-_RANGE / 10)))


def spectrograms(microphones: Sequence[Track], sources: Sequence[Track]) -> bytes:
    """A PNG: microphones in the left column, sources in the right, time across and frequency up."""
    rows = max(len(microphones), len(sources))
    with matplotlib.rc_context({"font.size": 9, "figure.constrained_layout.use": True}):
        fig = Figure(figsize=(10, 1.8 * rows + 0.6), dpi=120)
        FigureCanvasAgg(fig)
        axes = fig.subplots(rows, 2, squeeze=False, sharex=True, sharey=True)
        for column, tracks in enumerate((microphones, sources)):
            for row in range(rows):
                if row >= len(tracks):
                    axes[row, column].set_axis_off()
                    continue
                one, track = axes[row, column], tracks[row]
                image = track.draw(one)
                one.set_title(track.name)
        for one in axes[-1]:
            one.set_xlabel("seconds")
        for one in axes[:, 0]:
            one.set_ylabel("kHz")
        fig.colorbar(image, ax=axes, label="dB", shrink=0.9)
        buffer = io.BytesIO()
        fig.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def unmixed_page(
    title: str,
    microphones: Sequence[Track],
    sources: Sequence[Track],
    *,
    subtitle: str = "",
    summary: Sequence[str] = (),
    tables: Sequence[Table] = (),
    papers: Sequence[str] = (),
    settings: dict[str, Any] | None = None,
) -> str:
    """The HTML of an unmixing, sounds and spectrograms inside it; sources come first."""
    blocks: list[Block] = []
    if summary:
        blocks.append(words(list(summary), heading="What was found"))
    blocks.append(audio([track.player() for track in sources], heading="Sources"))
    blocks.append(audio([track.player() for track in microphones], heading="Microphones"))
    blocks += [table(one, heading="" if i else "How far to trust them") for i, one in enumerate(tables)]
    if papers:
        blocks.append(references(list(papers)))
    return page(title, blocks, subtitle=subtitle, settings=settings)
