"""Drawing in SVG: elements as text with everything escaped, scales of time and of values, and labels that fit.

Shapes carry class names and no colours: the page's style sheet has one set of colours for light and one for dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from drydock.harness.report.story import clock

LETTER = 6.3
"""The mean width of a letter at the size of labels, in pixels; rather too much than too little."""
_TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_TICK_PIXELS = 76


def element(name: str, *children: str, **attributes: object) -> str:
    """``<rect x="1" .../>``. Attributes: ``cls`` is class, ``_`` is ``-``, None is left out; floats to a tenth."""
    told = "".join(
        f" {'class' if key == 'cls' else key.replace('_', '-')}={quoteattr(_plain(value))}"
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{told}>{''.join(children)}</{name}>" if children else f"<{name}{told}/>"


def words(text: str, x: float, y: float, cls: str = "label", anchor: str | None = None) -> str:
    """Text at a place."""
    return element("text", escape(text), x=x, y=y, cls=cls, text_anchor=anchor)


def hover(text: str) -> str:
    """What a pointer shows and a screen reader says of the element around it."""
    return f"<title>{escape(text)}</title>"


def drawing(width: float, height: float, parts: Iterable[str], label: str, cls: str = "") -> str:
    """A whole drawing at its natural size, with a name for those who do not see it."""
    return element(
        "svg", hover(label), *parts, cls=f"drawing {cls}".strip(), role="img", aria_label=label,
        viewBox=f"0 0 {_plain(width)} {_plain(height)}", width=width, height=height,
    )  # fmt: skip


def fits(text: str, pixels: float, letter: float = LETTER) -> str:
    """The text, shortened to so many pixels; empty where nothing that says something would be left."""
    letters = int(pixels / letter)
    if len(text) <= letters:
        return text
    return f"{text[: letters - 1].rstrip(' -')}…" if letters >= 5 else ""


@dataclass(frozen=True, slots=True)
class Times:
    """Time from left to right: ``since_ms`` is at ``left``, ``until_ms`` at ``right``."""

    since_ms: int
    until_ms: int
    left: float
    right: float
    window_ms: int = 0

    def x(self, at_ms: float) -> float:
        """Where a time is, held inside of the drawing."""
        span = max(1, self.until_ms - self.since_ms)
        share = (min(max(at_ms, self.since_ms), self.until_ms) - self.since_ms) / span
        return self.left + share * (self.right - self.left)

    def holds(self, at_ms: int) -> bool:
        """Whether a time lies inside."""
        return self.since_ms <= at_ms <= self.until_ms

    def ticks(self) -> Iterator[tuple[float, str]]:
        """(x, ``T+05:00``) at round distances from the start of the window, as many as have room."""
        room = max(2.0, (self.right - self.left) / _TICK_PIXELS)
        span_s = (self.until_ms - self.since_ms) / 1000
        step_ms = 1000 * next((step for step in _TIME_STEPS_S if span_s / step <= room), _TIME_STEPS_S[-1])
        at_ms = self.window_ms + -(-(self.since_ms - self.window_ms) // step_ms) * step_ms
        while at_ms <= self.until_ms:
            yield self.x(at_ms), clock(at_ms - self.window_ms, has_millis=False)
            at_ms += step_ms

    def axis(self, y: float, top: float) -> Iterator[str]:
        """Thin lines at round times from ``top`` down to ``y``, each with its time below."""
        for x, told in self.ticks():
            is_edge = x > self.right - 24
            yield element("line", x1=x, x2=x, y1=top, y2=y, cls="grid")
            yield words(told, x, y + 14, "tick", "end" if is_edge else "middle" if x > self.left + 24 else "start")


def value_ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Round values between two others, both inside of the answer's reach."""
    span = high - low or max(abs(high), 1.0)
    raw = span / most
    power = 10.0 ** (len(f"{raw:.0f}") - 1) if raw >= 1 else _power_below_one(raw)
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)
    first = -(-low // step) * step
    return [first + number * step for number in range(int((high - first) / step + 1e-9) + 1)]


def _power_below_one(raw: float) -> float:
    power = 1.0
    while power > raw and power > 1e-12:
        power /= 10
    return power


def thinned(points: Sequence[tuple[int, int]], times: Times) -> list[tuple[int, int]]:
    """The points that can be seen: of each pixel column the first, the lowest, the highest and the last."""
    columns: dict[int, list[tuple[int, int]]] = {}
    for point in points:
        columns.setdefault(int(times.x(point[0])), []).append(point)
    kept: list[tuple[int, int]] = []
    for seen in columns.values():
        wanted = {seen[0], min(seen, key=lambda p: p[1]), max(seen, key=lambda p: p[1]), seen[-1]}
        kept += sorted(wanted, key=seen.index) if len(seen) > 1 else seen
    return kept


def _plain(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
