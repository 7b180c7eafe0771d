"""Runs judged side by side, beside their controls."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from mutua.data import KINDS, Examples
from mutua.data.fingerprints import Recorded
from mutua.encoders import Ordered, Readable
from mutua.evaluation import (
    RANDOM,
    RANDOM_NOTE,
    Learned,
    Matched,
    evaluate,
    finetune,
    left_out_table,
    nats_learned,
    nats_table,
    piece_table,
    random_twin,
    retrieval_table,
    supervised,
    unlabelled_tables,
)
from mutua.evaluation.controls.supervised import SUPERVISED
from mutua.runs.folder import EVALUATION, learned_from, load, recipe_of, telling, write
from mutua.runs.recipe import CUSTOM, Recipe, check_fit, compose, network
from mutua.training import Plan
from mutua.types import Encoder, InputError, Table, View, names

__all__ = ["FULL", "beside_controls", "judge", "read_tables", "view_of", "write_tables"]

FULL = "full supervision"


def view_of(recipe: Recipe, encoder: nn.Module | None = None) -> View | None:
    """The view that the recipe's method draws, where it draws any."""
    method = compose(recipe, encoder)
    for owner in (method, getattr(method, "puzzle", None)):
        if (view := getattr(owner, "view", None)) is not None:
            return view
    return None


def judge(
    runs: Sequence[Path],
    train: Examples,
    test: Examples,
    *,
    probes: Sequence[str] = ("linear", "knn"),
    depths: Sequence[str] | None = None,
    labels_per_class: Sequence[int] = (),
    few_label_probes: Sequence[str] = ("1-nn", "linear"),
    draws: int = 5,
    decodable: Sequence[str] = (),
    with_supervision: bool = False,
    with_finetuning: Sequence[int] = (),
    supervised_plan: Plan = SUPERVISED,
    pieces: int = 0,
    leave_out: str | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Callable[[str], None] | None = None,
) -> list[Table]:
    """Tables of runs, under raw input and a random encoder, and on request full supervision.

    With labels: accuracies with all of them and with few. Without: what can be said without. Of runs whose task
    predicts classes, either way: the nats that they learned, told on `test`.

    Args:
        runs: folders, or encoder files.
        train, test: examples; probes learn on the one and are read on the other.
        probes, depths, labels_per_class, few_label_probes, draws, decodable, seed: see
            `mutua.evaluation.evaluate`.
        with_supervision: train the first run's network on all labels, as another row.
        with_finetuning: numbers of labels a class to fine-tune each run with; 0 for all.
        pieces: of each example, to be judged by themselves in another table; 0 for none.
        leave_out: a target, such as speaker, each of whose values is left out in turn in another table.
        supervised_plan: how the supervised control is trained; its view is the first run's.
        device: where encoders run.
        progress: called with what is being done.
    """
    say = progress or (lambda words: None)
    recipes = _named(runs)
    encoders: dict[str, Any] = {name: load(run) for name, run in zip(recipes, runs, strict=True)}
    first = next(iter(recipes.values()))
    for name, recipe in recipes.items():
        check_fit(recipe, train, name)

    def fresh() -> nn.Module:
        return network(first)

    if first.encoder != CUSTOM:
        say("a random encoder")
        encoders = {RANDOM: random_twin(fresh, train, seed=seed, device=device), **encoders}
    learned: dict[str, Learned] = {}
    both: dict[str, Matched] = {}
    for name, run in zip(recipes, runs, strict=True):
        if (method := telling(run, encoders[name])) is not None:
            say(f"{name}: nats learned")
            learned[name] = nats_learned(method, test, seed=seed, device=device)
            if isinstance(method, Matched) and len(test) > 1:
                both[name] = method
    told = [nats_table(learned, test)] if learned else []
    if both:
        say("retrieval")
        told.append(retrieval_table(both, test, device=device))
    seen = [words for name, run in zip(recipes, runs, strict=True) if (words := _seen_before(name, run, test))]
    if train.labels is None:
        found = unlabelled_tables(encoders, test, depths=depths, view=view_of(first), seed=seed, progress=say)
        return [_noted(table, *seen) for table in (*told, *found)]
    notes = [RANDOM_NOTE, *seen]
    if with_supervision:
        say(FULL)
        control, score = supervised(fresh, train, test, view=view_of(first), plan=supervised_plan, progress=True)
        encoders[FULL] = control.encoder.eval()
        notes.append(
            f"{score.protocol[0].upper()}{score.protocol[1:]}: its own head reads {score.accuracy:.2f} %."
        )
    tables = evaluate(
        encoders,
        train,
        test,
        probes=probes,
        depths=depths,
        labels_per_class=labels_per_class,
        few_label_probes=few_label_probes,
        draws=draws,
        decodable=decodable,
        seed=seed,
        device=device,
        progress=say,
    )
    tables = [_noted(table, *notes) for table in tables]
    if pieces:
        ordered = {name: encoder for name, encoder in encoders.items() if isinstance(encoder, Ordered)}
        if not ordered:
            raise InputError("pieces: none of these encoders reads an example in pieces; leave it out")
        tables.append(piece_table(ordered, train, test, each=pieces, seed=seed, device=device, progress=say))
    if leave_out is not None:
        tables.append(left_out_table(encoders, train, test, leave_out, seed=seed, device=device, progress=say))
    if learned:
        tables[0] = _with_nats(tables[0], learned)
        tables += [_noted(table, *seen) for table in told]
    if with_finetuning:
        tables.append(_finetuned({n: encoders[n] for n in recipes}, train, test, with_finetuning, seed, say))
    tables += unlabelled_tables(encoders, test, depths=depths, view=view_of(first), seed=seed, progress=say)
    return tables


def _named(runs: Sequence[Path]) -> dict[str, Recipe]:
    """Each run's recipe by the run's name, or by its path where names are not enough."""
    recipes = {_name(run): recipe_of(run) for run in runs}
    if len(recipes) < len(runs):
        recipes = {str(run): recipe_of(run) for run in runs}
    if len(recipes) < len(runs):
        raise InputError("runs: one is named twice; name each once")
    return recipes


def beside_controls(
    runs: Sequence[Path],
    train: Examples,
    test: Examples,
    plan: Plan,
    *,
    seed: int = 0,
    device: str = "cpu",
    progress: Callable[[str], None] | None = None,
) -> dict[str, Readable]:
    """The encoders of runs of one network, after it untrained and before it with full supervision, by name.

    Raises `InputError` where the runs are of several networks, and for examples without labels.
    """
    say = progress or (lambda words: None)
    recipes = _named(runs)
    kinds = {recipe.encoder for recipe in recipes.values()}
    if len(kinds) > 1 or CUSTOM in kinds:
        raise InputError(f"runs: of {names(kinds)}; give runs of one network that is known by name")
    for name, recipe in recipes.items():
        check_fit(recipe, train, name)
    first = next(iter(recipes.values()))
    found: dict[str, Any] = {RANDOM: random_twin(lambda: network(first), train, seed=seed, device=device)}
    found |= {name: load(run) for name, run in zip(recipes, runs, strict=True)}
    say(FULL)
    control, _ = supervised(lambda: network(first), train, test, view=view_of(first), plan=plan, progress=True)
    return {**found, FULL: control.encoder.eval()}


def _noted(table: Table, *notes: str) -> Table:
    return Table(table.title, table.columns, table.rows, " ".join([table.note, *notes]).strip())


def _with_nats(table: Table, learned: Mapping[str, Learned]) -> Table:
    """The table of accuracies with what each run's task taught beside them; nothing beside what has no task."""
    rows = [[*row, learned[row[0]].nats if row[0] in learned else None] for row in table.rows]
    note = "Nats learned: of the task's own label on test, see the table of that name."
    return Table(table.title, [*table.columns, "nats learned"], rows, f"{table.note} {note}")


def _seen_before(name: str, run: Path, test: Examples) -> str:
    """A sentence where a run learned, without labels, from examples that it is tested on; "" elsewhere."""
    trained, tested = learned_from(run if run.is_dir() else run.parent), Recorded.of(test)
    if trained is None or tested is None:
        return ""
    known = np.isin(tested.marks, trained.marks)
    if not known.any():
        return ""
    first = (
        "" if tested.names is None else f" ({tested.names[int(known.argmax())]}{', ...' * int(known.sum() > 1)})"
    )
    plural = KINDS[test.spec.kind].plural
    return f"{known.sum():,} of the {len(known):,} {plural} tested on are among those {name} learned from{first}."


def _finetuned(
    encoders: Mapping[str, Encoder],
    train: Examples,
    test: Examples,
    counts: Sequence[int],
    seed: int,
    say: Callable[[str], None],
) -> Table:
    rows, protocol = [], ""
    for name, encoder in encoders.items():
        cells: list[Any] = [name]
        for count in counts:
            say(f"{name}: fine-tuning with {count or 'all'} labels a class")
            assert isinstance(encoder, nn.Module)
            _, score = finetune(encoder, train, test, labels_per_class=count or None)
            cells.append(score.accuracy)
            protocol = score.protocol
        rows.append(cells)
    columns = ["encoder", *(str(count) if count else "all" for count in counts)]
    return Table("Fine-tuned", columns, rows, f"Percent right on test, by labels a class. {protocol}.")


def _name(run: Path) -> str:
    whole = run.resolve()  # "." has no name
    return whole.name if run.is_dir() else whole.parent.name


def write_tables(run: Path, tables: Sequence[Table]) -> None:
    """Keep the tables in the run's folder."""
    write(run / EVALUATION, json.dumps([asdict(table) for table in tables], indent=2) + "\n")


def read_tables(run: Path) -> list[Table]:
    """The tables kept in a run's folder; none where it was not evaluated."""
    path = run / EVALUATION
    if not path.exists():
        return []
    try:
        tables = [Table(**table) for table in json.loads(path.read_text(encoding="utf-8"))]
        for table in tables:
            table.records()  # a row too long or too short is a ValueError
        return tables
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{path}: holds no tables of mutua ({error}); run `mutua evaluate {run}` again"
        ) from error
