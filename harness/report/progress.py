"""How far a rehearsal is: a live line on a terminal, a plain line every tenth in CI. Always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from drydock.harness.report.console import console_for, is_terminal
from drydock.harness.report.words import count

_SETTLED_S = 1.0  # a rate and a time left mean nothing before


def progress_on(name: str, stream: TextIO | None = None, *, is_quiet: bool = False, noun: str = "") -> Silent:
    """The progress that suits the stream (default stderr): silent, live or plain. ``name`` is what is rehearsed.

    A context manager; inside, call it with ``(done, total, violations)``, each counted from the beginning. Violations
    are runs that broke a safety law, unless ``noun`` names something else that is counted.
    """
    stream = stream or sys.stderr
    if is_quiet:
        return Silent()
    return Live(name, stream, noun=noun) if is_terminal(stream) else Lines(name, stream, noun=noun)


class Silent:
    """Says nothing."""

    def __call__(self, done: int, total: int, violations: int) -> None:
        """So many runs are done, of so many, and so many of them broke a safety law."""

    def say(self, text: str) -> None:
        """A line of its own, beside the progress."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Ends the display."""


class Lines(Silent):
    """A line at the start and at every tenth: what a CI log can bear."""

    def __init__(
        self, name: str, stream: TextIO, clock: Callable[[], float] = time.monotonic, *, noun: str = ""
    ) -> None:
        self._name = name
        self._noun = noun
        self._stream = stream
        self._clock = clock
        self._began_s = clock()
        self._tenth = -1

    def __call__(self, done: int, total: int, violations: int) -> None:
        tenth = done * 10 // total if total else 0
        if tenth == self._tenth:
            return
        self._tenth = tenth
        told = f"{self._name}: {done:,} of {total:,} runs, {_counted(violations, self._noun)}"
        pace = pace_text(done, total, self._clock() - self._began_s)
        self.say(f"{told}{pace and ', ' + pace}")

    def say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class Live(Silent):
    """One line that moves: a bar, runs, rate, time left, violations so far."""

    def __init__(
        self, name: str, stream: TextIO, clock: Callable[[], float] = time.monotonic, *, noun: str = ""
    ) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._noun = noun
        self._clock = clock
        self._began_s = clock()
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            TextColumn("{task.fields[broken]}", style="red"),
            console=console_for(stream),
            transient=True,
        )
        self._task = self._bars.add_task(name, total=None, pace="", broken="")

    def __call__(self, done: int, total: int, violations: int) -> None:
        broken = _counted(violations, self._noun) if violations else ""
        pace = pace_text(done, total, self._clock() - self._began_s)
        self._bars.update(self._task, completed=done, total=total, pace=pace, broken=broken)

    def say(self, text: str) -> None:
        self._bars.console.print(text, soft_wrap=True)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bars.stop()


def _counted(violations: int, noun: str) -> str:
    return count(violations, noun) if noun else f"{violations:,} broke a safety law"


def pace_text(done: int, total: int, passed_s: float) -> str:
    """``12.5 runs/s, 1m 05s left``; empty while there is too little to tell from."""
    if not done or passed_s < _SETTLED_S:
        return ""
    left_s = round(passed_s * (total - done) / done)
    left = f"{left_s // 60}m {left_s % 60:02d}s" if left_s >= 60 else f"{left_s}s"
    return f"{done / passed_s:.1f} runs/s" + (f", {left} left" if done < total else "")
