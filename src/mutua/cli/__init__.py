"""The command line. Each verb is a frozen dataclass: its fields are the arguments, calling it does the work."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import tyro
from tyro.conf import OmitArgPrefixes, OmitSubcommandPrefixes, subcommand

from mutua.cli.demo import Demo
from mutua.cli.embed import Embed, Export
from mutua.cli.evaluate import Evaluate
from mutua.cli.information import Information
from mutua.cli.listing import Data, Methods
from mutua.cli.report import Report
from mutua.cli.studies import Studies, chosen_study
from mutua.cli.train import Resume, Train
from mutua.cli.unmix import Unmix
from mutua.cli.words import Embeddings
from mutua.training import Interrupted
from mutua.types import InputError

__all__ = ["main"]

Verb = (
    Annotated[Demo, subcommand("demo")]
    | Annotated[Train, subcommand("train")]
    | Annotated[Resume, subcommand("resume")]
    | Annotated[Evaluate, subcommand("evaluate")]
    | Annotated[Embed, subcommand("embed")]
    | Annotated[Report, subcommand("report")]
    | Annotated[Studies, subcommand("study")]
    | Annotated[Unmix, subcommand("unmix")]
    | Annotated[Information, subcommand("mi")]
    | Annotated[Embeddings, subcommand("words")]
    | Annotated[Export, subcommand("export")]
    | Annotated[Data, subcommand("data")]
    | Annotated[Methods, subcommand("methods")]
)


def main(args: Sequence[str] | None = None) -> int:
    """Run a command line. Returns the exit code: 0 done, 2 an input that can't be used, 130 stopped by Ctrl-C."""
    verb = chosen_study(args) or tyro.cli(
        Verb,  # type: ignore[arg-type]
        prog="mutua",
        description="Representations of data without labels.",
        args=args,
        config=(OmitArgPrefixes, OmitSubcommandPrefixes),
    )
    try:
        verb()
    except InputError as error:
        print(f"mutua: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except Interrupted as error:
        resume = f"; go on with: mutua resume {error.path.parent}" if error.path is not None else ""
        print(f"mutua: {error}{resume}", file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        print("mutua: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    return 0
