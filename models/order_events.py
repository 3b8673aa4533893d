"""What happens to orders and around the book, as events; see ``events.py`` for the rest and for their conventions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drydock.harness.event import event

Ints = NDArray[np.int64]

REJECTED_MARGIN, REJECTED_STALE, REJECTED_CLOSED, REJECTED_CROSSES = 1, 2, 3, 4
REJECTED_BAND, REJECTED_EMPTY, REJECTED_RESYNC, REJECTED_ORDERS = 5, 6, 7, 8
REJECTIONS = {
    REJECTED_MARGIN: "not enough margin",
    REJECTED_STALE: "price too old",
    REJECTED_CLOSED: "closed, or the mode forbids it",
    REJECTED_CROSSES: "post-only, and it would cross",
    REJECTED_BAND: "outside the price band",
    REJECTED_EMPTY: "nothing (more) to trade with",
    REJECTED_RESYNC: "the account is in RESYNC",
    REJECTED_ORDERS: "too many open orders",
}


@event("intent.rejected")
class IntentRejected(NamedTuple):
    """An order that was not accepted, or not (wholly) filled; ``reason`` is one of ``REJECTIONS``, the size signed."""

    market: int
    taker: int
    reason: int
    size_quantums: int = 0


@event("order.placed")
class OrderPlaced(NamedTuple):
    """An order rests in the book; ``side`` 1 bids, -1 asks; ``fair_quantums`` is the outside price the venue knows."""

    market: int
    account: int
    order: int
    side: int
    price_quantums: int
    size_quantums: int
    fair_quantums: int


@event("order.cancelled")
class OrderCancelled(NamedTuple):
    """An order leaves the book unfilled: 1 its owner, 2 the price band, 3 a runbook step, 4 self-trade, 5 RESYNC,
    6 reduce-only without a position; ``accepted`` 0 where its owner asked and the venue refused."""

    market: int
    account: int
    order: int
    reason: int
    accepted: int


@event("quotes.placed")
class QuotesPlaced(NamedTuple):
    """A maker's mass quote: a ladder around ``fair_quantums`` in each market; ``refused`` levels would have crossed."""

    account: int
    markets: Ints
    fair_quantums: Ints
    refused: int


@event("quotes.pulled")
class QuotesPulled(NamedTuple):
    """All quotes of a maker leave the book: its session ended, or the venue closed."""

    account: int
    levels: int


@event("trigger.fired")
class TriggerFired(NamedTuple):
    """A take-profit (``kind`` 1) or stop-loss (2) order meets its price: a reduce-only market order follows."""

    trigger: int
    account: int
    market: int
    kind_: int
    trigger_quantums: int
    mark_quantums: int
    mode: str


@event("trigger.done")
class TriggerDone(NamedTuple):
    """What came of a fired trigger: filled and unfilled size; what is unfilled is rejected, and the trigger is used."""

    trigger: int
    account: int
    market: int
    filled_quantums: int
    unfilled_quantums: int


@event("mark.sampled")
class MarkSampled(NamedTuple):
    """What the mark listened to: best and second-best prices (0: none), last trade (0: none), outside price (0: none).

    ``fair_quantums`` is spot times one plus the median external rate, as the venue knows it; ``is_sampled`` is 0 where
    the mark did not listen, because nothing could trade.
    """

    bid_quantums: Ints
    ask_quantums: Ints
    next_bid_quantums: Ints
    next_ask_quantums: Ints
    last_quantums: Ints
    fair_quantums: Ints
    mark_quantums: Ints
    is_sampled: int = 1


@event("orders.kept")
class OrdersKept(NamedTuple):
    """The order store at a ``moment``: ``snapshot``, ``rollback``, ``cancel`` or ``resume``.

    ``triggers`` are those that wait, by number, and ``kinds`` says of each 1 take-profit, 2 stop-loss; ``told`` those
    that their owners believe to wait; ``resting`` counts limit orders in the books; ``height`` is the greatest height
    at which any of these was entered.
    """

    moment: str
    height: int
    triggers: Ints
    told: Ints
    resting: int
    kinds: Ints


@event("resync.started")
class ResyncStarted(NamedTuple):
    """After a bust an account is closed, its orders cancelled; ``in_flight`` fills of it are in this block or wait."""

    account: int
    in_flight: int


@event("resync.ended")
class ResyncEnded(NamedTuple):
    """The cloud's copy of an account, compared with the chain's: what differs (1e-6 USD, and positions)."""

    account: int
    quote_gap_quantums: int
    positions_apart: int


@event("auction.uncrossed")
class AuctionUncrossed(NamedTuple):
    """An auction ends: markets in which orders met, and the size that changed hands in them all (1e-6 USD)."""

    markets: int
    notional_quantums: int
