"""Kinds ``trigger`` and ``execution``: people's orders that traded where they should not have.

``trigger``    a take-profit or stop-loss order fired at a price that the true mark, give or take the declared band of
               marks, had not reached within ``[t - staleness_ms_max, t]``. Of its fills, as of a liquidation:
               ``sum |dq| * |P_exec - P_true| * [adverse]``. What the book could not take was rejected and the trigger
               is used up: the position stands naked, which has no price here.
``execution``  any other market order of a person, a right trigger's too, that paid more than the declared band of marks
               and 30 bps explain: ``|dq| * (what lies beyond)``. Within that it is what a market order costs.

A resting order got the price it asked for: makers of a fill are not harmed by it. Nor are takers in an auction, whose
price all of them made. A fill that the chain refused, and took back, harmed nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drydock.harness.event import Event, Identity
from drydock.models.matching import OF_PERSON, OF_TRIGGER
from drydock.models.traders import TAKE_PROFIT

if TYPE_CHECKING:
    from drydock.models.events import Bust, Fill
    from drydock.models.harm.lines import Lines
    from drydock.models.harm.true_prices import TruePrices
    from drydock.models.order_events import TriggerDone, TriggerFired
    from drydock.models.truth import Truth


class FalseTriggers:
    """Triggers that are firing for no true reason, by (account, market)."""

    def __init__(self, truth: Truth, prices: TruePrices, lines: Lines) -> None:
        self._truth = truth
        self._prices = prices
        self._lines = lines
        self._firing: dict[tuple[int, int], Identity] = {}

    def on_fired(self, event: Event) -> None:
        """Judges the trigger by the truth."""
        data: TriggerFired = event.data
        is_above = self._is_above(data)
        if not self._prices.was_reached(event.at_ms, data.market, data.trigger_quantums, is_above=is_above):
            self._firing[(data.account, data.market)] = event.identity

    def _is_above(self, data: TriggerFired) -> bool:
        """Whether it waits for a rising mark: told by the mark, or where that equals its price, by the position."""
        if data.mark_quantums != data.trigger_quantums:
            return data.mark_quantums > data.trigger_quantums
        holdings = self._truth.shadow.holdings
        is_long = holdings.size_one(holdings.layout.slot_of[(data.account, data.market)]) > 0
        return is_long == (data.kind_ == TAKE_PROFIT)

    def on_done(self, event: Event) -> None:
        """Its order is through."""
        data: TriggerDone = event.data
        self._firing.pop((data.account, data.market), None)

    def is_firing(self, account: int, market: int) -> bool:
        """Whether an order of a false trigger is under way there."""
        return (account, market) in self._firing

    def takes(self, event: Event, data: Fill) -> bool:
        """Prices a fill of a false trigger, and says whether it was one."""
        fired = self._firing.get((data.taker, data.market)) if data.origin == OF_TRIGGER else None
        if fired is None:
            return False
        lost = data.size_quantums * (data.price_quantums - self._prices.mark_one(event.at_ms, data.market))
        self._lines.add(data.taker, "trigger", lost, fired, event.identity)
        return True


class BadExecutions:
    """Fills beyond tolerance."""

    def __init__(self, lines: Lines, first_person: int) -> None:
        self._lines = lines
        self._first_person = first_person
        self._charged: dict[tuple[int, ...], int] = {}

    def on_fill(self, event: Event, data: Fill, outside_by: int) -> None:
        """``outside_by`` is how far the price lies above (below: negative) what is explained."""
        harm = data.size_quantums * outside_by
        if harm > 0 and data.taker >= self._first_person and data.origin in (OF_PERSON, OF_TRIGGER):
            self._lines.add(data.taker, "execution", harm, event.identity)
            self._charged[_key(data)] = harm

    def on_bust(self, event: Event) -> None:
        """The fill is undone, and so is its harm."""
        data: Bust = event.data
        harm = self._charged.pop(_key(data), 0)
        if harm:
            self._lines.give_back(data.taker, "execution", harm)

    def on_rollback(self) -> None:
        """No bust comes for what a rollback took."""
        self._charged.clear()


def _key(data: Fill | Bust) -> tuple[int, ...]:
    return data.market, data.taker, data.maker, data.size_quantums, data.price_quantums
