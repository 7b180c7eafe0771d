"""A page: blocks put one after another in one HTML file that loads nothing."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mutua.data.store import replacing
from mutua.report.svg import inline
from mutua.types import InputError

__all__ = ["Block", "page", "write"]


@dataclass(frozen=True)
class Block:
    """A piece of a page: a template of `mutua/report/templates`, the values it is filled with, a heading.

    Values are plain text and numbers: the template escapes them. The page gives each block an id of its own,
    so the same block can stand on a page twice.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    heading: str = ""


def page(
    title: str,
    blocks: Sequence[Block],
    *,
    subtitle: str = "",
    settings: Mapping[str, Any] | None = None,
    date: str = "",
) -> str:
    """The HTML of a page: title, blocks in order, settings as JSON, and what it was made with.

    Nothing is loaded from anywhere: styles, script and pictures are in the text, and a content security policy
    forbids the rest. The same arguments give the same text on the same machine.

    Args:
        title, subtitle: plain text, escaped like all text on the page.
        blocks: from the functions of `mutua.report`.
        settings: what the numbers were made with; shown as JSON, folded.
        date: today's by default.
    """
    script = _text("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template("page.html")
        .render(
            title=title,
            subtitle=subtitle,
            blocks=blocks,
            contents=[(f"b{i}", block.heading) for i, block in enumerate(blocks, 1) if block.heading],
            settings=_json(settings) if settings else "",
            made_with=_versions(),
            date=date or datetime.date.today().isoformat(),
            style=Markup(_text("page.css")),
            script=Markup(script),
            digest=digest,
        )
    )


def write(path: str | Path, html: str) -> None:
    """Write a page whole or not at all: to a file beside `path`, which then takes its place."""
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it, or write the page elsewhere")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file in it, such as {path / 'report.html'}")
    with replacing(path) as file:
        # File names that are no UTF-8 reach here as lone surrogates, which no page can hold as they are.
        file.write(html.encode("utf-8", "backslashreplace"))
    path.chmod(0o644)  # the temporary file's 0600 would keep colleagues and web servers out


@cache
def _text(name: str) -> str:
    return (files("mutua.report") / "templates" / name).read_text(encoding="utf-8").strip()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mutua.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["inline"] = inline
    return environment


def _json(settings: Mapping[str, Any]) -> str:
    return json.dumps(settings, indent=2, ensure_ascii=False, default=str)


def _versions() -> str:
    found = []
    for name in ("mutua", "torch", "numpy", "scikit-learn"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    plural = "" if cores == 1 else "s"
    found.append(f"Python {platform.python_version()}")
    return ", ".join(found) + f"; {platform.system()} {platform.machine()}, {cores} core{plural}"
