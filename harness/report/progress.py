"""How far a rehearsal is: a live line on a terminal, a plain line every tenth in CI. Always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, TextIO

from drydock.harness.report.console import is_terminal


class Progress(Protocol):
    """What a rehearsal tells while it works. ``begin`` names a part and its number of runs; ``ran`` reports some."""

    def begin(self, part: str, runs: int) -> None: ...
    def ran(self, runs: int, violations: int) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None: ...


def progress_on(stream: TextIO | None = None, *, is_quiet: bool = False) -> Progress:
    """The progress that suits the stream (default stderr): silent, live or plain."""
    stream = stream or sys.stderr
    if is_quiet:
        return Silent()
    return Live(stream) if is_terminal(stream) else Plain(stream)


class Silent:
    """Says nothing."""

    def begin(self, part: str, runs: int) -> None:
        """Nothing."""

    def ran(self, runs: int, violations: int) -> None:
        """Nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, at: object) -> None:
        """Nothing to undo."""


class Plain(Silent):
    """A line when a part begins, at every tenth of it, and at its end: what a CI log can bear."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._part = ""
        self._total = self._done = self._violations = self._tenth = 0
        self._began_s = 0.0

    def begin(self, part: str, runs: int) -> None:
        """A new part, of this many runs; 0 where the number is not known."""
        self._part, self._total = part, runs
        self._done = self._violations = self._tenth = 0
        self._began_s = self._clock()
        self._say(f"{part}: {runs} runs" if runs else part)

    def ran(self, runs: int, violations: int) -> None:
        """So many more runs are done, so many of them broke a law."""
        self._done += runs
        self._violations += violations
        tenth = self._done * 10 // self._total if self._total else 0
        if tenth <= self._tenth:
            return
        self._tenth = tenth
        passed_s = self._clock() - self._began_s
        rate = f", {self._done / passed_s:.1f} runs/s, {remaining(self._done, self._total, passed_s)} left" if passed_s else ""
        self._say(f"{self._part}: {self._done} of {self._total} runs, {self._violations} with a law broken{rate}")

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class Live(Silent):
    """A bar with runs, rate, time left and violations so far."""

    def __init__(self, stream: TextIO) -> None:
        from rich import progress as bars

        from drydock.harness.report.console import console_for

        self._bars = bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(bar_width=24),
            bars.MofNCompleteColumn(),
            bars.TextColumn("{task.fields[rate]}"),
            bars.TimeRemainingColumn(),
            bars.TextColumn("{task.fields[broken]}", style="red"),
            console=console_for(stream),
            transient=True,
        )
        self._task: bars.TaskID | None = None
        self._violations = 0

    def begin(self, part: str, runs: int) -> None:
        """A new bar, in place of the one before."""
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._violations = 0
        self._task = self._bars.add_task(part, total=runs or None, rate="", broken="")

    def ran(self, runs: int, violations: int) -> None:
        """So many more runs are done, so many of them broke a law."""
        if self._task is None:
            return
        self._violations += violations
        self._bars.advance(self._task, runs)
        speed = self._bars.tasks[-1].finished_speed or self._bars.tasks[-1].speed
        broken = f"{self._violations} with a law broken" if self._violations else ""
        self._bars.update(self._task, rate=f"{speed:.1f} runs/s" if speed else "", broken=broken)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, kind: object, error: object, at: object) -> None:
        self._bars.stop()


def remaining(done: int, total: int, passed_s: float) -> str:
    """The time that the rest takes at this rate, as ``1m 05s``."""
    left_s = round(passed_s * (total - done) / done)
    return f"{left_s // 60}m {left_s % 60:02d}s" if left_s >= 60 else f"{left_s}s"
