from xml.etree import ElementTree

import matplotlib

from mutua import plots


def test_a_figure_scales_to_its_container_and_takes_the_colour_of_the_page():
    with plots.figure(4, 3) as (fig, axes):
        axes.plot([0, 1], [0, 1], label="line")
        axes.set_xlabel("x < y & z")
        axes.legend()
        text = plots.svg(fig)
    root = ElementTree.fromstring(text)
    assert root.attrib["viewBox"].split()[2:] == ["288", "216"]
    assert "width" not in root.attrib
    assert "height" not in root.attrib
    assert "currentColor" in text
    assert plots._INK not in text
    assert "<text" in text


def test_the_same_figure_is_the_same_text():
    def draw() -> str:
        with plots.figure() as (fig, axes):
            axes.fill_between([0, 1], [0, 0], [1, 1])
            return plots.svg(fig)

    assert draw() == draw()


def test_a_grid_of_axes_and_no_trace_in_the_settings():
    before = dict(matplotlib.rcParams)
    with plots.figure(4, 3, rows=2, columns=3) as (_, axes):
        assert axes.shape == (2, 3)
    assert dict(matplotlib.rcParams) == before
