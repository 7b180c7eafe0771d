import numpy as np
import pytest

from mutua import report
from mutua.report.figures import _smoothed
from mutua.report.svg import inline, natural_width
from mutua.types import InputError
from report.report_samples import Reader, drawing


def test_inlining_drops_what_could_run_or_load():
    text = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
      viewBox="0 0 72 72"
      onload="alert(1)"><script>alert(2)</script><style>p{}</style><foreignObject><p>x</p></foreignObject>
      <a href="https://x.org"><circle r="1"/></a><animateTransform attributeName="href" to="x"/>
      <image xlink:href="https://x.org/a.png"/><image xlink:href="data:image/png;base64,AA"/>
      <g fill="url(https://x.org/#a)" style="fill:url( 'https://x.org')"><use xlink:href="#m"/></g>
      <path id="m" clip-path="url(#c)" ONCLICK="x"/><clipPath id="c"><rect/></clipPath><!-- words --></svg>"""
    out = str(inline(text, "b1", 'a "label"'))
    reader = Reader(out)
    assert [tag for tag, _ in reader.elements] == ["svg", "image", "image", "g", "use", "path", "clippath", "rect"]
    assert "x.org" not in out
    assert "alert" not in out
    assert "onclick" not in out.lower()
    assert reader.all("svg")[0]["aria-label"] == 'a "label"'
    assert reader.all("use")[0]["href"] == "#b1-m"
    assert reader.all("path")[0] == {"id": "b1-m", "clip-path": "url(#b1-c)"}
    assert [a.get("href") for a in reader.all("image")] == [None, "data:image/png;base64,AA"]


def test_the_width_is_that_of_the_figure():
    assert natural_width(drawing()) == pytest.approx(3 * 96)


@pytest.mark.parametrize(
    ("text", "message"),
    [("<svg", "no well-formed SVG"), ("<p/>", "an <p> element is no figure"), ("<svg/>", "has no viewBox")],
)
def test_what_is_no_figure_is_refused_where_it_is_given(text, message):
    with pytest.raises(InputError, match=message):
        report.figure(text, "caption")


def test_curves_of_constant_broken_and_missing_values():
    rows = [{"step": i, "loss": 1.0 / (i + 1), "t": 0.5, "never": "", "text": "words"} for i in range(10)]
    rows[3]["loss"] = float("nan")
    rows[4]["loss"] = "inf"
    rows[5]["loss"] = None
    values = report.curves(rows).values
    assert [panel["name"] for panel in values["panels"]] == ["loss"]
    assert values["note"] == "Constant throughout: t = 0.5. Values that are NaN or infinite, left out: loss 2."
    assert values["axis"] == "step"


def test_curves_need_rows_and_do_without_a_rising_axis():
    with pytest.raises(InputError, match="metrics: no row"):
        report.curves([])
    assert report.curves([{"step": 2, "a": 1}, {"step": 1, "a": 2}]).values["axis"] == "row"
    assert report.curves([{"a": 1}]).values["panels"][0]["last"] == "1"


def test_the_last_value_is_of_the_last_row_and_long_runs_stay_small():
    rows = [{"epoch": i, "loss": -float(i)} for i in range(5000)]
    panel = report.curves(rows).values["panels"][0]
    assert panel["last"] == "−4999"
    assert len(panel["svg"]) < 60_000


def test_smoothing_is_the_centred_mean_of_a_window_cut_at_the_ends():
    y = np.random.default_rng(0).normal(size=90)
    half = 2
    slow = [y[max(0, i - half) : i + half + 1].mean() for i in range(90)]
    np.testing.assert_allclose(_smoothed(y), slow)
    assert _smoothed(y[:39]) is None


def test_players_keep_bytes_and_name_what_is_no_sound():
    kinds = {b"RIFFx": "wav", b"fLaCx": "flac", b"OggSx": "ogg", b"ID3x": "mpeg", b"\xff\xfbx": "mpeg"}
    players = [report.Player("p", source) for source in kinds]
    sources = [player["src"] for player in report.audio(players).values["players"]]
    assert [source.split(";")[0] for source in sources] == [f"data:audio/{kind}" for kind in kinds.values()]
    with pytest.raises(InputError, match=r"x: the bytes are no WAV"):
        report.audio([report.Player("x", b"\0\1")])
    for path in ("/etc/a.wav", "http://x/a.wav", "javascript:alert(1)", "\\\\x\\a.wav"):
        with pytest.raises(InputError, match="isn't relative to the page"):
            report.audio([report.Player("x", path)])
    with pytest.raises(InputError, match="no viewBox"):
        report.audio([report.Player("x", "a.wav", spectrogram="<svg/>")])
