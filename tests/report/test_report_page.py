import base64
import hashlib
import json
import os
import re
import stat
from pathlib import Path

import pytest

from mutua import report
from mutua.types import InputError, Result, Table
from report.report_samples import EVIL, Reader, drawing, run


def whole() -> str:
    """A page with every kind of block, hostile text wherever a caller can put text."""
    one = run()
    table = Table(EVIL, ["encoder", EVIL], [[EVIL, (63.0, 1.2)], ["raw", EVIL]], note=EVIL)
    drawn = drawing()
    blocks = [
        *report.result(Result(EVIL, [table], {EVIL: drawn, "again": drawn}, [EVIL])),
        report.table(table, best=0),
        report.curves([{"step": i, EVIL: i**2, "loss": 1 / (i + 1)} for i in range(60)], heading=EVIL),
        report.image_grid({EVIL: one["images"], "view": one["images"]}, caption=EVIL, heading="Views"),
        report.embedding_map(**one, heading="Map"),
        report.embedding_map(one["features"], labels=[f"{EVIL}{i % 13}" for i in range(24)]),
        report.gallery(**one),
        report.gallery(one["features"], one["images"], names=one["names"]),
        report.audio([report.Player(EVIL, b"RIFF....", EVIL, drawn), report.Player("b", "a b#.wav")]),
        report.references([f"{EVIL} arXiv:1807.03748", EVIL]),
    ]
    return report.page(EVIL, blocks, subtitle=EVIL, settings={EVIL: "</script></pre>"}, date="2026-01-02")


@pytest.fixture(scope="module")
def html() -> str:
    return whole()


@pytest.fixture(scope="module")
def reader(html: str) -> Reader:
    return Reader(html)


def test_the_page_is_well_formed_and_its_ids_are_unique(reader):
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) > 20
    assert len(ids) == len(set(ids))


def test_every_reference_inside_the_page_finds_its_target(html, reader):
    ids = {attributes.get("id") for _, attributes in reader.elements}
    wanted = {a["href"][1:] for _, a in reader.elements if (a.get("href") or "").startswith("#")}
    wanted |= {
        a[name] for _, a in reader.elements for name in ("aria-labelledby", "aria-describedby") if name in a
    }
    wanted |= set(re.findall(r"url\(#([^)]+)\)", html))
    assert wanted
    assert wanted <= ids


def test_hostile_text_stays_text(html, reader):
    assert EVIL not in html
    kinds = [attributes.get("type") for attributes in reader.all("script")]
    assert kinds == ["application/json", "application/json", None]
    assert reader.text("h1") == reader.text("title") == EVIL
    assert EVIL in reader.text("pre")


def test_data_for_the_script_is_json_with_its_brackets_escaped(html):
    found = re.findall(r'<script type="application/json">(.*?)</script>', html, re.S)
    for text in found:
        assert not set("<>&") & set(text)
    data = json.loads(found[0])
    assert data["names"][0] == f"a/{EVIL}0.png"
    assert data["classes"] == sorted([EVIL, "c1", "c2"])
    assert len(data["points"]["PCA"]) == 48


def test_nothing_is_loaded_from_outside(reader):
    for tag, attributes in reader.elements:
        assert not any(name.startswith("on") for name in attributes)
        source = attributes.get("src")
        assert source is None or source.startswith("data:") or source == "a%20b%23.wav"
        href = attributes.get("href") or "#"
        assert href.startswith(("#", "data:image/")) or (tag == "a" and href == "https://arxiv.org/abs/1807.03748")
    assert not reader.all("link")


def test_the_policy_admits_the_script_of_the_page_and_no_other(html, reader):
    script = html[html.rindex("<script>") + len("<script>") : html.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = reader.all("meta")[1]["content"]
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_same_arguments_give_the_same_text(html):
    assert whole() == html


def test_every_image_and_player_is_named(reader):
    assert all("alt" in attributes for attributes in reader.all("img"))
    assert all(attributes["aria-labelledby"] for attributes in reader.all("audio"))
    assert all(attributes.get("role") == "img" and attributes["aria-label"] for attributes in reader.all("svg"))


def test_a_page_without_blocks_or_settings():
    reader = Reader(report.page("Nothing", []))
    assert not reader.all("nav")
    assert not reader.all("details")


def test_run_page_leaves_out_what_is_not_given():
    assert not Reader(report.run_page("Bare")).all("section")
    one = run(6)
    html = report.run_page(
        "Full",
        summary=["Words."],
        tables=[Table("t", ["a"], [[1]])],
        metrics=[{"epoch": 1, "loss": 2.0}],
        views={"original": one["images"]},
        papers=["Someone 2020"],
        settings={"seed": 0},
        **one,
    )
    headings = [a["id"] for a in Reader(html).all("h2")]
    assert len(headings) == 6


def test_write_replaces_the_page_and_can_be_read_by_others(tmp_path: Path):
    path = tmp_path / "report.html"
    report.write(path, "old")
    report.write(str(path), "new – é")
    assert path.read_text(encoding="utf-8") == "new – é"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_failed_write_leaves_the_old_page_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "report.html"
    report.write(path, "old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        report.write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_name_that_is_no_utf8_can_be_written(tmp_path: Path):
    name = os.fsdecode(b"caf\xe9.png")
    report.write(tmp_path / "r.html", report.page("t", [report.words([name])]))
    assert "caf\\udce9.png" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_write_names_a_missing_folder_and_a_folder_in_its_place(tmp_path: Path):
    with pytest.raises(InputError, match="there is no folder"):
        report.write(tmp_path / "none" / "r.html", "")
    with pytest.raises(InputError, match=r"name a file in it, such as .*report\.html"):
        report.write(tmp_path, "")
