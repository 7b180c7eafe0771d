"""`mutua unmix MIC...`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from tyro.conf import Positional, arg

from mutua.cli.output import say, show, status, tables_json
from mutua.data.sound.files import Sound, opened, write_wavs
from mutua.data.store import checked_place, writing
from mutua.types import InputError

if TYPE_CHECKING:
    from mutua.ica.separation.unmix import Unmixed

__all__ = ["Unmix"]

PAGE, PICTURE = "index.html", "spectrograms.png"
_HEARD = 30  # seconds of each sound on the page


@dataclass(frozen=True)
class Unmix:
    """Unmix recordings of several microphones into their sources: WAV files, spectrograms, a page to listen to.

    Args:
        mics: One file of several channels, or several files: WAV, FLAC, any rate and depth.
        out: Folder to write.
        components: Sources to find; as many as microphones by default.
        convolutive: For rooms with echoes or microphones apart: independent vector analysis.
        frame: Seconds of a frame of --convolutive, longer than the echoes that matter.
        float32: Write 32-bit floating point, not whole numbers.
        bits: Of the whole numbers that are written.
        seed: Of the start.
        json: Print JSON instead of words.
    """

    mics: Positional[tuple[Path, ...]]
    out: Annotated[Path, arg(aliases=["-o"])] = Path("sources")
    components: int | None = None
    convolutive: bool = False
    frame: float = 0.128
    float32: bool = False
    bits: Literal[16, 24] = 16
    seed: int = 0
    json: bool = False

    def __call__(self) -> None:
        if self.out.exists() and not self.out.is_dir():
            raise InputError(f"{self.out}: is a file; name a folder with --out")
        if self.convolutive and self.components is not None:
            raise InputError("components: with --convolutive there are as many as microphones; leave it out")
        if not 0.001 <= self.frame <= 2:
            raise InputError(f"frame: {self.frame} seconds; give 0.001 to 2")
        self._check_outputs()
        from mutua.ica.separation.unmix import unmix, unmix_echoes  # scikit-learn and Numba are not for the help

        with opened(self.mics) as sound:
            n, d = sound.samples.shape
            status(f"{d} microphones, {n / sound.rate:,.1f} s at {sound.rate:,} Hz")
            if self.convolutive:
                unmixed = unmix_echoes(sound, frame_seconds=self.frame)
            else:
                unmixed = unmix(sound, self.components, random_state=self.seed)
            record = self._write(sound, unmixed)
        if self.json:
            say(record, "", True)
            return
        for note in sound.notes:
            print(note)
        show(unmixed.tables)
        for paragraph in unmixed.words:
            print(paragraph)
        print(f"\n{self.out / PAGE}: open it in a browser and listen")

    def _check_outputs(self) -> None:
        """Raise InputError where something of the output would take the place of a recording, or can't be
        written."""
        mics = {path.resolve() for path in self.mics}
        for path in self._sources_there() | {self.out / PAGE, self.out / PICTURE}:
            if path.resolve() in mics:
                raise InputError(
                    f"{path}: is one of the recordings, and would be written over; name another folder --out"
                )
        checked_place(self.out / PAGE)

    def _sources_there(self) -> set[Path]:
        """Sources of an earlier run into the same folder."""
        return {path for path in self.out.glob("source-*.wav") if path.stem.removeprefix("source-").isdecimal()}

    def _write(self, sound: Sound, unmixed: Unmixed) -> dict[str, Any]:
        """Sources, picture and page; each file whole or not at all."""
        # Here, since the help needs none of what draws.
        from mutua.ica import LinearICA
        from mutua.ica.separation.auxiva import AuxIVA
        from mutua.ica.separation.unmix import PEAK
        from mutua.report import papers, write
        from mutua.report.unmixed import Track, spectrograms, unmixed_page

        k, (n, d) = len(unmixed.scale), sound.samples.shape
        files = [self.out / f"source-{i}.wav" for i in range(k)]
        write_wavs(
            files,
            unmixed.blocks(),
            unmixed.scale,
            sound.rate,
            subtype="FLOAT" if self.float32 else f"PCM_{self.bits}",
        )
        for left in self._sources_there() - set(files):
            left.unlink()  # of an earlier run: beside these it would be taken for one of them
        heard = min(n, _HEARD * sound.rate)
        loudest = float(np.abs(sound.samples[:heard]).max()) or 1.0
        microphones = [
            Track(name, np.asarray(sound.samples[:heard, i], np.float64) * min(1.0, PEAK / loudest), sound.rate)
            for i, name in enumerate(sound.names)
        ]
        sources = [
            Track(f"source {i}", beginning, sound.rate) for i, beginning in enumerate(_first(unmixed, heard))
        ]
        with writing(self.out / PICTURE) as file:
            file.write(spectrograms(microphones, sources))
        summary = [*sound.notes, *unmixed.words]
        if heard < n:
            summary.append(f"The first {_HEARD} seconds are on this page; the WAV files beside it hold all.")
        settings = {**asdict(self), "mics": [str(path) for path in self.mics], "rate": sound.rate, "samples": n}
        html = unmixed_page(
            f"{k} sources from {d} microphones",
            microphones,
            sources,
            subtitle=f"{', '.join(path.name for path in self.mics)}: {n / sound.rate:,.1f} s at {sound.rate:,} Hz",
            summary=summary,
            tables=unmixed.tables,
            papers=papers(AuxIVA if self.convolutive else LinearICA),
            settings=settings,
        )
        write(self.out / PAGE, html)
        return {
            "sources": [str(file) for file in files],
            "page": str(self.out / PAGE),
            "picture": str(self.out / PICTURE),
            "rate": sound.rate,
            "samples": n,
            "microphones": sound.names,
            "notes": sound.notes,
            "words": unmixed.words,
            "tables": tables_json(unmixed.tables),
        }


def _first(unmixed: Unmixed, heard: int) -> np.ndarray:
    """The beginning of each source as it is written, (k, heard)."""
    kept, have = [], 0
    for block in unmixed.blocks():
        kept.append(block[: heard - have])
        have += len(kept[-1])
        if have >= heard:
            break
    return (np.concatenate(kept) * unmixed.scale).T
