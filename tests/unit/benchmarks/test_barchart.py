"""Bars as long as their values, in a file that is XML whatever the names are."""

from xml.etree import ElementTree as ET

from benchmarks.barchart import WIDE, Panel, bar_chart

SVG = "{http://www.w3.org/2000/svg}"


def bars(drawing: str) -> list[dict[str, str]]:
    return [one.attrib for one in ET.fromstring(drawing).iter(f"{SVG}rect") if "bar" in one.get("class", "")]


def test_bars_are_as_long_as_their_values_and_ours_stands_out() -> None:
    panel = Panel("a second", {"us": 8_000.0, "them": 2_000.0})
    drawn = bars(bar_chart(["us", "them"], [panel], ours="us", note="64 connections"))
    assert [(one["class"], float(one["width"])) for one in drawn] == [("bar ours", WIDE), ("bar", WIDE / 4)]


def test_a_side_without_a_value_has_no_bar_and_keeps_its_row() -> None:
    panel = Panel("a second", {"us": 3.0, "last": 3.0})
    drawing = bar_chart(["us", "missing", "last"], [panel], ours="us", note="")
    first, last = bars(drawing)
    assert "missing" in drawing
    assert float(last["y"]) - float(first["y"]) > 2 * float(first["height"])


def test_names_and_notes_are_text_not_markup() -> None:
    panel = Panel("<p99> & more", {"a<b": 0.0})
    root = ET.fromstring(bar_chart(["a<b"], [panel], ours="", note='"&'))
    assert {"a<b", "<p99> & more", '"&'} <= {one.text for one in root.iter(f"{SVG}text")}
