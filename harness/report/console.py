"""Where text goes: colour on a terminal, plain lines everywhere else, whatever the width."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TextIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDTH_MAX = 120
"""Lines longer than this are hard to read, on the widest terminal too."""
_PLAIN_WIDTH = 100


def console_for(stream: TextIO, environment: Mapping[str, str] = os.environ) -> Console:
    """A console on this stream; honours ``NO_COLOR``, ``FORCE_COLOR``, ``CI`` and ``COLUMNS``."""
    forced = bool(environment.get("FORCE_COLOR")) and not environment.get("NO_COLOR")
    is_live = is_terminal(stream, environment)
    console = Console(
        file=stream,
        force_terminal=forced or is_live,
        force_interactive=is_live,
        no_color=bool(environment.get("NO_COLOR")),
        color_system="auto" if is_live else "standard" if forced else None,
        highlight=False,
        markup=False,
        emoji=False,
        _environ=environment,
    )
    console.width = min(_width(console, is_live, environment), WIDTH_MAX)
    return console


def is_terminal(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a person watches this stream: a terminal, and no CI."""
    return stream.isatty() and not environment.get("CI") and environment.get("TERM") != "dumb"


def _width(console: Console, is_live: bool, environment: Mapping[str, str]) -> int:
    columns = environment.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        return int(columns)
    return console.width if is_live else _PLAIN_WIDTH


def print_lines(console: Console, *renderables: RenderableType) -> None:
    """Prints without trailing blanks, so that plain output compares and pastes well."""
    if console.is_terminal:
        _print(console, renderables)
        return
    with console.capture() as captured:
        _print(console, renderables)
    console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _print(console: Console, renderables: Sequence[RenderableType]) -> None:
    for renderable in renderables:
        if isinstance(renderable, Text) and renderable.no_wrap:  # rich forgets it between Text and line
            console.print(renderable, no_wrap=True, overflow="ignore", crop=False)
        else:
            console.print(renderable)


def heading(text: str) -> Text:
    """The title of a section, with a blank line above."""
    return Text(f"\n{text}", style="bold")


def indented(text: RenderableType, left: int = 2, *, bullet: str = "") -> RenderableType:
    """A paragraph whose wrapped lines stay below its first word."""
    if not bullet:
        return Padding(text, (0, 0, 0, left))
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1)
    grid.add_row(bullet, text)
    return Padding(grid, (0, 0, 0, left))


def command_line(text: str, left: int = 6) -> Text:
    """A line to copy: never wrapped, whatever the width."""
    return Text(" " * left + text, style="cyan", no_wrap=True, overflow="ignore")


def grid(*rights: bool) -> Table:
    """A table without lines: one column for each argument, flush right where it is True."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for flush_right in rights:
        table.add_column(justify="right" if flush_right else "left", overflow="fold")
    return table
