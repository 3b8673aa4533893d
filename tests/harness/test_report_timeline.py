"""One run as a timeline: what is rare or broken is told, what repeats is counted, and nothing is lost."""

from __future__ import annotations

import io
import json
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from drydock.harness.event import Event, event, identity_text
from drydock.harness.port import Finding
from drydock.harness.report.progress import Lines, Live, Silent, pace_text, progress_on
from drydock.harness.report.timeline import Line, citations, clock, raw, timeline
from drydock.harness.report.trace import trace_lines


@event("tick")
class Ticked(NamedTuple):
    """Happens often."""

    value: int


@event("step")
class Stepped(NamedTuple):
    """Happens rarely."""

    name: str
    sizes: NDArray[np.int64]


def tick(nth: int, at_ms: int | None = None) -> Event:
    """The n-th tick, one a second."""
    return Event(nth * 1_000 if at_ms is None else at_ms, "service", "tick", nth, None, Ticked(nth))


def step(nth: int, at_ms: int, name: str) -> Event:
    """A step of a runbook."""
    return Event(at_ms, "runbook", "step", nth, ("service", "tick", 1), Stepped(name, np.array([1, 2])))


def lines(events: list[Event], *cited: Finding) -> list[Line]:
    """The timeline of events that all have a sentence."""
    told = {happened.identity: identity_text(happened.identity) for happened in events}
    return list(timeline(events, told, citations(cited)))


# ---- what is told ---------------------------------------------------------------------------------------------------
def test_what_fits_on_a_page_is_told_event_by_event() -> None:
    """A hundred events are a hundred lines."""
    assert 100 == len(lines([tick(n) for n in range(1, 101)]))


def test_the_rarest_kinds_are_told_in_full() -> None:
    """Steps among a thousand ticks are all told: they are what the night is made of."""
    events = [tick(n) for n in range(1, 1001)] + [step(n, n * 30_000, "verify") for n in range(1, 31)]
    told = lines(sorted(events, key=lambda happened: happened.at_ms))
    assert 30 == sum(line.text.startswith("runbook:step") for line in told)


def test_a_frequent_kind_is_told_twice_and_then_counted() -> None:
    """Two hundred ticks are two lines and a count, which ends when the last of them happened."""
    *first, rest = lines([tick(n) for n in range(1, 201)])
    assert ["service:tick#1", "service:tick#2"] == [line.text for line in first]
    assert (200_000, "... more: 198 tick") == (rest.at_ms, rest.text)


def test_a_kind_that_comes_again_after_ten_minutes_is_told_anew() -> None:
    """The first two of a second wave are lines again, and the rest of it has a count of its own."""
    waves = [*range(1, 151), *range(1_000, 1_150)]
    told = lines([tick(n) for n in waves])
    assert ["service:tick#1", "service:tick#2", "... more: 148 tick"] == [line.text for line in told[:3]]
    assert ["service:tick#1000", "service:tick#1001", "... more: 148 tick"] == [line.text for line in told[3:]]


def test_what_says_the_same_as_before_is_counted() -> None:
    """However rare a kind is: a page that shows the same nothing for a minute is one line and a count."""
    ticks = [tick(n) for n in range(1, 61)]
    told = timeline(ticks, {happened.identity: "nothing" for happened in ticks}, {})
    assert ["nothing", "... more: 59 tick"] == [line.text for line in told]


def test_every_event_is_told_or_counted() -> None:
    """Lines and counts add up to the events, whatever interrupts the repeats."""
    events = [tick(n) for n in range(1, 101)] + [step(n, n * 7_500, "verify") for n in range(1, 6)]
    told = lines(sorted(events, key=lambda happened: happened.at_ms))
    counted = sum(int(line.text.split()[2]) for line in told if line.text.startswith("..."))
    assert len(events) == counted + sum(not line.text.startswith("...") for line in told)


def test_lines_are_in_the_order_of_time() -> None:
    """A count of repeats never stands after what came later."""
    events = sorted([tick(n) for n in range(1, 101)] + [step(1, 50_500, "verify")], key=lambda e: e.at_ms)
    times = [line.at_ms for line in lines(events)]
    assert sorted(times) == times


def test_an_event_that_carries_a_finding_is_always_told() -> None:
    """The fiftieth of a hundred ticks is told, with the law that it breaks."""
    finding = Finding("F3", 50_000, "fell", (("service", "tick", 50),))
    told = lines([tick(n) for n in range(1, 101)], finding)
    assert [("F3", "service:tick#50")] == [(line.law, line.text) for line in told if line.law]


def test_only_the_first_findings_of_a_law_mark_events() -> None:
    """A law that fails for each of many accounts does not turn the timeline into a list of accounts."""
    findings = [Finding("L1", n, "x", (("service", "tick", n),)) for n in range(1, 101)]
    assert 3 == sum(line.law == "L1" for line in lines([tick(n) for n in range(1, 101)], *findings))


def test_an_event_without_a_sentence_is_left_out() -> None:
    """The model decides what a reader needs."""
    assert [] == list(timeline([tick(1)], {}, {}))


def test_verbose_tells_an_event_without_a_sentence_by_its_fields() -> None:
    """``-v`` hides nothing: lane, kind and data."""
    assert "runbook: step  name verify, sizes [1 2]" == raw(step(1, 0, "verify"))


def test_verbose_tells_a_view_as_one() -> None:
    """Whatever the model called its fields: positions may be ``size``, and an array."""

    class View:
        is_view = True
        size = np.array([1, 2, 3])

    happened = Event(7, "chain", "step", 1, None, Stepped("sealed", View()))  # type: ignore[arg-type]  # a view it is
    assert "chain: step  name sealed, sizes [a view]" == raw(happened)


@pytest.mark.parametrize(
    ("at_ms", "window_ms", "text"),
    [(0, 0, "+00:00:00.000"), (3_723_004, 0, "+01:02:03.004"), (500, 60_500, "-00:01:00.000")],
)
def test_times_count_from_the_start_of_the_window(at_ms: int, window_ms: int, text: str) -> None:
    """Before the window is minus."""
    assert text == clock(at_ms, window_ms=window_ms)


# ---- a trace file ---------------------------------------------------------------------------------------------------
def test_a_trace_line_is_the_whole_event() -> None:
    """Time, identity, cause and every field, arrays as lists; equal events give equal bytes."""
    header, line = trace_lines({"seed": 1}, "d1g357", [step(1, 5, "verify")])
    assert '{"case":{"seed":1},"digest":"d1g357","schema":"drydock.trace/1"}\n' == header
    happened = json.loads(line)
    assert ("runbook:step#1", "service:tick#1", 5) == (happened["id"], happened["cause"], happened["at_ms"])
    assert {"name": "verify", "sizes": [1, 2]} == happened["data"]


# ---- progress -------------------------------------------------------------------------------------------------------
class Terminal(io.StringIO):
    """A stream that a person watches."""

    def isatty(self) -> bool:
        """As a terminal says."""
        return True


def test_a_log_gets_a_line_at_the_start_and_at_every_tenth() -> None:
    """Ten thousand runs are eleven lines in CI."""
    stream = io.StringIO()
    with Lines("night", stream, clock=lambda: 0.0) as progress:
        for done in range(1, 10_001):
            progress(done, 10_000, done // 2)
    told = stream.getvalue().splitlines()
    assert 11 == len(told)
    assert "night: 10,000 of 10,000 runs, 5,000 broke a safety law" == told[-1]


def test_a_terminal_sees_runs_and_violations_and_is_left_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar shows what happens and is gone when the verdict is printed."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with Live("night", stream) as progress:
        progress(3, 40, 2)
    assert [True] * 2 == [part in stream.getvalue() for part in ("3/40", "2 broke a safety law")]


@pytest.mark.parametrize(
    ("done", "passed_s", "text"),
    [
        (0, 9.0, ""),
        (5, 0.1, ""),
        (10, 10.0, "1.0 runs/s, 1m 30s left"),
        (100, 10.0, "10.0 runs/s"),
        (50, 8.0, "6.2 runs/s, 8s left"),
    ],
)
def test_the_pace_tells_rate_and_time_left(done: int, passed_s: float, text: str) -> None:
    """Of a hundred runs; nothing is said while there is too little to tell from."""
    assert text == pace_text(done, 100, passed_s)


@pytest.mark.parametrize(
    ("stream", "is_quiet", "kind"),
    [(Terminal(), False, Live), (io.StringIO(), False, Lines), (Terminal(), True, Silent)],
    ids=["terminal", "log", "quiet"],
)
def test_progress_suits_its_stream(
    stream: io.StringIO, is_quiet: bool, kind: type[Silent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bar for a terminal, lines for a log, nothing where none is wanted."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert kind is type(progress_on("night", stream, is_quiet=is_quiet))
