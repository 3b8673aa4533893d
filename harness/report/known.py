"""What became of failures that were seen before: one after its replay, and all of a corpus in a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Console, RenderableType
from rich.text import Text

from drydock.harness.regression import Regression, Standing
from drydock.harness.report import console as out
from drydock.harness.report.words import count
from drydock.harness.result import KnownLine, Verdict

_STYLES: dict[str, str] = {
    "still fails": "bold red",
    "fails otherwise": "bold red",
    "fixed": "bold green",
    "no longer applies": "bold yellow",
    "not played": "bold yellow",
}
_SHOWN = 6


def print_standing(console: Console, known: Regression, stood: Standing, *, verbosity: int = 0) -> None:
    """After the replay of a regression: what it was, and what became of it."""
    if verbosity < 0:
        out.print_lines(console, Text.assemble((stood.outcome, _STYLES[stood.outcome]), f"  {known.signature}"))
        return
    out.print_lines(
        console,
        out.heading(f"Regression {known.id}  {known.signature}"),
        out.indented(f"because: {known.because}"),
        out.indented(Text.assemble((stood.outcome, _STYLES[stood.outcome]), f": {stood.told}")),
    )


def known_failures(verdict: Verdict, replays: Mapping[str, str], *, is_complete: bool) -> Iterator[RenderableType]:
    """The part of a verdict about the corpus; ``replays`` has the command that shows a regression again, by id.

    Those that fail or say nothing are shown one by one, those that decide first; what is fixed is counted.
    """
    lines = verdict.regressions
    if not lines:
        return
    yield out.heading("Known failures, on the scenario as it is today")
    open_ones = sorted(
        (line for line in lines if line.outcome != "fixed"), key=lambda line: (not line.decides, not line.is_missing)
    )
    shown = open_ones if is_complete else open_ones[:_SHOWN]
    for line in shown:
        yield from _known(line, replays.get(line.id, ""))
    if len(open_ones) > len(shown):
        yield out.indented(f"... {len(open_ones) - len(shown)} more; -v shows all")
    fixed = sum(line.outcome == "fixed" for line in lines)
    if fixed:
        yield out.indented(Text(f"fixed: {fixed} of {count(len(lines), 'regression')}", style="green"))


def _known(line: KnownLine, replay: str) -> Iterator[RenderableType]:
    head = Text.assemble((line.outcome, _STYLES.get(line.outcome, "")), f"  {line.signature}")
    yield out.indented(head)
    standing = "" if line.decides or line.is_missing else " · accepted" if line.is_accepted else " · does not decide"
    yield out.indented(Text(f"{line.id} · {line.law_class} · {line.told}{standing}", style="dim"), 6)
    yield out.indented(f"because: {line.because}", 6)
    if replay:
        yield out.command_line(replay)
