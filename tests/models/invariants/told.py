"""What a law says of events that are told to it one by one, on a bench venue with a book, and such events."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from drydock.harness.event import Event
from drydock.harness.law import FoldLaw
from drydock.models.events import (
    Fill,
    ModeChanged,
    RollbackDone,
)
from drydock.models.invariants.canaries.build import WITH_BOOK
from drydock.models.invariants.marks import NearFair, ThinBookIndependence
from drydock.models.invariants.orders import BustAccounting, CancelOnly, OrderSurvival, PostOnly
from drydock.models.order_events import (
    MarkSampled,
    OrderPlaced,
    OrdersKept,
    TriggerFired,
)
from drydock.models.truth import Truth
from tests.nights import Stage

BAND = ("venue.declared.post_only_band_ppm=5bps",)
TO_POST_ONLY = ModeChanged("cancel_only", "post_only", 0)
TO_CANCEL_ONLY = ModeChanged("maintenance", "cancel_only", 0)
TO_MAINTENANCE = ModeChanged("ok", "maintenance", 0)
TO_OK = ModeChanged("post_only", "ok", 0)
BOOK_LAWS = (OrderSurvival, PostOnly, CancelOnly, BustAccounting, NearFair, ThinBookIndependence)


@cache
def truth(*sets: str) -> Truth:
    """The shadow truth of a bench night with a book: prices do not move, three markets."""
    return Stage(WITH_BOOK, *sets, is_started=False).world.truth


def details(law: FoldLaw, *told: tuple[int, Any], sets: tuple[str, ...] = ()) -> list[str]:
    """What a law finds in these events at these times."""
    law.begin(truth(*sets))
    for nth, (at_ms, data) in enumerate(told):
        law.observe(Event(at_ms, "test", data.kind, nth, None, data))
    return [finding.detail for finding in law.end()]


def fill(origin: int = 0, taker: int = 9) -> Fill:
    return Fill(0, taker, 1, 10, 9_000_000, 0, origin)


def sampled(*, bid_ppm: int = -300, ask_ppm: int = 300, mark_ppm: int = 0, no_bid: bool = False) -> MarkSampled:
    """A sample in which all books look alike: best prices, and the same a second time, in ppm of the outside price."""
    fair = truth().mark(0)

    def at(ppm: int) -> Any:
        return fair + fair * ppm // 1_000_000

    bid = np.zeros_like(fair) if no_bid else at(bid_ppm)
    return MarkSampled(bid, at(ask_ppm), bid, at(ask_ppm), fair, fair, at(mark_ppm))


def order(price_ppm: int = 0) -> OrderPlaced:
    """An order so far from the outside price of its market."""
    return OrderPlaced(0, 9, 1, 1, 9_000_000 + 9 * price_ppm, 5, 9_000_000)


def kept(moment: str, triggers: tuple[int, ...], told: tuple[int, ...] | None = None, resting: int = 0) -> OrdersKept:
    """The order store; triggers with even numbers are take-profit orders, the others stop-loss."""
    waiting = np.array(triggers, np.int64)
    owners = waiting if told is None else np.array(told, np.int64)
    return OrdersKept(moment, 0, waiting, owners, resting, 1 + waiting % 2)


ROLLED_BACK = RollbackDone(1, 0, 0, 0, 0, 1, 1, 1, 1, 2)


def fired(trigger: int, mode: str = "ok") -> TriggerFired:
    return TriggerFired(trigger, 9, 0, 1, 9_000_000, 9_000_000, mode)
