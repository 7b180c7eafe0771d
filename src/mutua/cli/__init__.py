"""The command line. Each verb is a frozen dataclass: its fields are the arguments, calling it does the work.

The verbs are a table of words, so that `mutua --help` imports none of them and `mutua VERB` that one alone.
"""

from __future__ import annotations

import functools
import importlib
import operator
import sys
from collections.abc import Sequence
from dataclasses import dataclass, make_dataclass
from typing import Annotated, Any, cast

import tyro
from tyro.conf import OmitArgPrefixes, OmitSubcommandPrefixes, subcommand

__all__ = ["VERBS", "Verb", "main"]

DESCRIPTION = "Representations of data without labels."
_COMPLETIONS = ("--tyro-print-completion", "--tyro-write-completion")
_CONFIG = (OmitArgPrefixes, OmitSubcommandPrefixes)


@dataclass(frozen=True)
class Verb:
    """A verb: the module and the name of the class that holds its arguments, and what it does, in a line."""

    module: str
    name: str
    about: str

    def load(self) -> type:
        """Its class, imported now."""
        return cast(type, getattr(importlib.import_module(self.module), self.name))


VERBS: dict[str, Verb] = {
    "demo": Verb(
        "mutua.cli.demo", "Demo", "Learn from handwritten digits without labels, judge with few, make a page."
    ),
    "train": Verb("mutua.cli.train", "Train", "Learn an encoder without labels."),
    "resume": Verb("mutua.cli.train", "Resume", "Go on with a training that was stopped."),
    "evaluate": Verb("mutua.cli.evaluate", "Evaluate", "Judge encoders, with labels, few labels or none."),
    "embed": Verb("mutua.cli.embed", "Embed", "Write the features of data to a file."),
    "report": Verb(
        "mutua.cli.report", "Report", "Make a page of a run: curves, tables, a map, neighbours, views."
    ),
    "attention": Verb(
        "mutua.cli.attention",
        "Attention",
        "Show where networks look, beside one with labels and an untrained one.",
    ),
    "study": Verb("mutua.cli.studies", "Studies", "The lecture's tables and figures, measured anew."),
    "unmix": Verb(
        "mutua.cli.unmix",
        "Unmix",
        "Unmix recordings of several microphones, or other channels, into their sources.",
    ),
    "mi": Verb(
        "mutua.cli.information", "Information", "Mutual information of two arrays, or of a table's columns."
    ),
    "usable": Verb("mutua.cli.codes", "Usable", "Usable information of a file of vectors and labels, in bits."),
    "disentangle": Verb("mutua.cli.codes", "Disentangle", "How disentangled codes are, given their true factors."),
    "words": Verb("mutua.cli.words", "Embeddings", "Word vectors: learn them from text, query and evaluate them."),
    "export": Verb("mutua.cli.embed", "Export", "Write an encoder as ONNX."),
    "data": Verb("mutua.cli.listing", "Data", "List the data sets known by name, and whether they are here."),
    "methods": Verb(
        "mutua.cli.listing",
        "Methods",
        "List every method, estimator, bound, critic, encoder, view, probe and study.",
    ),
}


def main(args: Sequence[str] | None = None) -> int:
    """Run a command line. Returns the exit code: 0 done, 2 an input that can't be used, 130 stopped by Ctrl-C."""
    given = list(sys.argv[1:] if args is None else args)
    if given == ["--version"]:
        import mutua

        print(f"mutua {mutua.__version__}")
        return 0
    if not given or given[0] not in VERBS:
        # Help, or a word that is no verb; a completion script knows the arguments of all.
        everything = bool(given) and given[0] in _COMPLETIONS
        _parsed(_any_verb(everything), "mutua", given, DESCRIPTION)
        return 0
    return _run(given)


def _run(given: list[str]) -> int:
    """Run a command line whose first word is a verb."""
    cls = VERBS[given[0]].load()
    from mutua.types import InputError

    try:
        verb = None
        if given[0] == "study":
            from mutua.cli.studies import chosen_study

            verb = chosen_study(given)
        (verb or _parsed(cls, f"mutua {given[0]}", given[1:]))()
    except InputError as error:
        print(f"mutua: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("mutua: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:
        # Looked up only now: what trains has imported it, and nothing else can have raised it.
        training = sys.modules.get("mutua.training.stopping")
        if training is None or not isinstance(error, training.Interrupted):
            raise
        resume = f"; go on with: mutua resume {error.path.parent}" if error.path is not None else ""
        print(f"mutua: {error}{resume}", file=sys.stderr)
        return 130
    return 0


def _parsed(kind: Any, prog: str, args: Sequence[str], description: str | None = None) -> Any:
    return tyro.cli(kind, prog=prog, description=description, args=args, config=_CONFIG)


def _any_verb(everything: bool) -> Any:
    """The union of all verbs: with their arguments, or their names and lines alone."""
    classes: dict[str, type] = {name: make_dataclass(verb.name, []) for name, verb in VERBS.items()}
    if everything:
        from mutua.cli.studies import completed

        classes = {name: verb.load() for name, verb in VERBS.items()} | {"study": completed()}
    kinds = [Annotated[classes[name], subcommand(name, description=verb.about)] for name, verb in VERBS.items()]
    return functools.reduce(operator.or_, kinds)
