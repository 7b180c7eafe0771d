"""Runs: a method trained from a recipe, kept in a folder, loaded, judged and exported from it."""

from mutua.evaluation.controls.supervised import SUPERVISED
from mutua.runs.export import to_onnx
from mutua.runs.folder import (
    CHECKPOINT,
    ENCODER,
    EVALUATION,
    REPORT,
    config,
    keep,
    load,
    method_of,
    plan_of,
    recipe_of,
    train,
    write,
)
from mutua.runs.judging import judge, read_tables, view_of, write_tables
from mutua.runs.recipe import CUSTOM, Recipe, check_fit, compose, defaults

__all__ = [
    "CHECKPOINT",
    "CUSTOM",
    "ENCODER",
    "EVALUATION",
    "REPORT",
    "SUPERVISED",
    "Recipe",
    "check_fit",
    "compose",
    "config",
    "defaults",
    "judge",
    "keep",
    "load",
    "method_of",
    "plan_of",
    "read_tables",
    "recipe_of",
    "to_onnx",
    "train",
    "view_of",
    "write",
    "write_tables",
]
