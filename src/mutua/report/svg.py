"""SVG text made fit to stand inside a page, several to a page."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from markupsafe import Markup

from mutua.types import InputError

__all__ = ["inline", "natural_width"]

# What draws. All else is left out: styles would reach the whole page, metadata is for files, and scripts, links,
# animations and foreign objects could run or load things.
_DRAWN = {
    *("svg", "g", "defs", "symbol", "use", "image", "clipPath", "mask", "pattern", "marker"),
    *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan"),
    *("linearGradient", "radialGradient", "stop"),
}


def inline(text: str, key: str, label: str) -> Markup:
    """The `<svg>` of `text`, its ids prefixed by `key`, read out as `label` by a screen reader.

    Two figures of matplotlib share ids, and a reference to a shared one would land in the wrong figure.
    What could run or load something (scripts, handlers, links that leave the document) is left out.
    """
    root = _parse(text)
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) not in _DRAWN:
                parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        attributes = {_local(name): value for name, value in element.attrib.items()}
        element.attrib.clear()
        element.attrib.update(
            {name: _prefixed(name, value, key) for name, value in attributes.items() if _kept(name, value)}
        )
        element.tail = element.tail.strip() if element.tail else None
    width = natural_width(text)
    root.attrib["style"] = f"--w:{width:.0f}"
    root.attrib["role"] = "img"
    root.attrib["aria-label"] = label
    root.attrib.pop("width", None)
    root.attrib.pop("height", None)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def natural_width(text: str) -> float:
    """Width of the figure in CSS pixels at the size it was drawn for, from its viewBox, in points."""
    box = _parse(text).get("viewBox", "").replace(",", " ").split()
    if len(box) != 4:
        raise InputError("figure: the svg has no viewBox, so it cannot scale to the page; add one")
    return float(box[2]) * 96 / 72


def _parse(text: str) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise InputError(f"figure: no well-formed SVG ({error}); give the text of mutua.plots.svg") from None
    if _local(root.tag) != "svg":
        raise InputError(f"figure: an <{_local(root.tag)}> element is no figure; give an <svg> element")
    return root


def _local(name: object) -> str:
    # Comments have a function for a tag; HTML needs no namespaces for inline SVG.
    return name.rpartition("}")[2] if isinstance(name, str) else "metadata"


def _kept(name: str, value: str) -> bool:
    if name.lower().startswith("on"):
        return False
    if re.search(r"url\(\s*[^\s#]", value):
        return False
    return name not in ("href", "src") or value.startswith(("#", "data:image/"))


def _prefixed(name: str, value: str, key: str) -> str:
    if name == "id":
        return f"{key}-{value}"
    if name == "href" and value.startswith("#"):
        return f"#{key}-{value[1:]}"
    return re.sub(r"url\(#", f"url(#{key}-", value)
