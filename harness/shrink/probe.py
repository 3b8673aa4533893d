"""Asks whether cases still fail in the same way: each once, legal ones only, within a box of time and runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from drydock.harness.fault import is_legal
from drydock.harness.port import Case
from drydock.harness.shrink.player import Player, Seen
from drydock.harness.signature import Signature

Clock = Callable[[], float]
_Key = tuple[object, ...]


class BoxFull(Exception):
    """The time or the runs that were given are used up; what was found so far stands."""


class Memory:
    """What was asked about one signature of one case, and answered: so that shrinking may go on where it ended."""

    def __init__(self) -> None:
        self.asked: dict[_Key, bool] = {}
        self.whole: dict[_Key, Seen] = {}
        self.runs = 0


class Box:
    """What shrinking may cost. ``stopped`` says which end of it was reached: ``max-time``, ``max-runs`` or nothing.

    ``runs`` counts the cases that were asked about, not what was played ahead: it does not depend on workers. While
    ``keeps_reserve``, a quarter of both is kept for the proof.
    """

    def __init__(
        self, max_time_s: float | None, max_runs: int | None, clock: Clock = time.monotonic, runs: int = 0
    ) -> None:
        self._clock = clock
        self._began_s = 0.0 if max_time_s is None else clock()
        self._max_time_s = max_time_s
        self._max_runs = max_runs
        self.keeps_reserve = False
        self.runs = runs
        self.stopped = ""

    def spend(self, runs: int = 1) -> None:
        """So many runs more. :exc:`BoxFull` where there is no time, or are not so many left."""
        share = 0.75 if self.keeps_reserve else 1.0
        if self._max_time_s is not None and self._clock() - self._began_s >= share * self._max_time_s:
            self.stopped = "max-time"
            raise BoxFull
        if self._max_runs is not None and self.runs + runs > share * self._max_runs:
            self.stopped = "max-runs"
            raise BoxFull
        self.runs += runs


class Probe:
    """Whether a case shows one signature. All are of one scenario and seed: regime, plan and ties tell them apart."""

    def __init__(self, signature: Signature, player: Player, box: Box, memory: Memory | None = None) -> None:
        memory = memory or Memory()
        self.signature = signature
        self.box = box
        self._player = player
        self._asked = memory.asked
        self._ahead: dict[_Key, bool] = {}
        self._whole = memory.whole

    def shows(self, case: Case) -> bool:
        """Whether the case fails in the same way. :exc:`BoxFull` where it would have to be played and cannot be."""
        return self.first([case]) is not None

    def first(self, cases: Iterable[Case]) -> int | None:
        """The number of the first case that fails in the same way; None where none does. Illegal ones do not count."""
        remaining = iter(enumerate(cases))
        while batch := list(islice(remaining, self._player.width)):
            if len(batch) > 1:
                self._play_ahead([case for _, case in batch])
            for number, case in batch:
                if self._answer(case):
                    return number
        return None

    def seen(self, cases: Sequence[Case]) -> list[Seen]:
        """All the ways in which each of these cases fails, judged by every law."""
        unknown = {_key(case): case for case in cases if _key(case) not in self._whole}
        self.box.spend(len(unknown))
        self._whole |= zip(unknown, self._player.seen(list(unknown.values())), strict=True)
        return [self._whole[_key(case)] for case in cases]

    def _answer(self, case: Case) -> bool:
        key = _key(case)
        if not is_legal(case.plan, case.scenario):
            return False
        if key not in self._asked:
            self.box.spend()
            if key not in self._ahead:
                self._play_ahead([case])
            self._asked[key] = self._ahead.pop(key)
        return self._asked[key]

    def _play_ahead(self, cases: list[Case]) -> None:
        """Plays what nobody knows yet, all at once."""
        legal = {_key(case): case for case in cases if is_legal(case.plan, case.scenario)}
        unknown = {key: case for key, case in legal.items() if key not in self._asked and key not in self._ahead}
        shown = self._player.seen(list(unknown.values()), self.signature)
        self._ahead |= {key: self.signature in seen for key, seen in zip(unknown, shown, strict=True)}


def _key(case: Case) -> _Key:
    return (case.regime, case.plan, case.ties)
