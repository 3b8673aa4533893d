"""What a model gives a page to draw, and a story to lean on: steps, lanes, curves, and what events have read.

A kit's :meth:`~drydock.harness.port.Kit.charts` is a fold over the events of one run, like a law. All of it is data in
integers; how it looks is the business of ``harness/report/``. Times are milliseconds from the start of the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from drydock.harness.event import Event, Identity
from drydock.harness.port import Finding

Tone = Literal["good", "busy", "bad", "off", "plain"]
"""What a state means to a reader: as it should be, under way, wrong, not running, or neither."""


@dataclass(frozen=True, slots=True)
class Span:
    """A state that held for a while. ``since`` is the event with which it began, where there is one."""

    since_ms: int
    until_ms: int
    label: str
    tone: Tone = "plain"
    since: Identity | None = None


@dataclass(frozen=True, slots=True)
class Dot:
    """Something that happened on a row at one instant, and a sentence for it."""

    at_ms: int
    label: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the picture of a run: a component and its states.

    ``lanes`` says whose events belong here, by the beginning of their lane: the story's arrows go from row to row.
    """

    name: str
    spans: tuple[Span, ...] = ()
    dots: tuple[Dot, ...] = ()
    lanes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Curve:
    """(at_ms, value) in order of time; each value holds until the next."""

    name: str
    points: tuple[tuple[int, int], ...]
    is_truth: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over the run in one unit, with what they show in one sentence. ``dots`` are marks along the time.

    ``per_unit`` is how many of a curve's steps make one unit: 1,000,000 where values are 1e-6 USD.
    """

    title: str
    unit: str
    sentence: str
    curves: tuple[Curve, ...]
    dots: tuple[Dot, ...] = ()
    per_unit: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Charts:
    """All that a model has to show of one run.

    ``steps`` are the runbook's steps as they really came, each with the event that began it. ``reads`` says for an
    event which others wrote the state that it acted on: the flow of data, where ``Event.cause`` is that of control.
    ``heard`` says of which components' messages an event was made, where those tell no events: price sources.
    """

    steps: tuple[Span, ...] = ()
    rows: tuple[Row, ...] = ()
    charts: tuple[Chart, ...] = ()
    reads: Mapping[Identity, tuple[Identity, ...]] = field(default_factory=dict)
    heard: Mapping[Identity, tuple[str, ...]] = field(default_factory=dict)


class ChartFold(Protocol):
    """Collects what is drawn while the run runs. It changes nothing: digest and findings are those without it."""

    hears: tuple[type, ...]

    def begin(self, truth: Any) -> None:
        """Called once, before the first event, with the model's shadow truth."""
        ...

    def observe(self, event: Event) -> None:
        """Called with every event whose data is one of ``hears``."""
        ...

    def end(self, findings: Sequence[Finding], ended_ms: int) -> Charts:
        """What is to be drawn; what was broken says which curves matter most."""
        ...
