"""Files decoded when they are first taken: the same pixels, once each, while training goes on."""

import gc
import itertools
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mutua.data import Images
from mutua.data.image.decode import BadImageError
from mutua.data.image.folder import folder
from mutua.data.image.streamed import Streamed
from mutua.data.loading import load
from mutua.training import Plan, fit
from mutua.training.order import batches
from mutua.types import InputError, Method, Rows, Step


@pytest.fixture
def jpegs(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for k in range(12):
        place = tmp_path / "pictures" / "ab"[k % 2] / f"{k:02}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (10, 8, 3), dtype=np.uint8)).save(place)
    return tmp_path / "pictures"


def counting(n: int = 10) -> tuple[Streamed, list[int]]:
    seen: list[int] = []

    def decode(row: int) -> np.ndarray:
        seen.append(row)
        return np.full((1, 2, 3), row, np.uint8)

    return Streamed(decode, n, (1, 2, 3), source="numbers"), seen


def test_equals_decoding_at_once(jpegs: Path) -> None:
    whole, streamed = folder(jpegs), folder(jpegs, at_once=False)
    assert isinstance(streamed, Streamed)
    assert isinstance(streamed, Rows)
    assert streamed.decoded == 0
    index = torch.tensor([7, 0, 7, 3, -1])
    assert torch.equal(streamed.take(index), whole.take(index))
    assert streamed.decoded == 4
    assert (streamed.shape, len(streamed), streamed.names, streamed.classes, streamed.source) == (
        whole.shape,
        len(whole),
        whole.names,
        whole.classes,
        whole.source,
    )
    assert np.array_equal(streamed.labels, whole.labels)
    assert np.array_equal(streamed.subset([5, 2]).pixels, whole.pixels[[5, 2]])
    assert np.array_equal(streamed.pixels, whole.pixels)
    train = load(jpegs, "train", size=6, at_once=False)
    assert np.array_equal(train.take(torch.arange(len(train))).numpy(), load(jpegs, "train", size=6).pixels)


def test_each_file_is_decoded_once() -> None:
    rows, seen = counting()
    rows.take(torch.tensor([3, 3, 1]))
    rows.take(torch.tensor([1, 9]))
    assert sorted(seen) == [1, 3, 9]
    assert rows.pixels[:, 0, 0, 0].tolist() == list(range(10))
    rows.take(torch.arange(10))
    assert sorted(seen) == list(range(10))
    assert len(rows.take(torch.arange(0))) == 0
    assert repr(rows) == "Streamed(10 files, 1 x 2 x 3, numbers)"


def test_takes_of_several_threads_decode_once() -> None:
    rows, seen = counting(64)
    threads = [threading.Thread(target=rows.take, args=(torch.arange(k, 64),)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(64))


class Waiting(Method):
    """Step k says that it has begun, and ends only when the batch of step k + 1 is decoded."""

    def __init__(self, begun: list[threading.Event], decoded: list[threading.Event], events: list[str]) -> None:
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(()))
        self.begun, self.decoded, self.events, self.k = begun, decoded, events, 0

    def step(self, batch: torch.Tensor, generator: torch.Generator) -> Step:
        self.events.append(f"step {self.k} begins")
        self.begun[self.k].set()
        if self.k + 1 < len(self.decoded):
            assert self.decoded[self.k + 1].wait(60), (
                "the next batch is not decoded while this one is learned from"
            )
        self.events.append(f"step {self.k} ends")
        self.k += 1
        return Step((self.w - batch.float().mean()) ** 2)


def test_decoding_goes_on_while_training_computes() -> None:
    begun, decoded = ([threading.Event() for _ in range(4)] for _ in range(2))
    events: list[str] = []
    count = itertools.count()

    def decode(row: int) -> np.ndarray:
        batch, place = divmod(next(count), 2)  # one thread decodes, so batches come in their order
        if batch:  # and not before the step before it has begun: one after the other would wait for ever
            assert begun[batch - 1].wait(60)
        events.append(f"decode for {batch}")
        if place == 1:
            decoded[batch].set()
        return np.full((1, 2, 2), row, np.uint8)

    data = Streamed(decode, 8, (1, 2, 2), threads=1)
    fit(Waiting(begun, decoded, events), data, Plan(epochs=1, batch=2, accelerator="cpu", lr=0.0))
    want = ["decode for 0"] * 2
    for k in range(4):
        want += [f"step {k} begins", *[f"decode for {k + 1}"] * (2 * (k < 3)), f"step {k} ends"]
    assert events == want


def test_nothing_is_decoded_before_it_is_needed() -> None:
    rows, seen = counting(200)
    found = batches(rows, 10, seed=0, start=0, stop=20)
    next(found)
    assert len(seen) <= 20
    found.close()
    assert len(seen) <= 20


def test_a_bad_file_is_named_when_it_is_met(jpegs: Path) -> None:
    bad = jpegs / "a" / "04.jpg"
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(bad)
    bad.write_bytes(bad.read_bytes()[:-2000])
    found = folder(jpegs, size=8, at_once=False)
    row = found.names.index("a/04.jpg")
    others = torch.tensor([k for k in range(12) if k != row])
    found.take(others)
    with pytest.raises(BadImageError, match=r"04\.jpg"):
        found.take(torch.tensor([0, row]))
    assert found.decoded == 11
    assert type(folder(jpegs, at_once=False, skip_bad=True)) is Images


def test_kept_once_all_is_decoded(jpegs: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"

    def again() -> Images:
        return folder(jpegs, cache=cache, in_memory=0, at_once=False)

    first = again()
    first.take(torch.arange(11))
    assert not list(cache.glob("decoded/*.npy"))
    assert len(list(cache.glob("decoded/.*"))) == 1
    first.take(torch.tensor([11, 0]))
    assert len(list(cache.glob("decoded/*.npy"))) == 1
    assert not list(cache.glob("decoded/.*"))
    second = again()
    assert type(second) is Images
    assert isinstance(second.pixels, np.memmap)
    assert np.array_equal(second.pixels, folder(jpegs).pixels)
    assert np.array_equal(folder(jpegs, cache=cache, in_memory=0).pixels, second.pixels)
    assert torch.equal(first.take(torch.arange(12)), second.take(torch.arange(12)))


def test_the_next_one_goes_on_with_an_unfinished_file(jpegs: Path, tmp_path: Path) -> None:
    decoded = tmp_path / "cache" / "decoded"

    def some(*rows: int) -> tuple[int, int]:
        found = folder(jpegs, cache=tmp_path / "cache", in_memory=0, at_once=False)
        before = found.decoded if isinstance(found, Streamed) else -1
        assert torch.equal(found.take(torch.tensor(rows)), folder(jpegs).take(torch.tensor(rows)))
        after = found.decoded if isinstance(found, Streamed) else -1
        del found
        gc.collect()
        return before, after

    assert some(0, 1, 2) == (0, 3)
    assert [file.suffix for file in decoded.iterdir()] == [".part"]
    assert some(2, 7) == (3, 4)
    assert some(*range(12)) == (4, 12)
    assert sorted(file.suffix for file in decoded.iterdir()) == [".json", ".npy"]
    assert some(5) == (-1, -1)


@pytest.mark.parametrize("damage", ["no pixels", "short", "long", "empty", "another's"])
def test_a_damaged_unfinished_file_is_begun_anew(jpegs: Path, tmp_path: Path, damage: str) -> None:
    def begun() -> Streamed:
        found = folder(jpegs, cache=tmp_path / "cache", in_memory=0, at_once=False)
        assert isinstance(found, Streamed)
        return found

    found = begun()
    found.take(torch.arange(3))
    del found
    gc.collect()
    (part,) = (tmp_path / "cache" / "decoded").glob("*.part")
    whole = part.read_bytes()
    if damage == "no pixels":
        part.unlink()
    elif damage == "another's":
        with open(part, "wb") as file:
            np.save(file, np.zeros((5, 3, 10, 8), np.uint8))
    else:
        part.write_bytes({"short": whole[:-100], "long": whole + b"1", "empty": b""}[damage])
    again = begun()
    assert again.decoded == 0
    assert np.array_equal(again.pixels, folder(jpegs).pixels)


def test_nothing_unfinished_is_left_of_nothing(jpegs: Path, tmp_path: Path) -> None:
    folder(jpegs, cache=tmp_path / "cache", in_memory=0, at_once=False)
    gc.collect()
    assert not os.listdir(tmp_path / "cache" / "decoded")


@pytest.mark.parametrize("damage", ["{", "[1, 2]", "3", "[0, 0]"])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_damaged_list_of_a_kept_file_is_made_again(
    jpegs: Path, tmp_path: Path, damage: str, at_once: bool
) -> None:
    def read() -> np.ndarray:
        return folder(jpegs, cache=tmp_path / "cache", in_memory=0, at_once=at_once).pixels

    want = read()
    (beside,) = (tmp_path / "cache" / "decoded").glob("*.json")
    beside.write_text(damage)
    assert np.array_equal(read(), want)
    assert np.array_equal(folder(jpegs, cache=tmp_path / "cache", in_memory=0).pixels, want)


def test_no_room_is_said(jpegs: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(InputError, match=r"cache.*cannot hold [\d,]+ bytes of pixels.*name another cache"):
        folder(jpegs, cache=tmp_path / "cache", in_memory=0, at_once=False)
