"""One self-contained page: what is on it, as plain data of texts and drawings, and how it becomes HTML.

Nothing of it is loaded from anywhere. The same parts give the same bytes, but for the block with machine and time.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

_TEMPLATES = Path(__file__).parent / "templates"
WIDE, NARROW = 1040, 358
"""Every drawing is made twice, at these widths in pixels: what is readable on a desk is not on a telephone."""


class Cell(NamedTuple):
    """A cell of a table; ``tone`` is ``bad``, ``warn``, ``ok`` or empty, ``to`` the anchor that it leads to."""

    text: str
    tone: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts; the columns in ``numbers`` stand flush right."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A sentence of the story as shown."""

    number: int
    kind: str
    when: str
    night: str
    step: str
    text: str
    source: str
    breaks: tuple[str, ...]
    more: str


@dataclass(frozen=True, slots=True)
class StoryView:
    """The story as shown."""

    title: str
    law: str
    items: tuple[Item, ...]
    outcome: tuple[str, ...]
    replay: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing in two widths; a chart also has a key (name, class) and its values as a table."""

    title: str
    sentence: str
    wide: str
    narrow: str
    key: tuple[tuple[str, str], ...] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class HarmView:
    """Harm by kind (kind, USD, percent of the greatest) and by account."""

    title: str
    hint: str
    kinds: tuple[tuple[str, str, int], ...]
    accounts: Table


@dataclass(frozen=True, slots=True)
class RunView:
    """One run as shown; ``anchor`` is where a table's cell leads to."""

    title: str
    hint: str
    story: StoryView | None
    pictures: tuple[Figure, ...]
    charts: tuple[Figure, ...]
    harm: HarmView | None
    tables_title: str = ""
    tables: tuple[Table, ...] = ()
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One answer: the decision, why, the runs that show it, and what it rests on. ``tone``: good, bad or busy.

    ``overview`` stands before the runs, ``tables`` after them.
    """

    badge: str
    tone: str
    title: str
    claim: str
    summary: str = ""
    reasons: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    overview: tuple[Table, ...] = ()
    runs: tuple[RunView, ...] = ()
    tables: tuple[Table, ...] = ()
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page."""

    title: str
    parts: tuple[Part, ...]
    machine: str = field(default="", compare=False)


def render(parts: Sequence[Part], facts: Mapping[str, object] | None = None) -> str:
    """The page as HTML. ``facts`` are of this machine and this time, and stand in the one block that may differ."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    title = f"{parts[0].badge} {parts[0].title}" if len(parts) == 1 else f"{len(parts)} scenarios"
    page = Page(f"{title} · Drydock", tuple(parts), machine_text(facts or {}))
    style = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
    return environment.get_template("page.html.j2").render(page=page, css=style)


def machine_text(facts: Mapping[str, object]) -> str:
    """What depends on machine and clock, in one line."""
    from drydock import __version__

    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")  # noqa: TID251  (when the page was written; judged by nobody)
    told = [f"Drydock {__version__}", f"written {now}", f"Python {platform.python_version()} on {platform.machine()}"]
    if "runs" in facts and "seconds" in facts:
        told.append(f"{facts['runs']:,} runs in {float(str(facts['seconds'])):.1f} s")
    return " · ".join(told)


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str | Cell]], numbers: Sequence[int] = ()) -> Table:
    """A table of texts, some of which may already be cells."""
    cells = tuple(tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows)
    return Table(title, tuple(heads), cells, tuple(numbers))
