"""What folders say of splits and classes, from names alone."""

from pathlib import Path

import pytest

from mutua.data.files import Layout, layout_of, passed_by
from mutua.types import InputError

ROOT = Path("photos")


def layout(names: list[str], split: str = "train") -> tuple[list[str], dict[str, str], Layout]:
    """(Names of the rows, the class of each, the layout)."""
    names = sorted(names, key=lambda name: name.split("/"))
    found = layout_of(ROOT, [ROOT / name for name in names], split)
    rows = [names[row] for row in found.rows]
    if found.labels is None:
        assert found.classes == ()
        return rows, {}, found
    return rows, {names[row]: found.classes[found.labels[row]] for row in found.rows}, found


def tree(*folders: str, n: int = 2) -> list[str]:
    return [f"{folder}/{k}.png" for folder in folders for k in range(n)]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        *(("train", "test"), ("Train", "Test"), ("TRAIN", "VAL"), ("Training", "Testing"), ("train", "testing")),
        *(("training", "validation"), ("train", "dev"), ("train", "eval"), ("Train", "valid"), ("trn", "tst")),
        *(
            ("seg_train", "seg_test"),
            ("train2017", "val2017"),
            ("train_images", "test"),
            ("TrainingSet", "TestSet"),
        ),
        *(
            ("01_train", "02_test"),
            ("train-set", "dev set"),
            ("mnist.train", "mnist.test"),
            ("trainset", "testset"),
        ),
    ],
)
@pytest.mark.parametrize("above", ["", "data/", "archive/images/"])
def test_splits_in_any_spelling(train: str, test: str, above: str) -> None:
    names = [
        *tree(f"{above}{train}/ill", f"{above}{train}/well"),
        *tree(f"{above}{test}/ill", f"{above}{test}/well"),
    ]
    for split, name in (("train", train), ("test", test)):
        rows, classes, found = layout(names, split)
        assert rows == [one for one in sorted(names) if f"/{name}/" in f"/{one}"]
        assert found.classes == ("ill", "well")
        assert all(f"/{label}/" in one for one, label in classes.items())
        assert found.notes == ("classes ill, well",)


@pytest.mark.parametrize(
    "folders",
    [("train", "bus", "car"), ("train_station", "test_tube"), ("training", "resting"), ("mask", "train_mask")],
)
def test_classes_that_are_called_as_splits_are(folders: tuple[str, ...]) -> None:
    assert layout(tree(*folders), "all")[2].classes == tuple(sorted(folders))


def test_several_test_folders_and_what_else_lies_there() -> None:
    names = [*tree("train/a", "train/b", "val/a", "test/a", "test/b"), "cover.png"]
    rows, _, found = layout(names, "test")
    assert rows == tree("test/a", "test/b")
    assert found.notes == ("3 files outside its train and test folders left out: cover.png, ...", "classes a, b")
    assert layout(tree("train_1/a", "train_1/b", "train_2/a", "test_1/b"), "train")[0] == tree(
        "train_1/a", "train_1/b"
    )


def test_one_folder_more() -> None:
    for names in (tree("images/cat", "images/dog"), tree("a/b/cat", "a/b/dog"), tree("train/cat", "train/dog")):
        assert layout(names, "all")[2].classes == ("cat", "dog")
    names = tree("train/train/cat", "train/train/dog", "test/test/cat", "test/test/dog")
    assert layout(names, "test")[2].classes == ("cat", "dog")
    # A test set of one of the classes is one; a folder of another name in it is no class.
    assert set(layout(tree("train/cat", "train/dog", "test/dog"), "test")[1].values()) == {"dog"}
    assert layout(tree("train/cat", "train/dog", "test/unknown"), "test")[1] == {}


def test_a_flat_test_set_leaves_the_labels_of_train() -> None:
    names = [*tree("train/cat", "train/dog"), *tree("test")]
    assert layout(names, "train")[2].classes == ("cat", "dog")
    for split in ("test", "all"):
        found = layout(names, split)[2]
        assert found.labels is None
        assert found.notes == ("labels of its train folder alone, since the other has no class folders",)


def test_stray_files() -> None:
    labelled = tree("cat", "dog", n=10)
    rows, classes, found = layout([*labelled, "cover.png"], "all")
    assert rows == sorted(labelled)
    assert set(classes.values()) == {"cat", "dog"}
    assert found.notes == ("1 file in no class folder left out: cover.png", "classes cat, dog")
    many = [*labelled, *(f"{k}.png" for k in range(8))]
    rows, classes, found = layout(many, "all")
    assert rows == sorted(many, key=lambda name: name.split("/"))
    assert not classes
    assert found.notes == ("no labels: 8 of 28 files lie in no class folder",)
    assert layout([f"images/{name}" for name in labelled] + ["cover.png"], "all")[2].classes == ("cat", "dog")


def test_no_classes() -> None:
    for names in (["a.png", "b.png"], ["a.png", "sub/b.png"], tree("sub"), tree("train", "test")):
        rows, classes, found = layout(names, "all")
        assert (sorted(rows), classes, found.notes) == (sorted(names), {}, ())


def test_many_classes_are_told_by_number() -> None:
    assert layout(tree(*(f"c{k:02}" for k in range(12))), "all")[2].notes == ("12 classes, c00 to c11",)


def test_splits_by_names_and_all() -> None:
    names = tree("cat", "dog", n=40)
    train, test = layout(names, "train")[0], layout(names, "test")[0]
    assert sorted([*train, *test]) == sorted(names)
    assert 8 <= len(test) <= 24
    more = [*names, *tree("bird", n=30), *(f"cat/new{k}.png" for k in range(20))]
    assert set(test) <= set(layout(more, "test")[0])
    assert set(train) <= set(layout(more, "train")[0])
    with pytest.raises(InputError, match="photos: labels: class 'dog' has one example and a split needs two"):
        layout(["cat/a.png", "cat/b.png", "dog/a.png"])


def test_passed_by(tmp_path: Path) -> None:
    for name in ("a.HEIC", "b.heic", "c.png"):
        (tmp_path / name).touch()
    assert passed_by(tmp_path, {".heic", ".jp2"}) == ("2 files of formats that are not read left out: .heic",)
    assert passed_by(tmp_path, {".jp2"}) == ()
