"""`read_texts`: every source gives the same texts and labels, and bad ones say in one line what is wrong."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mutua.data.text.reading import read_texts
from mutua.data.text.texts import Texts
from mutua.types import InputError

SENTENCES = ["a good film", "a bad film", 'he said "no"', "naïve plot"]
LABELS = ["pos", "neg", "neg", "pos"]


def same(found: Texts, labels: bool = True) -> None:
    assert found.sentences == tuple(SENTENCES)
    if labels:
        assert found.classes == ("neg", "pos")
        assert found.labels.tolist() == [1, 0, 0, 1]
    else:
        assert found.labels is None


def hugging_face() -> object:
    rows = [{"idx": i, "text": t, "label": LABELS[i] == "pos"} for i, t in enumerate(SENTENCES)]
    features = {"text": object(), "label": SimpleNamespace(names=["neg", "pos"]), "idx": object()}

    class Rows(list):
        pass

    found = Rows([{**row, "label": int(row["label"])} for row in rows])
    found.features, found.column_names = features, list(features)
    return found


def written(place: Path, name: str, data: bytes | str, encoding: str = "utf-8") -> Path:
    path = place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode(encoding))
    return path


def test_files_of_every_kind(tmp_path: Path) -> None:
    rows = list(zip(LABELS, SENTENCES, strict=True))
    tsv = "".join(f"{a}\t{b}\n" for a, b in rows)
    quoted = 'text,label\n"a good film",pos\na bad film,neg\n"he said ""no""",neg\nnaïve plot,pos\n'
    objects = "".join(json.dumps({"n": i, "sentence": b, "label": a}) + "\n" for i, (a, b) in enumerate(rows))
    for path in (
        written(tmp_path, "a.tsv", tsv),
        written(tmp_path, "b.tsv", "".join(f"{b}\t{a}\r\n" for a, b in rows)),
        written(tmp_path, "c.tsv.gz", gzip.compress(tsv.encode())),
        written(tmp_path, "d.tsv", "Label\tText\tsource\n" + "".join(f"{a}\t{b}\tx\n" for a, b in rows)),
        written(tmp_path, "e.csv", quoted),
        written(tmp_path, "f.csv", quoted.replace(",", ";")),
        written(tmp_path, "g.jsonl", objects),
        written(tmp_path, "h.jsonl.xz", lzma.compress(objects.encode())),
    ):
        same(read_texts(path, min_count=1))
    same(read_texts(written(tmp_path, "i.tsv", tsv, "cp1252"), min_count=1, encoding="cp1252"))
    same(read_texts(written(tmp_path, "j.tsv", tsv, "utf-16"), min_count=1))
    same(read_texts(written(tmp_path, "a.tsv", tsv), min_count=1, target=()), labels=False)
    assert read_texts(tmp_path / "a.tsv", min_count=1).names == ("a.tsv:1", "a.tsv:2", "a.tsv:3", "a.tsv:4")
    named = written(tmp_path, "k.csv", "what,kind\na b,x\nc d,y\n")
    found = read_texts(named, text="what", target="kind", min_count=1)
    assert (found.sentences, found.targets["kind"].classes) == (("a b", "c d"), ("x", "y"))
    several = written(tmp_path, "l.csv", "text,label,topic\na b,2,x\nc\nd,10,y\n".replace("c\nd", '"c\nd"'))
    found = read_texts(several, min_count=1)
    assert found.sentences[1] == "c\nd"
    assert {name: one.classes for name, one in found.targets.items()} == {
        "label": ("2", "10"),
        "topic": ("x", "y"),
    }


def test_lines_paragraphs_and_lists(tmp_path: Path) -> None:
    text = "\n".join(SENTENCES) + "\n\n"
    for name, pack in (("a.txt", bytes), ("b.txt.gz", gzip.compress), ("c.txt.bz2", bz2.compress)):
        same(read_texts(written(tmp_path, name, pack(text.encode())), min_count=1), labels=False)
    same(read_texts(SENTENCES, min_count=1), labels=False)
    found = read_texts(
        written(tmp_path, "d.txt", "\n\none\ntwo\n \n\nthree\n"), documents="paragraphs", min_count=1
    )
    assert found.sentences == ("one\ntwo", "three")
    assert found.names == ("d.txt:3", "d.txt:7")


def test_datasets() -> None:
    same(read_texts(hugging_face(), min_count=1))
    pairs = list(zip(SENTENCES, torch.tensor([1, 0, 0, 1]), strict=True))
    for rows in (pairs, [(b, a) for a, b in pairs]):
        found = read_texts(rows, min_count=1)
        assert found.sentences == tuple(SENTENCES)
        assert found.labels.tolist() == [1, 0, 0, 1]
        assert found.classes == ("0", "1")


def test_folders(tmp_path: Path) -> None:
    for i, (label, sentence) in enumerate(zip(LABELS, SENTENCES, strict=True)):
        written(tmp_path / "classes", f"{label}/{i}.txt", sentence)
        written(tmp_path / "flat", f"{i}.txt", sentence)
        for part in ("Train", "test"):
            written(tmp_path / "parts", f"{part}/{label}/{i}.txt", f"{sentence} {part}")
    written(tmp_path / "classes", "README.md", "not a text")
    found = read_texts(tmp_path / "classes", min_count=1)
    assert dict(zip(found.names, found.sentences, strict=True))["neg/1.txt"] == "a bad film"
    assert (found.classes, found.labels.tolist()) == (("neg", "pos"), [0, 0, 1, 1])
    assert "1 other files passed by" in found.source
    same(read_texts(tmp_path / "flat", min_count=1), labels=False)
    train, test = (read_texts(tmp_path / "parts", part, min_count=1) for part in ("train", "test"))
    assert {one.split()[-1] for one in train.sentences} == {"Train"}
    assert {one.split()[-1] for one in test.sentences} == {"test"}
    assert test.vocabulary == train.vocabulary
    assert "test" not in test.vocabulary.words
    assert train.classes == test.classes == ("neg", "pos")
    written(tmp_path / "classes", "stray.txt", "a text")
    found = read_texts(tmp_path / "classes", min_count=1)
    assert found.labels is None
    assert "no labels: 1 files lie beside the folders of classes" in found.source


def test_nothing_of_the_test_part_gets_into_the_vocabulary(tmp_path: Path) -> None:
    path = written(tmp_path, "a.tsv", "".join(f"{i % 2}\tword{i} common\n" for i in range(40)))
    train, test = read_texts(path, "train", min_count=1), read_texts(path, "test", min_count=1)
    assert (len(train), len(test)) == (32, 8)
    assert not set(train.names) & set(test.names)
    assert set(train.vocabulary.words) == {word for one in train.sentences for word in one.split()}
    assert test.vocabulary == train.vocabulary
    assert test.take(torch.arange(8)).tolist() == [[1, 2]] * 8
    assert test.classes == train.classes
    assert np.bincount(test.labels).tolist() == [4, 4]


def test_labels_of_two_depths_and_a_test_file_of_its_own(tmp_path: Path) -> None:
    train = read_texts(written(tmp_path, "a.tsv", "B:y\tone\nA:x\ttwo\nB:z\tthree four\n"), min_count=1)
    assert [(name, labels.classes) for name, labels in train.targets.items()] == [
        ("coarse", ("A", "B")),
        ("fine", ("A:x", "B:y", "B:z")),
    ]
    assert train.labels.tolist() == [1, 0, 1]
    test = read_texts(written(tmp_path, "b.tsv", "B:z\tfour five\nB:q\tone\n"), like=train)
    assert test.spec == train.spec
    assert test.vocabulary is train.vocabulary
    assert test.labels.tolist() == [1, 1]
    assert test.targets["fine"].codes.tolist() == [2, 3]
    assert test.targets["fine"].classes == ("A:x", "B:y", "B:z", "B:q")


def refused(source: object, said: str, **options: object) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_texts(source, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.txt", b"", "a.txt: is empty"),
        ("a.tsv", b"\n \n", "a.tsv: is empty"),
        ("a.jsonl", b"", "a.jsonl: is empty"),
        ("a.txt", b"one\n\ntwo\n", "line 2 is empty; give documents='paragraphs'"),
        ("a.tsv", b"1\tone\n0\t \n", "line 2 has no text"),
        ("a.tsv", b"1\tone two\n\tthree four\n", "line 2 has no label and others have"),
        ("a.tsv", b"1\tone\n0\ttwo\tx\n", "line 2 has 3 columns where the first has 2"),
        ("a.tsv", b"label\tn\ttext\n1\t0\tone\n0\ttwo\n", "line 3 has 2 columns where the first has 3"),
        ("a.tsv", b"1\t2\tone\n", "3 columns without names in the first row"),
        ("a.tsv", b"label\twhat\n1\tone\n", "columns label, what, none of a usual name; name the text with text="),
        ("a.csv", b'text,label\n"a b,1\nc,0\n', "a.csv: line 2: .*mend its quotes"),
        ("a.csv", b"text,label\na, b,1\n", "line 2 has 3 columns.*quote cells"),
        ("a.txt", b"PK\x03\x04\0\0", "zero byte at line 1, byte 4"),
        ("a.txt", b"\x89PNG", r"not UTF-8 at line 1, byte 0 \(0x89\)"),
        ("a.tsv", b"1\tcaf\xe9\n", r"not UTF-8 at line 1, byte 5 \(0xe9\)"),
        ("a.jsonl", b'{"text": "a"}\n{"text"\n', "line 2 is no JSON"),
        ("a.jsonl", b'{"text": "a"}\n[1]\n', "line 2 is list, no object"),
        ("a.jsonl", b'{"text": "a"}\n{"x": "b"}\n', "line 2 has no field 'text'"),
        ("a.jsonl", b'{"text": "a", "label": 1}\n{"text": "b", "label": null}\n', "line 2 has no label"),
        ("a.jsonl", b'{"text": 3}\n', "'text' is int"),
        ("a.jsonl", b'{"words": "a"}\n', "columns words, none of a usual name"),
        (
            "a.tsv",
            "".join(f"{i}.5\tone two {i}\n" for i in range(50)).encode(),
            "50 values in 50 rows.*no classes",
        ),
        ("a.txt", b"once\n", "no word occurs 2 times in 1 texts; lower min_count"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    refused(written(tmp_path, name, data), said)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda place: place / "none.txt", "no such file or folder"),
        (lambda place: place, r"no \.txt files in it"),
        (lambda place: written(place, "b/a.txt", b" ").parent, "a.txt: is empty; take the file out"),
        (lambda _: [], "none; give texts"),
        (lambda _: ["a", " "], "number 1 is empty"),
        (lambda _: ["a", None], "row 1 has None where a text is meant"),
        (lambda _: [("a", 1), ("b", None)], "row 1 has no label and others have"),
        (lambda _: [(1, 2)], r"row 0: \(1, 2\) holds no string"),
        (lambda _: {"train": ["a"]}, "splits train; give one of them"),
        (lambda _: 3, "int; give a path, a list of strings, or a dataset"),
    ],
)
def test_sources_that_cannot_be_used(tmp_path: Path, make: Callable[[Path], object], said: str) -> None:
    refused(make(tmp_path), said)


def test_options_that_cannot_be_used(tmp_path: Path) -> None:
    path = written(tmp_path, "a.tsv", "label\ttext\n1\ta a\n0\tb b\n")
    for options, said in (
        ({"split": "dev"}, "split: 'dev'; one of train"),
        ({"encoding": "utf9"}, "encoding: 'utf9' is none that Python knows"),
        ({"text": "what"}, "no column 'what' among label, text"),
        ({"target": "topic"}, "no column 'topic' among label, text"),
        ({"tokens": 0}, "tokens: 0"),
    ):
        refused(path, said, **options)


@pytest.mark.data
def test_the_sentence_sets(real_data: Path) -> None:
    mpqa = read_texts(real_data / "sentences" / "MPQA.tsv")
    assert "2,363 duplicates" in mpqa.source
    assert len(mpqa) == 10_603
    train = read_texts(real_data / "sentences" / "TREC_train.tsv")
    test = read_texts(real_data / "sentences" / "TREC_test.tsv", like=train)
    assert (len(train), len(test)) == (5452, 500)
    assert [len(labels.classes) for labels in test.targets.values()] == [6, 50]
