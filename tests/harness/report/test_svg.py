"""Drawing: everything is escaped, times and values have round ticks, labels fit, what cannot be seen is left out."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from drydock.harness.charts import Chart, Curve, Dot, Row, Span
from drydock.harness.report.svg import Times, drawing, element, fits, hover, thinned, value_ticks, words
from drydock.harness.report.svg_chart import clipped, draw_chart, value_text
from drydock.harness.report.svg_lanes import Bar, Mark, Picture, Stop, draw_lanes

HOUR = Times(0, 3_600_000, 100, 1_000)
STORED, READ = ("store", "written", 1), ("reader", "read", 1)


def texts(svg: str) -> list[str]:
    """The labels of a drawing, which must be well-formed XML."""
    return [node.text or "" for node in ElementTree.fromstring(svg).iter("text")]


# ---- elements -------------------------------------------------------------------------------------------------------
def test_texts_and_attributes_are_escaped() -> None:
    """Whatever a scenario is called, it stays text."""
    evil = '"><script>alert(1)</script>'
    svg = drawing(10, 10, [element("rect", hover(evil), cls=evil), words(evil, 1, 2)], evil)
    assert "<script>" not in svg
    assert [evil] == texts(svg)


def test_a_drawing_has_a_name_for_those_who_do_not_see_it() -> None:
    """As a title and as a label."""
    root = ElementTree.fromstring(drawing(10, 20, [], "the whole run"))
    assert ("img", "the whole run") == (root.get("role"), root.get("aria-label"))
    assert "the whole run" == root[0].text


def test_a_label_is_shortened_to_its_room_or_left_out() -> None:
    """Never longer than what there is; nothing at all where it would say nothing."""
    assert "start-services" == fits("start-services", 200)
    assert "start-s…" == fits("start-services", 54)
    assert "" == fits("start-services", 25)
    assert "ok" == fits("ok", 13)


# ---- scales ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("length_ms", [500, 20_000, 600_000, 10_800_000])
def test_ticks_of_time_are_round_and_have_room(length_ms: int) -> None:
    """Counted from the start of the window, which is one of them if it is in sight."""
    times = Times(0, length_ms, 100, 1_000, window_ms=length_ms // 4 // 1000 * 1000)
    places = [x for x, _ in times.ticks()]
    assert sorted(places) == places
    assert all(after - before > 60 for before, after in pairwise(places))
    assert "T+00:00" in [told for _, told in times.ticks()]


def test_a_time_outside_is_held_at_the_edge() -> None:
    """A bar that goes on beyond the picture ends at its edge."""
    assert (100, 1_000) == (HOUR.x(-5), HOUR.x(9_000_000))


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-7_500, 0), (4_601.2, 4_665.9), (1e-6, 3e-6), (5, 5)])
def test_ticks_of_values_lie_inside(low: float, high: float) -> None:
    """A few of them, inside of what is shown."""
    ticks = value_ticks(low, high)
    assert 1 <= len(ticks) <= 6
    assert all(low - 1e-9 <= tick <= high * 1.5 + 1e-9 for tick in ticks)


@pytest.mark.parametrize(
    ("value", "told"), [(0, "0"), (92_600, "92,600"), (1_234_567, "1.235M"), (0.00012, "0.00012"), (-12.5, "-12.5")]
)
def test_values_are_told_in_few_digits(value: float, told: str) -> None:
    """As an axis has room for."""
    assert told == value_text(value)


def test_a_thinned_curve_keeps_what_can_be_seen() -> None:
    """Of ten thousand points a few for each pixel, the highest and the lowest among them."""
    points = [(at_ms, at_ms % 7) for at_ms in range(0, 3_600_000, 360)]
    points[5_001] = (points[5_001][0], 99)
    kept = thinned(points, HOUR)
    assert len(kept) <= 4 * 901
    assert points[5_001] in kept
    assert (points[0], points[-1]) == (kept[0], kept[-1])
    assert sorted(kept) == kept


def test_a_value_holds_from_before_and_until_the_end() -> None:
    """A curve that is cut begins with what held there."""
    assert [(0, 4), (10, 5), (3_600_000, 5)] == clipped([(-7, 3), (-5, 4), (10, 5)], HOUR)
    assert [] == clipped([], HOUR)


# ---- charts ---------------------------------------------------------------------------------------------------------
def test_a_chart_has_its_curves_and_its_truth() -> None:
    """The truth as a line of another kind; marks at the foot, several of one place as one."""
    curves = (Curve("published", ((0, 5), (60_000, 0))), Curve("truth", ((0, 5),), is_truth=True))
    dots = (Dot(60_000, "account 1"), Dot(60_001, "account 2"))
    svg = draw_chart(Chart("Index", "USD", "it falls", curves, dots, per_unit=1), HOUR, 1_000, (0, 90_000))
    classes = [node.get("class") for node in ElementTree.fromstring(svg).iter()]
    assert ("curve" in classes, "truth" in classes, "moment" in classes) == (True, True, True)
    assert 1 == classes.count("dot bad")
    assert "2 times: account 1 ..." in svg


def test_an_empty_chart_is_drawn_all_the_same() -> None:
    """An axis without a line."""
    assert texts(draw_chart(Chart("Nothing", "USD", "none", (Curve("a", ()),)), HOUR, 1_000, None))


# ---- lanes ----------------------------------------------------------------------------------------------------------
PICTURE = Picture(
    steps=[Span(0, 60_000, "copy"), Span(60_000, 60_001, "a step too short for its name"), Span(60_001, 90_000, "end")],
    bars=[Bar("slow · all", 30_000, 70_000, "fault slow on all", "fault/0:slow")],
    rows=[
        Row("store", (Span(0, 90_000, "serving", "good"),)),
        Row("reader", (Span(0, 50_000, "stopped", "off"), Span(50_000, 90_000, "ready", "good"))),
        Row("quiet"),
    ],
    marks=[Mark(law, 80_000, "broken") for law in ("A1", "A2", "A3", "A4")] + [Mark("B1", 82_000, "broken")],
    stops=[
        Stop(1, 40_000, "store/main", "1: written", STORED),
        Stop(2, 40_000, "store", "2: again", None),
        Stop(3, 80_000, "reader", "3: read", READ, "broken"),
        Stop(4, 35_000, "fault/0:slow", "4: at work", None, "fault"),
    ],
    links=[(STORED, READ)],
    moment=(30_000, 85_000),
)  # fmt: skip


def test_the_whole_run_has_every_row_and_shades_the_moment() -> None:
    """But none of a component that has nothing to show, and no dots of the story."""
    svg = draw_lanes(PICTURE, Times(0, 90_000, 100, 1_000), 1_012, "whole")
    assert {"runbook", "fault", "store", "reader", "broken"} <= set(texts(svg))
    assert "quiet" not in texts(svg)
    assert ('class="moment"' in svg, 'class="stop' in svg, "arrow" in svg) == (True, False, False)


def test_the_moment_has_the_story_as_numbers_and_arrows() -> None:
    """A dot for each sentence, none on another; an arrow from what an event came of."""
    svg = draw_lanes(PICTURE, Times(30_000, 85_000, 100, 1_000), 1_012, "moment", is_close=True)
    root = ElementTree.fromstring(svg)
    circles = [(node.get("cx"), node.get("cy")) for node in root.iter("circle")]
    assert 4 == len(set(circles))
    assert {"1", "2", "3", "4"} <= set(texts(svg))
    assert 1 == [node.get("class") for node in root.iter("path")].count("arrow")


def test_laws_broken_together_share_a_label_and_lie_on_no_other() -> None:
    """The first three by name, the rest as a number; the next one in the second line."""
    told = texts(draw_lanes(PICTURE, Times(0, 90_000, 100, 1_000), 1_012, "whole"))
    assert "A1 A2 A3 +2" in told
    near = Picture([], [], [], [Mark("A1", 10_000, ""), Mark("B1", 13_500, "")])
    root = ElementTree.fromstring(draw_lanes(near, Times(0, 90_000, 100, 1_000), 1_012, "near"))
    assert ["A1", "B1"] == [node.text for node in root.iter("text") if node.get("class") == "label law"]
