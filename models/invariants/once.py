"""O4, S6: what people asked for, what the cloud filled, and what the chain sealed are the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from drydock.harness.event import Event, Identity
from drydock.harness.port import Finding
from drydock.models.events import BlockSealed, Bust, Fill, RollbackDone, SnapshotTaken
from drydock.models.invariants.base import VenueLaw
from drydock.models.matching import OF_TRIGGER

Key = tuple[int, int, int, int, int]
NEVER_MS = 1 << 60


class AskedFor(VenueLaw):
    """O4: a person's fills of a market and a side are no larger than what he asked for until then.

    His triggers are not counted: the venue sends them. What a bust or a rollback took back may be filled again.
    """

    id, law_class, role = "O4", "safety", "person"
    sentence = "nobody trades more than he asked for"
    source = "an order that is sent again because its answer was lost is executed twice where no key tells"
    hears = (Fill, Bust, SnapshotTaken, RollbackDone)

    def begin(self, truth: Any) -> None:
        """Nothing asked, nothing filled."""
        super().begin(truth)
        intents = truth.intents
        self._markets = len(truth.markets)
        sides = self._side(intents.account, intents.market, intents.size)
        self._asks: list[tuple[int, int, int]] = [
            *zip(intents.at_ms.tolist(), sides.tolist(), np.abs(intents.size).tolist(), strict=True),
            (NEVER_MS, 0, 0),
        ]
        self._next = 0
        self._left: dict[int, int] = {}
        self._kept = self._left
        self._kept_next = 0
        self._first_person: int = truth.population.first_person

    def observe(self, event: Event) -> None:
        """Takes each fill off what its parties asked for."""
        data = event.data
        if isinstance(data, Fill):
            self._hear_asks(event.at_ms)
            if data.origin != OF_TRIGGER:
                self._fill(event, data.market, data.taker, data.size_quantums)
            self._fill(event, data.market, data.maker, -data.size_quantums)
        elif isinstance(data, Bust):
            for account, size in ((data.taker, data.size_quantums), (data.maker, -data.size_quantums)):
                side = self._side(account, data.market, size)
                self._left[side] = self._left.get(side, 0) + abs(size)
        elif isinstance(data, SnapshotTaken):
            self._kept, self._kept_next = self._left.copy(), self._next
        else:
            self._left = self._kept.copy()
            self._next = self._kept_next

    def _hear_asks(self, at_ms: int) -> None:
        asks, left, place = self._asks, self._left, self._next
        wanted_ms, side, size = asks[place]
        while wanted_ms <= at_ms:
            left[side] = left.get(side, 0) + size
            place += 1
            wanted_ms, side, size = asks[place]
        self._next = place

    def _side(self, account: Any, market: Any, size: Any) -> Any:
        """An account's side of a market as one number; also of arrays of them."""
        return 2 * (account * self._markets + market) + (size > 0)

    def _fill(self, event: Event, market: int, account: int, size: int) -> None:
        if account < self._first_person:
            return
        side = self._side(account, market, size)
        left = self._left[side] = self._left.get(side, 0) - abs(size)
        self._checks += 1
        if left < 0:
            self._left[side] = 0
            self.find(
                event.at_ms,
                f"account {account} trades {-left} more of {self.name(market)} than it asked for, "
                f"{'buying' if size > 0 else 'selling'}",
                event.identity,
            )


class SealedOnce(VenueLaw):
    """S6: every fill of the cloud is sealed once, or bust, within the declared lag and a block of it.

    Sums cannot tell: a fill that is lost, or sealed twice, leaves every market's positions at zero and no money
    missing. A rollback takes with it what was under way.
    """

    id, law_class = "S6", "safety"
    sentence = "every fill that the cloud made is sealed by the chain, or bust, once and in time"
    source = "double-entry bookkeeping between two ledgers; a message that is sent again is the classic double fill"
    hears = (Fill, Bust, BlockSealed, RollbackDone)

    def begin(self, truth: Any) -> None:
        """Nothing is under way."""
        super().begin(truth)
        self._waiting: dict[Key, list[Event]] = {}
        self._told: set[Identity] = set()
        self._late_ms: int = truth.venue.declared.copies_lag_ms + truth.venue.chain.block_ms
        self._last: Event | None = None

    def observe(self, event: Event) -> None:
        """Follows each fill to its block."""
        data = event.data
        if isinstance(data, Fill):
            self._waiting.setdefault(data[:5], []).append(event)
        elif isinstance(data, BlockSealed):
            self._last = event
            self._settle(event, data)
            self._find_late(event)
        elif isinstance(data, Bust):
            self._take(data[:5])
        else:
            self._waiting.clear()

    def end(self) -> Sequence[Finding]:
        """What never came is found with the last block, if nothing was sealed after it."""
        if self._last is not None:
            self._find_late(self._last)
        return super().end()

    def _settle(self, event: Event, sealed: BlockSealed) -> None:
        layout = sealed.view.layout
        market_of, account_of = layout.market_of, layout.account_of
        for taker_slot, maker_slot, size, price in sealed.view.fills:
            taker = account_of[taker_slot]
            self._checks += 1
            made = self._take((market_of[taker_slot], taker, account_of[maker_slot], size, price))
            if made is None:
                told = "that the cloud has not made, or not as often"
            elif event.at_ms - made.at_ms > self._late_ms and made.identity not in self._told:
                told = f"{event.at_ms - made.at_ms} ms after it was made"
            else:
                continue
            market = self.name(market_of[taker_slot])
            self.find(
                event.at_ms,
                f"block {sealed.height} seals a fill of account {taker} in {market} {told}",
                *_of(event, made),
                role=self.who(taker),
            )

    def _take(self, key: Key) -> Event | None:
        """One fill less is under way: that which was made first; None for no such."""
        waiting = self._waiting.get(key)
        if waiting is None:
            return None
        made = waiting.pop(0)
        if not waiting:
            del self._waiting[key]
        return made

    def _find_late(self, event: Event) -> None:
        for (market, taker, *_), made in self._waiting.items():
            age_ms = event.at_ms - made[0].at_ms
            if age_ms > self._late_ms and made[0].identity not in self._told:
                self._told.add(made[0].identity)
                self.find(
                    event.at_ms,
                    f"a fill of account {taker} in {self.name(market)} is not sealed after {age_ms} ms",
                    *_of(event, made[0]),
                    role=self.who(taker),
                )


def _of(sealed: Event, made: Event | None) -> Iterator[Identity]:
    """The block that shows it, and the fill that it is about."""
    yield sealed.identity
    if made is not None:
        yield made.identity
