"""Sentences of a timeline: what a reader is told of a night with an order book, and what he is spared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from drydock.harness.event import Event
from drydock.models.events import BreakerTripped, Fill, FrontShown, LiquidationRefused
from drydock.models.kit import VenueKit
from drydock.models.matching import BY_BAND, BY_STEP, OF_PERSON, OF_VAULT
from drydock.models.order_events import (
    AuctionUncrossed,
    MarkSampled,
    OrderCancelled,
    OrderPlaced,
    OrdersKept,
    QuotesPlaced,
    ResyncEnded,
    ResyncStarted,
    TriggerDone,
    TriggerFired,
)
from tests.nights import scenario

NIGHT = scenario("bench", "venue.order_book={}", "population.opportunists=2", "population.squeezers=1")
VAULT, MAKER, SQUEEZER, PERSON = 0, 1, 4, 10
BTC = 0
TEN = np.arange(10)
MARKETS = np.arange(3)
USD = 1_000_000


def told(data: Any) -> str | None:
    """The sentence of an event of this data."""
    return VenueKit().describe(Event(0, "lane", type(data).__name__, 1, None, data), NIGHT)


def told_in_full(data: Any) -> str | None:
    """Its sentence in a story."""
    return VenueKit().describe(Event(0, "lane", type(data).__name__, 1, None, data), NIGHT, in_full=True)


def price(usd: int) -> int:
    """Price quantums of BTC."""
    found: int = NIGHT.venue.markets[BTC].price_quantums(usd)
    return found


def placed(account: int) -> OrderPlaced:
    """A bid 5.4 % above the outside price."""
    return OrderPlaced(BTC, account, 7, 1, price(105_400), 10, price(100_000))


def sampled(mark_usd: int) -> MarkSampled:
    """A mark of BTC, where everything outside says 100,000 USD; the other markets are marked right."""
    fair = np.full(3, price(100_000))
    mark = np.array([price(mark_usd), fair[1], fair[2]])
    return MarkSampled(fair, fair, fair, fair, fair, fair, mark)


SENTENCES = [
    pytest.param(
        placed(SQUEEZER), "squeezer 1 bids 105,400 USD in BTC-USD-PERP, 5.4% above the outside price", id="far order"
    ),
    pytest.param(sampled(97_160), "BTC-USD-PERP is marked 97,160 USD, 2.84% below the outside price", id="mark"),
    pytest.param(QuotesPlaced(MAKER, MARKETS, MARKETS, 0), "maker 1 quotes in all 3 markets", id="maker is back"),
    pytest.param(OrdersKept("snapshot", 3, TEN, TEN, 4, TEN), "10 triggers and 4 resting orders are kept", id="kept"),
    pytest.param(
        OrdersKept("cancel", 3, TEN[:6], TEN, 0, TEN[:6]),
        "6 triggers and 0 resting orders are left after cancelling; owners of 4 triggers believe otherwise",
        id="cancelled",
    ),
    pytest.param(
        BreakerTripped(12 * USD, 3 * USD),
        "the circuit breaker halts liquidations: 12 USD in its window, of which prices explain 3 USD",
        id="breaker",
    ),
    pytest.param(AuctionUncrossed(2, 9 * USD), "the auction ends: orders meet in 2 markets, worth 9 USD", id="auction"),
    pytest.param(
        LiquidationRefused(TEN[:2], TEN[:2], TEN, TEN, TEN),
        "the chain finds 2 liquidated accounts healthy; the cloud gives their positions back",
        id="refused",
    ),
    pytest.param(FrontShown(3), "the front page shows 0 USD for 3 markets", id="front page"),
]


@pytest.mark.parametrize(("data", "sentence"), SENTENCES)
def test_what_a_reader_needs_is_one_sentence(data: Any, sentence: str) -> None:
    """Who, what, where, and how far from right."""
    assert sentence == told(data)


def test_a_trigger_is_told_when_it_fires_and_again_where_its_position_stays() -> None:
    """One that closes the position has nothing more to tell."""
    fired = told(TriggerFired(1, PERSON, BTC, 2, price(98_000), price(97_500), "post_only"))
    assert fired is not None
    assert fired.startswith("the stop-loss of ")
    assert fired.endswith(f"(account {PERSON}) in BTC-USD-PERP fires at a mark of 97,500 USD")
    assert told(TriggerDone(1, PERSON, BTC, 8, 0)) is None
    assert (told(TriggerDone(1, PERSON, BTC, 2, 6)) or "").startswith("only 25 % of what ")
    assert (told(TriggerDone(1, PERSON, BTC, 0, 8)) or "").startswith("nothing of what ")


def test_a_cancelled_order_is_told_where_the_band_or_a_refusal_did_it() -> None:
    """A runbook's step cancels hundreds, and says in one line what it leaves."""
    band, step, refused = (
        OrderCancelled(BTC, SQUEEZER, 1, why, ok) for why, ok in ((BY_BAND, 1), (BY_STEP, 1), (1, 0))
    )
    assert "the post-only band cancels an order of squeezer 1 in BTC-USD-PERP" == told(band)
    assert told(step) is None
    assert "squeezer 1 asks to cancel an order in BTC-USD-PERP, and is refused" == told(refused)


def test_fills_are_told_of_the_vault_alone() -> None:
    """It sells what it took over; whom it meets is part of the story."""
    sold = Fill(BTC, VAULT, SQUEEZER, -1_000, price(97_000), 0, OF_VAULT)
    amount = NIGHT.venue.markets[BTC].size_base(1_000).normalize()
    assert f"the vault unwinds: it sells {amount:,f} to squeezer 1 at 97,000 USD in BTC-USD-PERP" == told(sold)
    assert told(Fill(BTC, PERSON, MAKER, 1_000, price(97_000), 0, OF_PERSON)) is None


def test_on_a_chain_a_fill_says_who_with_whom_and_how_old_its_price_was() -> None:
    """A finding may name any fill; a timeline has thousands of them."""
    bought = Fill(BTC, PERSON, MAKER, 1_000, price(97_000), 31_800, OF_PERSON)
    amount = NIGHT.venue.markets[BTC].size_base(1_000).normalize()
    text = told_in_full(bought) or ""
    assert f"buys {amount:,f} BTC-USD-PERP from maker 1 at 97,000 USD; the price is 31800 ms old" in text
    assert f"sells {amount:,f} BTC-USD-PERP to maker 1" in (told_in_full(bought._replace(size_quantums=-1_000)) or "")


def test_a_resync_says_what_differed() -> None:
    """Money and positions, or that nothing did."""
    assert "maker 1 is in RESYNC: closed, orders cancelled, 2 fills under way" == told(ResyncStarted(MAKER, 2))
    assert "maker 1 leaves RESYNC: cloud and chain agree" == told(ResyncEnded(MAKER, 0, 0))
    assert "maker 1 leaves RESYNC: the cloud was off by 3 USD and 1 position" == told(ResyncEnded(MAKER, -3 * USD, 1))


@pytest.mark.parametrize(
    "data",
    [placed(PERSON), sampled(100_000), QuotesPlaced(MAKER, MARKETS[:2], MARKETS[:2], 0), FrontShown(0)],
    ids=["a person's order", "a right mark", "a new quote", "right prices"],
)
def test_what_is_as_it_should_be_is_not_told(data: Any) -> None:
    """There are thousands of them in a night."""
    assert told(data) is None
