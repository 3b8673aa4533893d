"""Seams: the named places where a model lets the world go wrong.

A model passes every operation of a kind through its seam. A fault bends the seam inside a ``with``: it adds itself,
never assigns; bends nest; leaving always restores. What passes is a :class:`Passage`: a message
over some entities (markets, accounts, keys), whose delay, loss and staleness are arrays over these entities, so that
one market of 117 can be bent while the other 116 pass unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Millis = NDArray[np.int64]


@dataclass(slots=True)
class Passage:
    """One operation at a seam: what happens to it, entity by entity.

    ``delay_ms[n]`` later than the model would have it; ``is_lost[n]`` never; ``stale_ms[n]`` how old the state is that
    a read is served from; ``copies[n]`` so many times more, each ``copy_late_ms`` after the one before. Where
    ``is_unanswered`` it happens, and who asked is not told. ``label`` says which operation it is (``load``, ``tick``,
    a step's name).

    Three more are given only where they may be bent. ``value`` and ``stamp_ms`` are what somebody outside of the venue
    says and when he says that it held, so that a value that the venue owns cannot be reached; ``stamp_ms`` alone is
    what a clock shows. ``policy`` is what a component does in a case that its documentation decides.
    """

    entities: int
    label: str = ""
    delay_ms: Millis = field(default_factory=lambda: np.zeros(0, np.int64))
    stale_ms: Millis = field(default_factory=lambda: np.zeros(0, np.int64))
    is_lost: Mask = field(default_factory=lambda: np.zeros(0, np.bool_))
    copies: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    copy_late_ms: int = 0
    is_unanswered: bool = False
    value: NDArray[np.int64] | None = None
    stamp_ms: Millis | None = None
    policy: str | int | None = None

    def __post_init__(self) -> None:
        for name, kind in (("delay_ms", np.int64), ("stale_ms", np.int64), ("is_lost", np.bool_), ("copies", np.int64)):
            if getattr(self, name).size == 0:
                setattr(self, name, np.zeros(self.entities, kind))

    def groups(self) -> Iterator[tuple[int, Mask]]:
        """(delay_ms, mask) of each delivery, shortest delay first, over the entities that are not lost.

        A duplicate is one more delivery of the same entities.
        """
        alive = ~self.is_lost
        found = [(int(delay_ms), alive & (self.delay_ms == delay_ms)) for delay_ms in np.unique(self.delay_ms[alive])]
        for delay_ms, mask in tuple(found):
            for nth in range(1, int(self.copies[mask].max()) + 1):
                found.append((delay_ms + nth * self.copy_late_ms, mask & (self.copies >= nth)))
        yield from sorted(found, key=lambda delivery: delivery[0])


Bender = Callable[[Passage], bool]
"""Changes a passage in place and says whether it touched it; it must not shorten, undo or know other bends."""


class Witness:
    """Evidence of the faults: who bent a seam, and whose bends an operation really met.

    The harness says who is at work (:attr:`who`: the name of the lane) and hears of each lane's first act.
    """

    __slots__ = ("acted", "exercised", "heard", "who")

    def __init__(self) -> None:
        self.who: Callable[[], str] = str
        self.heard: Callable[[str, str], None] = lambda lane, seam: None
        self.acted: set[str] = set()
        self.exercised: set[str] = set()

    def act(self, seam: str) -> str:
        """The lane at work begins to interfere here; returns its name."""
        return self.note(self.who(), seam)

    def note(self, lane: str, seam: str) -> str:
        """This lane begins to interfere here; returns its name."""
        if lane not in self.acted:
            self.acted.add(lane)
            self.heard(lane, seam)
        return lane


class Bend:
    """One bender at work on a seam; remembers how many operations it touched, and whose it is."""

    __slots__ = ("bender", "lane", "touched")

    def __init__(self, bender: Bender, lane: str = "") -> None:
        self.bender = bender
        self.lane = lane
        self.touched = 0

    @property
    def is_exercised(self) -> bool:
        """Whether an operation passed through the bent seam and was touched."""
        return self.touched > 0


class Seam:
    """A named place where faults can bend what passes. Falsy while nobody bends it (a hot path asks ``bends``)."""

    __slots__ = ("bends", "name", "passed", "sentence", "witness")

    def __init__(self, name: str, sentence: str = "", witness: Witness | None = None) -> None:
        self.name = name
        self.sentence = sentence
        self.witness = witness or Witness()
        self.bends: list[Bend] = []
        self.passed = 0

    def __bool__(self) -> bool:
        return bool(self.bends)

    @contextmanager
    def bend(self, bender: Bender, *, lies_in_wait: bool = False) -> Iterator[Bend]:
        """Bends the seam for the duration of the ``with``.

        A bend that lies in wait for one operation interferes from the first that it touches on, and not before.
        """
        witness = self.witness
        bend = Bend(bender, witness.who() if lies_in_wait else witness.act(self.name))
        self.bends.append(bend)
        try:
            yield bend
        finally:
            self.bends.remove(bend)

    def through(self, passage: Passage) -> Passage:
        """Passes an operation through all bends, oldest first."""
        self.passed += 1
        for bend in list(self.bends):
            if bend.bender(passage):
                bend.touched += 1
                self.witness.exercised.add(self.witness.note(bend.lane, self.name))
        return passage


class UnknownSeam(KeyError):
    """A fault asked for a seam that this world does not have."""


class Seams:
    """The seams of one world, by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Seam] = {}
        self.witness = Witness()

    def add(self, name: str, sentence: str) -> Seam:
        """A new seam; ``ValueError`` for a name that is taken."""
        if name in self._by_name:
            raise ValueError(f"seam '{name}' exists already")
        seam = self._by_name[name] = Seam(name, sentence, self.witness)
        return seam

    def mark_exercised(self, what: str) -> None:
        """Evidence of a fault that operates instead of bending, e.g. starts a process early: called on its lane.

        ``what`` names the operation, where another fault would name its seam.
        """
        self.witness.exercised.add(self.witness.act(what))

    def __getitem__(self, name: str) -> Seam:
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownSeam(f"no seam '{name}'; this world has {', '.join(sorted(self._by_name))}") from None

    def __iter__(self) -> Iterator[Seam]:
        return iter(self._by_name.values())

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def bent(self) -> list[str]:
        """The names of the seams that are bent now."""
        return [seam.name for seam in self if seam]

    def all_released(self) -> bool:
        """Whether nothing is bent any more."""
        return not any(self._by_name.values())
