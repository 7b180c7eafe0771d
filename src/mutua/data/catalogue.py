"""The data sets known by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mutua.data.examples import Examples
from mutua.data.fetch import Remote, fetch
from mutua.data.image.cifar import CIFAR10, CIFAR100
from mutua.data.image.compact import CIFAR10_JPEG, IMAGENETTE_WEBP
from mutua.data.image.embedded import digits, find_digits
from mutua.data.image.idx import find_idx, idx_set
from mutua.data.image.images import Images, joined
from mutua.data.image.stl10 import find_stl10, stl10
from mutua.data.reading import Reading
from mutua.data.sound.digits import SPOKEN_DIGITS, spoken_digits
from mutua.data.store import cache_folder
from mutua.data.worlds.moving import BOXES, COUNTS, box_films
from mutua.types import InputError, Table

__all__ = ["DATASETS", "Dataset", "datasets"]


Reader = Callable[[Path, str, Path], Examples]
"""Reads the part "train" or "test" of what was found at a place, with a folder to cache in."""


def _unread(place: Path, split: str, cache: Path) -> Examples:
    raise InputError(f"{place}: is read by its data set, which knows how long an example is")


@dataclass(frozen=True)
class Form:
    """One way in which a data set lies on a disk: `find` gives what `read` reads, or None."""

    find: Callable[[Path], Path | None]
    read: Reader


@dataclass(frozen=True)
class Dataset:
    """A data set with an official split. `shape` is of one example, in words where they differ in length."""

    title: str
    description: str
    get: str
    train: int
    test: int
    shape: tuple[int, int, int] | str
    classes: int
    folders: tuple[str, ...]
    forms: tuple[Form, ...]
    remotes: tuple[Remote, ...] = ()
    kind: str = "image"
    read: Callable[[Path, str, Reading], Examples] | None = None
    """Of what `forms` find, for a kind whose shape the reading decides."""

    def places(self, path: Path | None = None, cache: Path | None = None) -> list[Path]:
        """Where it is looked for: `path` where given, else MUTUA_DATA, Debian's folder of data sets, the cache."""
        if path is not None:
            return [path, *(path / name for name in self.folders)]
        named = os.environ.get("MUTUA_DATA")
        roots = [*([Path(named)] if named else []), Path("/usr/share/datasets"), cache_folder(cache) / "data"]
        return [root / name for root in roots for name in self.folders]

    def locate(self, path: Path | None = None, cache: Path | None = None) -> tuple[Form, Path] | None:
        """The first form found, and where."""
        tries = ((form, form.find(place)) for place in self.places(path, cache) for form in self.forms)
        return next(((form, found) for form, found in tries if found is not None), None)

    def available(self, path: Path | None = None, cache: Path | None = None) -> Path | None:
        """Where the data lie on this machine; None where they would have to be fetched."""
        found = self.locate(path, cache)
        return None if found is None else found[1]

    def load(
        self,
        split: str,
        *,
        reading: Reading | None = None,
        path: Path | None = None,
        cache: Path | None = None,
    ) -> Examples:
        """The part "train", "test" or "all" (train, then test), from `path` alone where one is given.

        Raises `InputError` saying where it was looked for where it is not here and cannot be downloaded.
        """
        found, trouble = self.locate(path, cache), ""
        if found is None and path is None and self.remotes:
            try:
                fetch(self.remotes, cache_folder(cache) / "data" / self.folders[0])
            except OSError as error:
                trouble = f", and not downloaded ({type(error).__name__})"
            found = self.locate(path, cache)
        if found is None:
            looked = ", ".join(str(place.parent) for place in self.places(path, cache)[:: len(self.folders)])
            if path is not None:
                looked = str(path)
            raise InputError(f"{self.title}: not found under {looked}{trouble}; {self.get}")
        form, place = found
        if self.read is not None:
            return self.read(place, split, reading or Reading())
        folder = cache_folder(cache)
        if split != "all":
            return form.read(place, split, folder)
        both = [form.read(place, part, folder) for part in ("train", "test")]
        first, second = (one for one in both if isinstance(one, Images))
        return joined(first, second)


def _idx(source: str, classes: tuple[str, ...]) -> Form:
    def read(place: Path, split: str, cache: Path) -> Images:
        return idx_set(place, split, classes, source)

    return Form(find_idx, read)


def _remotes(root: str, files: dict[str, str]) -> tuple[Remote, ...]:
    return tuple(Remote(root + name, f"md5:{digest}") for name, digest in files.items())


_MNIST = _remotes(
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
)
_FASHION = _remotes(
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
)
_GARMENTS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_CIFAR = partial(_remotes, "https://www.cs.toronto.edu/~kriz/")

_PHYSICS = {
    "elastic-box": "digits that fly about and bounce without loss: no arrow of time",
    "gravity-box": "digits that fall, and bounce with loss",
    "friction-box": "digits that slow down, and bounce without loss",
    "shared-paths": "as elastic-box, 16 digits along each path (--group path)",
}


def _box(name: str) -> Dataset:
    """A rendered world of films, which needs no file."""
    box = BOXES[name]
    return Dataset(
        title=box.name[0].upper() + box.name[1:],
        description=f"films of known physics: {_PHYSICS[name]}",
        get="it is rendered",
        train=COUNTS["train"],
        test=COUNTS["test"],
        shape=f"{box.frames} frames, 1 x {box.size} x {box.size}",
        classes=10,
        folders=(name,),
        forms=(Form(find_digits, _unread),),
        kind="video",
        read=lambda place, split, reading: box_films(name, split, reading),
    )


DATASETS: dict[str, Dataset] = {
    "digits": Dataset(
        title="Digits",
        description="scikit-learn's handwritten digits: tiny, inside the package, good for a first try",
        get="it comes with scikit-learn",
        train=1348,
        test=449,
        shape=(1, 8, 8),
        classes=10,
        folders=("digits",),
        forms=(Form(find_digits, digits),),
    ),
    "mnist": Dataset(
        title="MNIST",
        description="handwritten digits (LeCun, Cortes and Burges)",
        get="put its four IDX files (train-images-idx3-ubyte.gz, ...) into the folder mnist under MUTUA_DATA",
        train=60_000,
        test=10_000,
        shape=(1, 28, 28),
        classes=10,
        folders=("mnist", "MNIST/raw"),
        forms=(_idx("MNIST", tuple("0123456789")),),
        remotes=_MNIST,
    ),
    "fashion-mnist": Dataset(
        title="Fashion-MNIST",
        description="pieces of clothing in MNIST's form (Xiao, Rasul and Vollgraf 2017)",
        get="install Debian's dataset-fashion-mnist, or put the four IDX files into MUTUA_DATA's fashion-mnist",
        train=60_000,
        test=10_000,
        shape=(1, 28, 28),
        classes=10,
        folders=("fashion-mnist", "FashionMNIST/raw"),
        forms=(_idx("Fashion-MNIST", _GARMENTS),),
        remotes=_FASHION,
    ),
    "cifar10": Dataset(
        title="CIFAR-10",
        description="small colour photographs of ten kinds of things (Krizhevsky 2009)",
        get="put cifar-10-binary.tar.gz (or cifar10_jpeg.npz) into the folder cifar10 under MUTUA_DATA",
        train=50_000,
        test=10_000,
        shape=(3, 32, 32),
        classes=10,
        folders=("cifar10", "."),
        forms=(Form(CIFAR10.find, CIFAR10.read), Form(CIFAR10_JPEG.find, CIFAR10_JPEG.read)),
        remotes=_CIFAR({"cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530"}),
    ),
    "cifar100": Dataset(
        title="CIFAR-100",
        description="small colour photographs of a hundred kinds of things (Krizhevsky 2009)",
        get="put cifar-100-binary.tar.gz into the folder cifar100 under MUTUA_DATA",
        train=50_000,
        test=10_000,
        shape=(3, 32, 32),
        classes=100,
        folders=("cifar100", "."),
        forms=(Form(CIFAR100.find, CIFAR100.read),),
        remotes=_CIFAR({"cifar-100-binary.tar.gz": "03b5dce01913d631647c71ecec9e9cb8"}),
    ),
    "stl10": Dataset(
        title="STL-10",
        description="colour photographs of ten kinds of things, few of them labelled (Coates, Lee and Ng 2011)",
        get="put the unpacked stl10_binary into the folder stl10 under MUTUA_DATA",
        train=5_000,
        test=8_000,
        shape=(3, 96, 96),
        classes=10,
        folders=("stl10", "."),
        forms=(Form(find_stl10, stl10),),
    ),
    "imagenette": Dataset(
        title="Imagenette",
        description="ten easy classes of ImageNet (Howard 2019), here at 128 x 128",
        get="put imagenette128_webp.npz into imagenette128 under MUTUA_DATA, or load the unpacked set as a folder",
        train=9469,
        test=3925,
        shape=(3, 128, 128),
        classes=10,
        folders=("imagenette128", "imagenette", "."),
        forms=(Form(IMAGENETTE_WEBP.find, IMAGENETTE_WEBP.read),),
    ),
    "spoken-digits": Dataset(
        title="Free Spoken Digit Dataset",
        description="the digits zero to nine, spoken fifty times each by six speakers (Jackson and others)",
        get="put fsdd.npz into the folder audio under MUTUA_DATA",
        train=2700,
        test=300,
        shape="0.14 to 2.3 s at 8 kHz",
        classes=10,
        folders=("audio", "spoken-digits", "."),
        forms=(Form(lambda root: root / SPOKEN_DIGITS if (root / SPOKEN_DIGITS).is_file() else None, _unread),),
        kind="sound",
        read=spoken_digits,
    ),
    **{name: _box(name) for name in BOXES},
}


def datasets(path: Path | None = None, cache: Path | None = None) -> Table:
    """The catalogue: what each set is, and whether and where it was found on this machine."""
    rows = []
    for name, entry in DATASETS.items():
        found = entry.available(path, cache)
        where = str(found) if found else ("downloaded when first asked for" if entry.remotes else entry.get)
        size = entry.shape if isinstance(entry.shape, str) else " x ".join(map(str, entry.shape))
        rows.append(
            (name, entry.kind, entry.train, entry.test, size, entry.classes, "yes" if found else "no", where)
        )
    note = "A folder of images, recordings or series, a .npy, .npz or IDX file is given by its path."
    return Table("Data sets", ("name", "kind", "train", "test", "size", "classes", "here", "where"), rows, note)
