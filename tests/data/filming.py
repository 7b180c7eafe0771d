"""Small films whose frames say which they are, made by PyAV where it is there."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av")

HEIGHT, WIDTH, COLUMNS = 64, 96, 11


def drawn(number: int) -> np.ndarray:
    """A white square of 8 px: its column and row say a number from 0 to 76; from 100 on black on white, another
    scene."""
    if number >= 100:
        return 255 - drawn(number - 100)
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    row, column = divmod(number, COLUMNS)
    pixels[4 + 8 * row : 12 + 8 * row, 4 + 8 * column : 12 + 8 * column] = 255
    return pixels


def said(frames: np.ndarray) -> list[int]:
    """The number that each frame (f, c, h, w) says, whatever the codec did to it."""
    light = frames.mean(1)[:, 4:60, 4:92].reshape(len(frames), 7, 8, COLUMNS, 8).mean((2, 4))
    return light.reshape(len(frames), -1).argmax(1).tolist()


def film(
    path: Path,
    frames: int = 40,
    *,
    codec: str = "libx264",
    rate: int = 10,
    ticks: Sequence[int] | None = None,
    tick: Fraction | None = None,
    keys: int = 12,
    sound: str | None = None,
    beep: float = 1.0,
    start: float = 0.0,
    options: dict[str, str] | None = None,
    numbers: Sequence[int] | None = None,
) -> Path:
    """A film of `drawn` frames, at `ticks` of length `tick` where it runs unevenly; a beep at `beep` for .2 s."""
    tick = tick or Fraction(1, rate)
    ticks = range(frames) if ticks is None else ticks
    begin = round(start / tick)
    with av.open(str(path), "w", options=options or {}) as container:
        video = container.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        video.codec_context.gop_size, video.codec_context.time_base = keys, tick
        video.bit_rate = 2_000_000
        if codec == "libx264":
            video.options = {"bf": "2", "keyint_min": str(keys), "sc_threshold": "0"}
        audio = None if sound is None else container.add_stream(sound, rate=48_000)
        if audio is not None:
            audio.layout = "mono"
        for number, at in zip(numbers or range(frames), ticks, strict=True):
            frame = av.VideoFrame.from_ndarray(drawn(number), format="rgb24")
            frame.pts, frame.time_base = at + begin, tick
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if audio is not None:
            length = round(48_000 * float((max(ticks) + 1) * tick))
            time = np.arange(length) / 48_000
            wave = 0.8 * np.sin(2 * np.pi * 1000 * time) * ((time >= beep) & (time < beep + 0.2))
            values = (32767 * wave).astype(np.int16)
            for at in range(0, length, 960):
                part = av.AudioFrame.from_ndarray(values[None, at : at + 960], format="s16", layout="mono")
                part.sample_rate, part.pts, part.time_base = (
                    48_000,
                    at + round(48_000 * start),
                    Fraction(1, 48_000),
                )
                container.mux(audio.encode(part))
            container.mux(audio.encode())
    return path


def turned(path: Path, degrees: int) -> Path:
    """The MP4 or MOV with a matrix in its header that asks players to turn it clockwise."""
    matrices = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
    data = bytearray(path.read_bytes())
    at = data.find(b"tkhd") + 4
    at += 4 + (32 if data[at] else 20) + 16  # version and flags, times and numbers, then layer to volume
    a, b, c, d = (65536 * one for one in matrices[degrees])
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path
