"""Results as one HTML page that loads nothing: blocks, put in order, written whole.

>>> from mutua.types import Table
>>> accuracy = Table("k-NN", ["encoder", "%"], [["raw", 63.0]])
>>> html = page("Two encoders", [words(["What was compared."]), table(accuracy)])
>>> html.startswith("<!doctype html>")
True
"""

from mutua.report.attention import attention_page
from mutua.report.figures import curves, figure
from mutua.report.maps import Projection, embedding_map, project
from mutua.report.neighbours import gallery, nearest
from mutua.report.page import Block, page, write
from mutua.report.pictures import image_grid
from mutua.report.run import run_page
from mutua.report.sound import Player, audio
from mutua.report.study import study_page
from mutua.report.terminal import terminal
from mutua.report.text import papers, references, result, table, words

__all__ = [
    "Block",
    "Player",
    "Projection",
    "attention_page",
    "audio",
    "curves",
    "embedding_map",
    "figure",
    "gallery",
    "image_grid",
    "nearest",
    "page",
    "papers",
    "project",
    "references",
    "result",
    "run_page",
    "study_page",
    "table",
    "terminal",
    "words",
    "write",
]
