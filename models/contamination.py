"""Contamination: how far a wrong value has spread, and what mending that by hand costs beside going back.

It starts with the first published index outside the truth's band. From then on each fill and each liquidation changes a
position; one in a market whose index is wrong is re-cached there, and to restore the true index would then charge it
``-q * I`` on top. So repair by hand means, account by account: give back what was wrongly taken (kinds liquidation,
trigger, funding, execution), and set the cached index of each position right. Going back mends all that at once, and
takes: what legitimate fills had earned, a fee to trade each of them again, and the access harm of the long closure.

Before the venue is halted both grow by the minute; the minute from which repair is the dearer one is what the
post-mortem calls "targeted fixes impractical". The money that a repair gives back is partly with the vault, and with
those whom the wrong index made rich, so the bare work is told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drydock.harness.event import Event
from drydock.models.accounts import VAULT
from drydock.models.events import Fill, IndexPublished, Liquidation, ModeChanged, RollbackDone
from drydock.models.ledger import VenueLedger
from drydock.models.perp.funding import funding_pnl
from drydock.models.perp.units import PPM

if TYPE_CHECKING:
    from drydock.models.truth import Truth

MINUTE_MS = 60_000
REPAIR_QUANTUMS = 200_000_000
"""[A] $200: two people for an hour, who reconstruct one account, mend it and sign for it."""
MENDED = frozenset(("liquidation", "trigger", "funding", "execution"))
CLOSED = ("maintenance",)


@dataclass(frozen=True, slots=True)
class Minute:
    """How things stand so many whole minutes after the first wrong value. Money in 1e-6 USD.

    ``accounts`` have a position that changed since, ``positions`` were re-cached at a wrong index, ``mischarge`` is
    what putting the true index back as it is would take from people among their owners. ``owed`` is what was wrongly
    taken so far; ``earned`` and ``fees`` are what erasing the legitimate fills costs.
    """

    minute: int
    accounts: int
    positions: int
    mischarge_quantums: int
    owed_quantums: int
    earned_quantums: int
    fees_quantums: int


@dataclass(frozen=True, slots=True)
class Spread:
    """A night's contamination, minute by minute until the halt; ``access_quantums`` is what the closure cost people.

    ``each_quantums`` below is what the work on one account costs.
    """

    first_wrong_ms: int
    minutes: tuple[Minute, ...]
    access_quantums: int

    def rollback(self, minute: Minute) -> int:
        """Going back (1e-6 USD)."""
        return minute.earned_quantums + minute.fees_quantums + self.access_quantums

    def repair_pays_until(self, each_quantums: int = REPAIR_QUANTUMS) -> int | None:
        """The last minute at which repair, with what it gives back, is cheaper than going back.

        0 where it never is, None where it still is at the halt.
        """
        return self._last_cheaper(lambda row: row.owed_quantums + row.accounts * each_quantums)

    def work_pays_until(self, each_quantums: int = REPAIR_QUANTUMS) -> int | None:
        """:meth:`repair_pays_until` for the bare work."""
        return self._last_cheaper(lambda row: row.accounts * each_quantums)

    def _last_cheaper(self, cost: Callable[[Minute], int]) -> int | None:
        return next((row.minute - 1 for row in self.minutes if cost(row) >= self.rollback(row)), None)


class Contamination:
    """A fold over a night's events. It keeps a ledger of its own."""

    hears: tuple[type, ...] = tuple(dict.fromkeys((*VenueLedger.hears, ModeChanged)))

    def __init__(self, first_person: int = 1) -> None:
        self._ledger = VenueLedger(first_person)
        self._first_person = first_person

    def begin(self, truth: Truth) -> None:
        """Nothing is wrong yet."""
        self._truth = truth
        self._ledger.begin(truth)
        self._first_wrong_ms = -1
        self._is_halted = False
        self._owed_before = 0
        self._accounts: set[int] = set()
        self._slots: set[int] = set()
        self._minutes: list[Minute] = []

    def observe(self, event: Event) -> None:
        """Looks back at every minute that is over, and then takes the event in."""
        if self._is_spreading:
            self._note_minutes(event.at_ms)
        data = event.data
        if isinstance(data, RollbackDone) or (isinstance(data, ModeChanged) and data.mode in CLOSED):
            self._is_halted = self._first_wrong_ms >= 0
        if isinstance(data, IndexPublished) and self._first_wrong_ms < 0 and self._truth.shadow.is_wrong.any():
            self._first_wrong_ms = event.at_ms
            self._owed_before = self._owed(event.at_ms)
        if self._is_spreading:
            self._touch(data)
        if type(data) in VenueLedger.hears:
            self._ledger.observe(event)

    @property
    def _is_spreading(self) -> bool:
        return self._first_wrong_ms >= 0 and not self._is_halted

    def _touch(self, data: object) -> None:
        shadow = self._truth.shadow
        layout = shadow.holdings.layout
        if isinstance(data, Fill):
            self._accounts |= {data.taker, data.maker}
            if shadow.is_wrong[data.market]:
                self._slots |= {layout.slot_of[(account, data.market)] for account in (data.taker, data.maker)}
        elif isinstance(data, Liquidation):
            self._accounts |= {data.account, VAULT}
            slots = np.array(layout.slots_of_one(data.account))
            market = layout.market[slots]
            is_recached = shadow.is_wrong[market] & (shadow.holdings.size[slots] != 0)
            self._slots |= set(slots[is_recached].tolist())
            self._slots |= {layout.dense_slot(VAULT, number) for number in market[is_recached].tolist()}

    def _note_minutes(self, at_ms: int) -> None:
        while at_ms > self._first_wrong_ms + (len(self._minutes) + 1) * MINUTE_MS:
            self._minutes.append(self._look(len(self._minutes) + 1))

    def _look(self, minute: int) -> Minute:
        at_ms, erased = self._first_wrong_ms + minute * MINUTE_MS, self._ledger.erased
        return Minute(
            minute,
            accounts=len(self._accounts),
            positions=len(self._slots),
            mischarge_quantums=self._mischarge(at_ms),
            owed_quantums=self._owed(at_ms) - self._owed_before,
            earned_quantums=sum(erased.gains(at_ms).values()),
            fees_quantums=erased.notional() // PPM * self._truth.venue.liquidation.taker_fee_ppm,
        )

    def _owed(self, at_ms: int) -> int:
        entries = self._ledger.lines.entries(self._truth.shadow.value(at_ms).equity)
        return sum(entry.amount_quantums - entry.restored_quantums for entry in entries if entry.kind in MENDED)

    def _mischarge(self, at_ms: int) -> int:
        """What people whose position was re-cached would lose if only the index were put back."""
        truth, shadow = self._truth, self._truth.shadow
        shadow.value(at_ms)  # brings its positions up to date
        slots = np.array(sorted(self._slots), np.int64)
        layout = shadow.holdings.layout
        slots = slots[layout.account[slots] >= self._first_person]
        market = layout.market[slots]
        taken = -funding_pnl(shadow.holdings.size[slots], shadow.index(at_ms)[market], truth.watch.index[market])
        return int(taken[(taken > 0) & shadow.is_wrong[market]].sum())

    def end(self) -> Sequence[Spread]:
        """The night's spread; nothing where no value was ever wrong."""
        if self._first_wrong_ms < 0:
            return ()
        access = sum(entry.amount_quantums for entry in self._ledger.end() if entry.kind == "access")
        return (Spread(self._first_wrong_ms, tuple(self._minutes), access),)
