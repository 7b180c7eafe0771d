"""The package as it is imported: submodules on demand, the version, and the paths of the version before."""

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import mutua
from mutua import moved

ROOT = Path(__file__).parents[1]


def fresh(code: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_import_alone_imports_nothing_heavy():
    heavy = ("torch", "numpy", "scipy", "sklearn", "numba", "matplotlib", "tyro", "rich")
    code = f"import sys, mutua; print([name for name in {heavy} if name in sys.modules])"
    assert fresh(code) == "[]"


def test_a_submodule_is_there_without_being_imported():
    code = "import mutua; print(mutua.bounds.dv.__name__, mutua.mutual_information.__name__)"
    assert fresh(code) == "dv mutual_information"
    with pytest.raises(AttributeError, match=r"no attribute 'sausages'"):
        mutua.sausages  # noqa: B018


def test_dir_shows_the_library():
    assert {"ica", "words", "bounds", "load", "mutual_information", "catalogue", "__version__"} <= set(dir(mutua))
    for name in dir(mutua):
        assert getattr(mutua, name) is not None
    packages = {path.parent.name for path in Path(mutua.__file__).parent.glob("*/__init__.py")}
    assert packages - set(dir(mutua)) == {"cli", "kernels", "streamed"}, (
        "a new package is to be shown, or is internal"
    )


def test_the_version_has_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert (ROOT / project["tool"]["hatch"]["version"]["path"]).samefile(mutua.__file__)
    assert [int(part) for part in mutua.__version__.split(".")[:2]] >= [0, 1]


@pytest.mark.parametrize("old", moved.MOVED)
def test_an_old_path_gives_the_new_module_and_says_so(old):
    # Another test may have imported it already.
    sys.modules.pop(old, None)
    new = moved.MOVED[old]
    with pytest.warns(DeprecationWarning, match=rf"{old} is now {new};") as warned:
        module = importlib.import_module(old)
    assert vars(module).items() >= vars(importlib.import_module(new)).items()
    assert Path(warned[0].filename).name != "moved.py"
    assert not (Path(mutua.__file__).parents[1] / (old.replace(".", "/") + ".py")).exists()


def test_an_old_path_leaves_the_function_of_that_name_callable():
    code = "import mutua.data.datasets, mutua.data.folder; from mutua import data;"
    code += " print(data.datasets().title, data.folder.__doc__[:6], data.folder.folder is data.folder._function)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Data sets A fold"), done.stdout


def test_the_line_that_imports_is_the_one_warned_of():
    code = "import warnings; warnings.simplefilter('always')\nfrom mutua.bounds.clipped import smile"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "<string>:2: DeprecationWarning: mutua.bounds.clipped is now mutua.bounds.smile" in done.stderr


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("mutua.ica.linear", "LinearICA"),
        ("mutua.evaluation.probes", "knn"),
        ("mutua.evaluation.sources", "matched"),
        ("mutua.evaluation.unlabelled", "alignment"),
        ("mutua.information.estimators", "ESTIMATORS"),
        ("mutua.information.default", "EFFORTS"),
    ],
)
def test_a_package_that_took_a_modules_name_gives_its_names(package, name):
    module = importlib.import_module(package)
    with pytest.warns(DeprecationWarning, match=rf"{package}.{name} is now in {package}\."):
        found = getattr(module, name)
    assert found is not None
    with pytest.raises(AttributeError):
        module.sausages  # noqa: B018


def test_a_path_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("mutua.ica.sausages")
