"""A run as lanes in SVG: steps on top, faults as bars, components by their states, violations as marks, arrows.

What is as it should be is a thin line; what is not stands out. The same drawing serves the whole run and the moment
that the story is about; in the second the story's sentences are numbered dots, joined by what came of what.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from drydock.harness.charts import Row, Span
from drydock.harness.event import Identity
from drydock.harness.report.svg import LETTER, Times, drawing, element, fits, hover, words

_ROW = 24
_STEP = 26
_TOP = 8
_DOT = 8.5
_THIN = 5
_MARK_APART = 30
_BOLD = 7.4
"""The mean width of a letter of a law's name, in pixels."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A fault at work."""

    name: str
    since_ms: int
    until_ms: int
    told: str
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A violation of a law."""

    law: str
    at_ms: int
    told: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A sentence of the story in the picture: its number in the list, the lane on which it happened, its kind."""

    number: int
    at_ms: int
    lane: str
    told: str
    identity: Identity | None
    kind: str = "event"


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is drawn."""

    steps: Sequence[Span]
    bars: Sequence[Bar]
    rows: Sequence[Row]
    marks: Sequence[Mark]
    stops: Sequence[Stop] = ()
    links: Sequence[tuple[Identity, Identity]] = ()
    moment: tuple[int, int] | None = None


def draw_lanes(picture: Picture, times: Times, width: float, label: str, *, is_close: bool = False) -> str:
    """The drawing; ``is_close`` is the moment of the story, with its dots and arrows and only the rows it needs."""
    return _Lanes(picture, times, width, is_close).drawn(label)


@dataclass(slots=True)
class _Lanes:
    picture: Picture
    times: Times
    width: float
    is_close: bool
    _y: float = _TOP
    _rows: dict[str, float] = field(default_factory=dict)

    def drawn(self, label: str) -> str:
        parts = [*self._steps(), *self._faults(), *self._components(), *self._violations()]
        foot = self._y + 4
        under = [*self._moment(foot), *self.times.axis(foot, _TOP)]
        over = [*self._arrows(), *self._stops()] if self.is_close else []
        return drawing(self.width, foot + 22, [*under, *parts, *over], label)

    # ---- rows ------------------------------------------------------------------------------------------------
    def _row(self, name: str, height: float = _ROW) -> float:
        """The middle of a new row; its name stands to the left of it."""
        middle = self._y + height / 2
        self._rows[name] = middle
        self._y += height
        return middle

    def _name(self, name: str, y: float) -> str:
        return words(fits(name.replace("_", " "), self.times.left - 10, 5.9), self.times.left - 8, y + 4, "row", "end")

    def _steps(self) -> Iterator[str]:
        y = self._row("runbook", _STEP)
        yield self._name("runbook", y)
        stops = [self.times.x(one.at_ms) for one in self.picture.stops if self.is_close and _is_runbook(one.lane)]
        shown = [step for step in self.picture.steps if self._is_seen(step.since_ms, step.until_ms)]
        for number, step in enumerate(shown):
            x, right = self.times.x(step.since_ms), self.times.x(step.until_ms)
            told = hover(f"step {step.label}")
            yield element("rect", told, x=x, y=y - 9, width=max(1.5, right - x), height=18, cls=f"step {step.tone}")
            following = self.times.x(shown[number + 1].since_ms) if number + 1 < len(shown) else self.times.right
            end = max(right, following)
            aside, ahead = (_DOT if any(abs(one - edge) < _DOT for one in stops) else 0.0 for edge in (x, end))
            if text := fits(step.label, end - x - aside - ahead - 8):
                yield words(text, x + aside + 5, y + 4, "label")

    def _faults(self) -> Iterator[str]:
        for bar in self.picture.bars:
            if not self._is_seen(bar.since_ms, bar.until_ms):
                continue
            y = self._row(bar.lane)
            yield self._name("fault", y)
            x, right = self.times.x(bar.since_ms), self.times.x(bar.until_ms)
            length = max(3.0, right - x)
            yield element("rect", hover(bar.told), x=x, y=y - 8, width=length, height=16, rx=3, cls="fault")
            stops = [self.times.x(stop.at_ms) for stop in self.picture.stops if self.is_close and stop.lane == bar.lane]
            yield from self._label_at(bar.name, x, length, y, max([6.0, *(at - x + _DOT + 5 for at in stops)]))

    def _label_at(self, text: str, x: float, length: float, y: float, aside: float) -> Iterator[str]:
        """Inside of its bar, or else on the side where there is room."""
        needed = len(text) * LETTER + aside + 4
        if needed <= length:
            yield words(text, x + aside, y + 4, "label onfault")
        elif x + length + needed < self.times.right:
            yield words(text, x + length + 5, y + 4, "label")
        elif x - needed > self.times.left:
            yield words(text, x - 5, y + 4, "label", "end")

    def _components(self) -> Iterator[str]:
        for row in self.picture.rows:
            if not (row.spans or row.dots) or (self.is_close and not self._is_needed(row)):
                continue
            y = self._row(row.name)
            yield self._name(row.name, y)
            yield element("line", x1=self.times.left, x2=self.times.right, y1=y, y2=y, cls="rail")
            for span in row.spans:
                if self._is_seen(span.since_ms, span.until_ms):
                    yield from self._state(span, row.name, y)
            yield from self._dots(row, y)

    def _is_needed(self, row: Row) -> bool:
        """Close up: what the story passes through, what is not as it should be, and what changes."""
        seen = [span for span in row.spans if self._is_seen(span.since_ms, span.until_ms)]
        is_on_story = any(_belongs(stop.lane, row) for stop in self.picture.stops)
        return is_on_story or len(seen) > 1 or any(span.tone == "bad" for span in seen)

    def _state(self, span: Span, name: str, y: float) -> Iterator[str]:
        x, right = self.times.x(span.since_ms), self.times.x(span.until_ms)
        height = _THIN if span.tone == "good" else 14
        length = max(1.0, right - x)
        told = hover(f"{name.replace('_', ' ')}: {span.label}")
        yield element("rect", told, x=x, y=y - height / 2, width=length, height=height, cls=f"state {span.tone}")
        if span.tone != "good" and (text := fits(span.label.replace("_", " "), length - 10)):
            yield words(text, x + 5, y + 4, f"label on{span.tone}")

    def _dots(self, row: Row, y: float) -> Iterator[str]:
        columns: dict[tuple[int, str], list[str]] = {}
        for dot in row.dots:
            if self.times.holds(dot.at_ms):
                columns.setdefault((int(self.times.x(dot.at_ms)), dot.tone), []).append(dot.label)
        for (x, tone), labels in columns.items():
            told = labels[0] if len(labels) == 1 else f"{len(labels)} times: {labels[0]} ..."
            yield element("rect", hover(told), x=x - 1.5, y=y - 8, width=3, height=16, cls=f"dot {tone}")

    def _violations(self) -> Iterator[str]:
        """Marks at the first violation of each law; those that stand too near share a label."""
        marks = [mark for mark in self.picture.marks if self.times.holds(mark.at_ms)]
        if not marks:
            return
        y = self._row("broken", 46)
        yield self._name("broken", y - 11)
        for mark in marks:
            x = self.times.x(mark.at_ms)
            told = "\n".join(f"{one.law}: {one.told}" for one in marks if one.at_ms == mark.at_ms)
            yield element("path", hover(told), d=f"M{x:.1f} {y - 19:.1f}l6 7l-6 7l-6 -7z", cls="mark")
        yield from self._laws(sorted(marks, key=lambda one: (one.at_ms, one.law)), y)

    def _laws(self, marks: Sequence[Mark], y: float) -> Iterator[str]:
        """The names of the laws below their marks, in two lines, so that none lies on another."""
        groups: list[list[Mark]] = []
        for mark in marks:
            if groups and self.times.x(mark.at_ms) - self.times.x(groups[-1][0].at_ms) < _MARK_APART:
                groups[-1].append(mark)
            else:
                groups.append([mark])
        ends = [0.0, 0.0]
        for group in groups:
            laws = list(dict.fromkeys(mark.law for mark in group))
            text = " ".join(laws) if len(laws) < 4 else f"{' '.join(laws[:3])} +{len(laws) - 3}"
            length = len(text) * _BOLD
            x = min(self.times.x(group[0].at_ms) - 6, self.times.right + 8 - length)
            line = 0 if ends[0] <= x else 1
            if ends[line] <= x:
                ends[line] = x + length + 8
                yield words(text, x, y + 8 + 13 * line, "label law")

    # ---- the story -------------------------------------------------------------------------------------------
    def _moment(self, foot: float) -> Iterator[str]:
        if self.picture.moment is not None and not self.is_close:
            left, right = (self.times.x(at_ms) for at_ms in self.picture.moment)
            yield element("rect", x=left, y=_TOP, width=max(2.0, right - left), height=foot - _TOP, cls="moment")

    def _places(self) -> dict[int, tuple[float, float]]:
        """number -> place of each stop in sight; what would lie on another moves to the right."""
        taken: dict[float, float] = {}
        found: dict[int, tuple[float, float]] = {}
        for stop in self.picture.stops:
            y = self._lane_y(stop.lane)
            if y is None or not self.times.holds(stop.at_ms):
                continue
            x = max(self.times.x(stop.at_ms), taken.get(y, -1.0) + 2 * _DOT + 1)
            taken[y] = x
            found[stop.number] = (x, y)
        return found

    def _lane_y(self, lane: str) -> float | None:
        if _is_runbook(lane):
            return self._rows["runbook"]
        if lane in self._rows:
            return self._rows[lane]
        row = next((row for row in self.picture.rows if _belongs(lane, row)), None)
        return None if row is None else self._rows.get(row.name)

    def _stops(self) -> Iterator[str]:
        places = self._places()
        for stop in self.picture.stops:
            if stop.number in places:
                x, y = places[stop.number]
                yield element("circle", hover(stop.told), cx=x, cy=y, r=_DOT, cls=f"stop {stop.kind}")
                yield words(str(stop.number), x, y + 4, "number", "middle")

    def _arrows(self) -> Iterator[str]:
        places = self._places()
        of = {stop.identity: places[stop.number] for stop in self.picture.stops if stop.number in places}
        for before, after in self.picture.links:
            if before in of and after in of:
                yield _arrow(*of[before], *of[after])

    def _is_seen(self, since_ms: int, until_ms: int) -> bool:
        return since_ms <= self.times.until_ms and until_ms >= self.times.since_ms


def _is_runbook(lane: str) -> bool:
    return lane.startswith("runbook")


def _belongs(lane: str, row: Row) -> bool:
    component = lane.partition("/")[0]
    return component in (row.lanes or (row.name,))


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    """A curve from the edge of one dot to the edge of another, with a head."""
    if y1 == y2:
        if x2 - x1 < 2 * _DOT + 8:
            return ""
        return element("path", d=f"M{x1 + _DOT:.1f} {y1:.1f}H{x2 - _DOT - 5:.1f}", cls="arrow", marker_end="url(#head)")
    down = 1 if y2 > y1 else -1
    start, end = y1 + down * _DOT, y2 - down * (_DOT + 5)
    bow = max(12.0, abs(end - start) * 0.45) * down
    path = f"M{x1:.1f} {start:.1f}C{x1:.1f} {start + bow:.1f} {x2:.1f} {end - bow:.1f} {x2:.1f} {end:.1f}"
    return element("path", d=path, cls="arrow", marker_end="url(#head)")
