"""The table of verbs: its help is light, it is true of the classes, and what completes a command line knows it."""

import subprocess
import sys

import pytest

import mutua
from mutua.cli import VERBS, main
from mutua.studies import STUDIES


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    try:
        code = main([*arguments])
    except SystemExit as error:
        code = error.code
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def imported(*arguments: str) -> set[str]:
    """The modules that a command line imports."""
    code = f"""
import sys
from mutua.cli import main
try:
    main({list(arguments)!r})
except SystemExit:
    pass
print(); print("MODULES", *sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_help_lists_every_verb_and_imports_none(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    code, out, _ = run(capsys, "--help")
    assert code == 0
    for name, verb in VERBS.items():
        assert any(name in line and verb.about in line for line in out.splitlines()), name
    modules = imported("--help")
    assert not modules & {"torch", "numpy", "sklearn", "numba", "matplotlib", "lightning_fabric"}
    assert not {name for name in modules if name.startswith("mutua.")} - {"mutua.cli", "mutua.moved"}


@pytest.mark.parametrize("verb", ["data", "methods", "study"])
def test_a_verbs_help_imports_that_verb_and_not_the_library(verb):
    modules = imported(verb, "--help")
    assert VERBS[verb].module in modules
    assert not modules & {verb.module for verb in VERBS.values()} - {VERBS[verb].module}
    assert not modules & {"sklearn", "numba", "matplotlib", "lightning_fabric", "mutua.methods", "mutua.ica"}


def test_no_verbs_help_imports_what_trains_or_draws():
    # In one process: what none of them imports, each does without.
    heavy = ("lightning_fabric", "matplotlib", "sklearn", "numba", "pandas", "torch._dynamo")
    code = f"""
import sys
from mutua.cli import VERBS
for verb in VERBS.values():
    verb.load()
    print(*[module for module in {heavy} if module in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.split(), done.stdout


@pytest.mark.parametrize("name", VERBS)
def test_a_verbs_help_is_of_that_verb(name, capsys):
    code, out, _ = run(capsys, name, "--help")
    assert code == 0
    assert out.startswith(f"usage: mutua {name} [-h]")


def test_version(capsys):
    assert run(capsys, "--version") == (0, f"mutua {mutua.__version__}\n", "")


@pytest.mark.parametrize("arguments", [(), ("fly",), ("--epochs", "3"), ("trai", "simclr")])
def test_what_is_no_verb_is_refused_with_the_verbs_named(arguments, capsys):
    code, _, errors = run(capsys, *arguments)
    assert code == 2
    assert "Traceback" not in errors
    assert "evaluate" in errors


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_verbs_methods_options_and_studies(shell, capsys):
    code, script, _ = run(capsys, "--tyro-print-completion", shell)
    assert not code  # tyro exits with None
    for word in (*VERBS, "deep_infomax", "temperature", *STUDIES):
        assert word in script, word


def test_methods_are_chosen_by_words(capsys):
    code, out, _ = run(capsys, "methods", "KRASKOV", "estimator")
    assert code == 0
    assert "ksg" in out
    assert "simclr" not in out
    code, _, errors = run(capsys, "methods", "sausages")
    assert code == 2
    assert errors == "mutua: words: nothing has 'sausages'; mutua methods lists all\n"
