"""Files that survive a full disk and an interrupted write."""

import errno
import os
import stat
import threading
from pathlib import Path

import numpy as np
import pytest

from mutua.data import store
from mutua.types import InputError


def test_replacing_keeps_the_old_file_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.bin"
    with store.replacing(path) as file:
        file.write(b"old")
    with store.replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(path.parent) == ["a.bin"]
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_replacing_leaves_nothing_behind(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail() -> None:
        with store.replacing(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_write_rows_is_npy_and_may_leave_rows_out(tmp_path: Path) -> None:
    rows = [np.full((2, 3), k, np.uint8) for k in range(5)]
    with store.replacing(tmp_path / "a.npy") as file:
        assert store.write_rows(file, (2, 3), (row for row in rows if row[0, 0] != 2)) == 4
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.stack([rows[k] for k in (0, 1, 3, 4)]))


def test_write_rows_refuses_another_shape(tmp_path: Path) -> None:
    rows = [np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8)]  # as many bytes
    with (
        pytest.raises(InputError, match=r"^row 1: shape \(3, 2\) where \(2, 3\) is meant"),
        store.replacing(tmp_path / "a.npy") as file,
    ):
        store.write_rows(file, (2, 3), rows)
    assert not list(tmp_path.iterdir())


def test_mapped_builds_once_and_mends_a_damaged_file(tmp_path: Path) -> None:
    path, built = tmp_path / "a.npy", []

    def build(file: object) -> None:
        built.append(1)
        store.write_rows(file, (2,), [np.array([1, 2], np.uint8)] * 3)  # type: ignore[arg-type]

    first = store.mapped(path, build)
    assert isinstance(first, np.memmap)
    assert not first.flags.writeable
    assert store.mapped(path, build).tolist() == [[1, 2]] * 3
    assert len(built) == 1
    for damage in (path.read_bytes()[:-2], b"", b"rubbish of some length"):
        path.write_bytes(damage)
        assert store.mapped(path, build).tolist() == [[1, 2]] * 3
    assert len(built) == 4


def test_fingerprint_changes_with_files_and_settings(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"1")
    os.utime(file, ns=(1, 1))
    first = store.fingerprint([file], 32)
    assert first == store.fingerprint([file], 32)
    assert first != store.fingerprint([file], 64)
    os.utime(file, ns=(1, 2))
    assert first != store.fingerprint([file], 32)


def test_a_device_or_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    listener = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    listener.start()
    with store.replacing(pipe) as file:
        file.write(b"told")
    listener.join(5)
    assert heard == [b"told"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
