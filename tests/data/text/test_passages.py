"""Documents as windows of sentences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mutua.data import load
from mutua.data.text.passages import passages, sentences_of
from mutua.types import InputError


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Mrs. Hall and J. Smith came. They left.", ["Mrs. Hall and J. Smith came.", "They left."]),
        ('"Stop!" cried he. "Why?" She ran.', ['"Stop!" cried he.', '"Why?"', "She ran."]),
        ("It cost 3.50 pounds. no capital. Yes", ["It cost 3.50 pounds. no capital.", "Yes"]),
        ("A heading\nA line", ["A heading", "A line"]),
        ("Well... Then", ["Well...", "Then"]),
        ("", []),
    ],
)
def test_sentences(text: str, found: list[str]) -> None:
    assert list(sentences_of(text)) == found


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """Ten books, each of a word of its own and its number of sentences."""
    root = tmp_path / "books"
    root.mkdir()
    for k in range(10):
        lines = "\n".join(f"Book{k} word{j % 3}" for j in range(k + 1))
        (root / f"{k}.txt").write_text(f"{lines}\n")
    return root


def test_windows_never_cross_a_document(books: Path) -> None:
    found = passages(books, "all", 4, tokens=3)
    assert found.spec.shape == (4, 3)
    assert found.spec.words == len(found.vocabulary)
    batch = found.take(torch.arange(len(found)))
    x, mask = batch["x"], batch["mask"]
    for row, real in zip(x, mask, strict=True):
        assert len(set(row[real][:, 0].tolist())) == 1  # one book's own word
        assert real.sum() > 1
        assert not row[~real].any()
    # A document of n sentences: whole windows of 4, and the rest where it has two; the one of one is left out.
    assert [int(n) for n in mask.sum(1)] == [2, 3, 4, 4, 4, 2, 4, 3, 4, 4, 4, 4, 4, 4, 2]
    assert "1 documents of one sentence left out" in found.source
    groups = found.groups["document"]
    assert [groups.classes[code] for code in groups.codes[:3]] == ["1.txt", "2.txt", "3.txt"]


def test_parts_have_no_document_and_share_the_vocabulary_of_training(books: Path, tmp_path: Path) -> None:
    train, test = (load(books, split, sentences=4, tokens=3) for split in ("train", "test"))
    assert not set(train.groups["document"].codes) & set(test.groups["document"].codes)
    assert train.vocabulary == test.vocabulary
    assert train.labels is None
    (tmp_path / "words.txt").write_text("word1\nword0\n")
    other = load(books, "test", sentences=4, tokens=3, vocabulary=str(tmp_path / "words.txt"))
    assert other.spec.words == 4
    assert set(np.unique(other.words)) <= {0, 1, 2, 3}
    grouped = load(books, "train", sentences=4, group="document")
    assert grouped.take(torch.tensor([0]))["group"].shape == (1,)


def test_one_file_of_many_documents_and_texts_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "novels.txt"
    path.write_text("= a\tA\nIt was. It is. So so.\n\n= b\tB\nIt was. Yes. No.\n")
    found = passages(path, "all", 2)
    assert found.groups["document"].classes == ("a\tA", "b\tB")
    assert len(found) == 2  # of three sentences the last stands alone
    path.write_text("One sentence alone")
    with pytest.raises(InputError, match=r"novels\.txt has one sentence, and none has two") as caught:
        passages(path, "all", 2)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="vocabulary: is for documents cut into sentences"):
        load(path, "all", kind="text", vocabulary=str(path))
