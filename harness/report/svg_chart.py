"""A chart in SVG: what the venue said, as a line, and what was true, as a broken one, over the time of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from drydock.harness.charts import Chart, Curve
from drydock.harness.report.svg import Times, drawing, element, hover, thinned, value_ticks, words

Height = Callable[[float], float]
_HEIGHT = 176
_TOP, _BOTTOM = 10, 24
_DOT_ROW = 10


def draw_chart(chart: Chart, times: Times, width: float, moment: tuple[int, int] | None) -> str:
    """One chart; ``moment`` is the span that the picture above shows enlarged."""
    seen = [(curve, clipped(curve.points, times)) for curve in chart.curves]
    values = [value / chart.per_unit for _, points in seen for _, value in points] or [0.0]
    low, high = _range(min(values), max(values))
    foot = _HEIGHT - _BOTTOM - (_DOT_ROW if chart.dots else 0)

    def y(value: float) -> float:
        return foot - (value - low) / (high - low) * (foot - _TOP)

    parts = [*_moment(times, moment, foot), *times.axis(_HEIGHT - _BOTTOM, _TOP), *_value_axis(low, high, times, y)]
    for curve, points in sorted(seen, key=lambda one: not one[0].is_truth):
        parts.append(_line(curve, thinned(points, times), chart.per_unit, times, y))
    parts += _dots(chart, times)
    return drawing(width, _HEIGHT, parts, f"{chart.title}: {chart.sentence}")


def clipped(points: Sequence[tuple[int, int]], times: Times) -> list[tuple[int, int]]:
    """The points inside of the time, with the value that held when it begins and the last one until it ends."""
    inside = [point for point in points if times.holds(point[0])]
    before = [value for at_ms, value in points if at_ms < times.since_ms]
    if before:
        inside.insert(0, (times.since_ms, before[-1]))
    return [*inside, (times.until_ms, inside[-1][1])] if inside else []


def value_text(value: float) -> str:
    """``1.2M``, ``92,600``, ``0.00012``: three or four digits, as an axis has room for."""
    size = abs(value)
    for limit, sign in ((1e9, "B"), (1e6, "M")):
        if size >= limit:
            return f"{value / limit:,.4g}{sign}"
    if size >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.4g}"


def _range(low: float, high: float) -> tuple[float, float]:
    """A little air around the values; a flat line gets some room too."""
    air = (high - low) * 0.08 or max(abs(high) * 0.01, 1e-9)
    return low - air, high + air


def _moment(times: Times, moment: tuple[int, int] | None, foot: float) -> Iterator[str]:
    if moment is not None:
        left, right = times.x(moment[0]), times.x(moment[1])
        yield element("rect", x=left, y=_TOP, width=max(2.0, right - left), height=foot - _TOP, cls="moment")


def _value_axis(low: float, high: float, times: Times, y: Height) -> Iterator[str]:
    for value in value_ticks(low, high):
        told = value_text(value)
        yield element("line", x1=times.left, x2=times.right, y1=y(value), y2=y(value), cls="grid")
        yield words(told, times.left - 6, y(value) + 4, "tick", "end")


def _line(curve: Curve, points: Sequence[tuple[int, int]], per_unit: int, times: Times, y: Height) -> str:
    """A staircase: a value holds until the next."""
    steps: list[str] = []
    last = ""
    for number, (at_ms, value) in enumerate(points):
        x_text, y_text = f"{times.x(at_ms):.1f}", f"{y(value / per_unit):.1f}"
        if number == 0:
            steps.append(f"M{x_text} {y_text}")
        elif y_text != last:
            steps.append(f"H{x_text}V{y_text}")
        last = y_text
    if points:
        steps.append(f"H{times.x(points[-1][0]):.1f}")
    return element("path", hover(curve.name), d="".join(steps), cls="truth" if curve.is_truth else "curve")


def _dots(chart: Chart, times: Times) -> Iterator[str]:
    """Marks along the foot, one a pixel column; each says what is there."""
    columns: dict[int, list[str]] = {}
    for dot in chart.dots:
        if times.holds(dot.at_ms):
            columns.setdefault(int(times.x(dot.at_ms)), []).append(dot.label)
    y = _HEIGHT - _BOTTOM - _DOT_ROW
    for x, labels in columns.items():
        told = labels[0] if len(labels) == 1 else f"{len(labels)} times: {labels[0]} ..."
        yield element("line", hover(told), x1=x, x2=x, y1=y + 1, y2=y + _DOT_ROW - 1, cls="dot bad")
