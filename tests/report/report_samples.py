"""What the tests of the report share: a small run, and a reader that knows whether a page is well formed."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import numpy as np

from mutua import plots

EVIL = "<script>alert(1)</script>"
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Reader(HTMLParser):
    """Elements with their attributes, texts by element, and every tag closed in the order it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag: str) -> str:
        return "".join(text for name, text in self.texts if name == tag)


def drawing() -> str:
    with plots.figure(3, 2) as (fig, axes):
        axes.plot([0, 1], [0, 1])
        axes.fill_between([0, 1], [0, 0], [1, 2], alpha=0.2)
        return plots.svg(fig)


def run(n: int = 24, channels: int = 1) -> dict[str, Any]:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (n, channels, 8, 8), dtype=np.uint8)
    return {
        "features": images.reshape(n, -1) / 255,
        "images": images,
        "labels": [EVIL if i % 3 == 0 else f"c{i % 3}" for i in range(n)],
        "names": [f"a/{EVIL}{i}.png" for i in range(n)],
    }
