"""From a case that fails to the smallest that fails in the same way: the door to this package.

shrunk = shrink(case, signature, kit)
shrunk.case         # the smallest case, FIFO with laggards where that fails in the same way
shrunk.proof        # played: without each part it passes, and what each part does alone
shrunk.alternatives # other sets of parts that do it too
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from drydock.harness.event import Identity
from drydock.harness.port import Case, Kit
from drydock.harness.shrink.parts import Part, parts_of, with_parts, without
from drydock.harness.shrink.player import Alone, Player, Seen
from drydock.harness.shrink.probe import Box, BoxFull, Clock, Memory, Probe
from drydock.harness.shrink.reduce import Smallest, fewer, reduce, untie
from drydock.harness.signature import Signature
from drydock.harness.tie_log import laggards_behind, laggards_like, play_logged

MAX_TIME_S = 60.0
MAX_RUNS = 2_000
PROVEN_MAX = 50
"""Of so many parts each is left out and tried alone; more only where the box ended the search early."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was played of one part of the minimum: how the case fails without it, and with it alone.

    ``without`` must not have the signature, or the part would not be needed.
    """

    part: str
    without: Seen
    alone: Seen


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What shrinking came to. ``case`` fails with ``signature``, as ``original`` does, and is the smallest found.

    ``is_minimal``: every part was left out once, and without it the case passes. ``stopped`` says what ended the search
    before it was through (``max-time``, ``max-runs``), or is empty. Where ``is_shown`` is False the original itself
    does not fail so, and nothing was tried. ``whole`` is all the ways in which the smallest case fails, ``empty`` those
    that are left without any part; None where the search did not come so far. ``alternatives`` each fail without a part
    that the minimum needs; more than these may exist.
    """

    original: Case
    case: Case
    signature: Signature
    is_shown: bool
    is_minimal: bool
    proof: tuple[Proof, ...] = ()
    whole: Seen | None = None
    empty: Seen | None = None
    alternatives: tuple[Case, ...] = ()
    keeps_seeded_ties: bool = False
    runs: int = 0
    stopped: str = ""


def shrink(
    case: Case,
    signature: Signature,
    kit: Kit,
    *,
    max_time_s: float | None = MAX_TIME_S,
    max_runs: int | None = MAX_RUNS,
    has_alternatives: bool = True,
    is_rough: bool = False,
    memory: Memory | None = None,
    on_smaller: Callable[[Case], None] | None = None,
    player: Player | None = None,
    clock: Clock = time.monotonic,
) -> Shrunk:
    """The smallest case that still fails with ``signature``, within a box of time and runs.

    ``on_smaller`` hears of every smaller case as it is found. What comes out depends on the case alone, unless the time
    ended it; then it is what a longer search would have had at that point. ``player`` plays elsewhere, or by hand.
    With ``is_rough`` parts are left out and proven, and not made simpler: most of the way for a fifth of the runs. The
    same ``memory`` lets a later call for the same case and signature go on from there.
    """
    memory = memory or Memory()
    box = Box(max_time_s, max_runs, clock, memory.runs)
    search = _Search(case, Probe(signature, player or Alone(kit, case.scenario), box, memory), kit, on_smaller)
    with suppress(BoxFull):
        search.run(is_rough, has_alternatives and not is_rough)
    memory.runs = box.runs
    return replace(search.shrunk(), runs=box.runs, stopped=box.stopped)


class _Search:
    """A search under way: what is known of it stands, whenever the box ends it."""

    def __init__(self, case: Case, probe: Probe, kit: Kit, hear: Callable[[Case], None] | None) -> None:
        self.original = case
        self.probe = probe
        self.kit = kit
        self.best = Smallest.of(case, hear)
        self.is_shown = False
        self.start = self.best
        self.proof: list[Proof] = []
        self.whole: Seen | None = None
        self.empty: Seen | None = None
        self.alternatives: list[Case] = []

    def run(self, is_rough: bool, has_alternatives: bool) -> None:
        self.is_shown = self.probe.signature in self.probe.seen([self.original])[0]
        if not self.is_shown:
            return
        box = self.probe.box
        with suppress(BoxFull):
            box.keeps_reserve = True
            self._shrink(is_rough)
        box.keeps_reserve = False
        self._prove()
        if has_alternatives and not box.stopped:
            self._find_alternatives()

    def _shrink(self, is_rough: bool) -> None:
        shrinks = fewer if is_rough else reduce
        self._leave_out_idle()
        is_fifo = untie(self.best, self.probe, self._laggards_like)
        self.start = Smallest(self.best.frame, self.best.parts)
        shrinks(self.best, self.probe)
        if not is_fifo and untie(self.best, self.probe, self._laggards_like):  # fewer faults, other races
            shrinks(self.best, self.probe)

    def shrunk(self) -> Shrunk:
        """What is known now."""
        signature = self.probe.signature
        needed = [signature not in row.without for row in self.proof]
        is_proven = self.whole is not None and signature in self.whole and len(needed) == len(self.best.parts)
        return Shrunk(
            original=self.original,
            case=self.best.case,
            signature=signature,
            is_shown=self.is_shown,
            is_minimal=is_proven and all(needed),
            proof=tuple(self.proof),
            whole=self.whole,
            empty=self.empty,
            alternatives=tuple(self.alternatives),
            keeps_seeded_ties=self.is_shown and self.best.frame.ties.mode == "seeded",
        )

    def _laggards_like(self, case: Case) -> Iterator[tuple[Identity, ...]]:
        self.probe.box.spend()
        _, log = play_logged(case, self.kit)
        yield laggards_like(log)
        yield from laggards_behind(log)

    def _leave_out_idle(self) -> None:
        """Faults that cannot strike here do nothing, and would make every plan with them illegal."""
        scenario = self.original.scenario
        striking = [p for p in self.best.parts if isinstance(p.what, tuple) or p.what.applicable(scenario)]
        if len(striking) < len(self.best.parts) and self.probe.shows(with_parts(self.best.frame, striking)):
            self.best.take(tuple(striking))

    def _prove(self) -> None:
        """The table: played with every law, so that it also says what else goes wrong. Only of what is small."""
        frame, parts = self.best.frame, self.best.parts
        self.whole, self.empty = self.probe.seen([self.best.case, with_parts(frame, ())])
        for number, part in enumerate(parts if len(parts) <= PROVEN_MAX else ()):
            left, alone = self.probe.seen([with_parts(frame, kept) for kept in (without(parts, number), (part,))])
            self.proof.append(Proof(str(part), left, alone))

    def _find_alternatives(self) -> None:
        """For each part of the minimum: does the original fail without it, and what is the minimum of that?"""
        known = [self.best.case]
        for part in self.best.parts:
            others = tuple(other for other in self.start.parts if other.origin != part.origin)
            rest = Smallest(self.start.frame, others)
            if not self.probe.shows(rest.case):
                continue
            reduce(rest, self.probe)
            if rest.case not in known:
                known.append(rest.case)
                self.alternatives.append(rest.case)


__all__ = ["MAX_RUNS", "MAX_TIME_S", "Part", "Proof", "Shrunk", "parts_of", "shrink"]
