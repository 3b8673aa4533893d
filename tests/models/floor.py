"""A floor for tests of the order book: books that hold what a test enters and nothing else, and traders with money."""

from __future__ import annotations

from drydock.models.order_events import IntentRejected
from drydock.models.world import VenueWorld
from tests.nights import Stage

BOOK = "venue.order_book={}"
NO_QUOTES = "population.traders.maker_levels_ppm=[]"
STILL = ("population.fills_per_minute=0", "population.transfers_per_hour=0")
NO_TRIGGERS = ("population.traders.take_profit_ppm=0", "population.traders.stop_loss_ppm=0")
ANNA, BERT, CARL = 2, 3, 4
"""Three accounts with $5 M each, no position, and a slot in every market: opportunists who never come by themselves."""
TRADERS = ("population.opportunists=3", "population.traders.harvests_per_hour=0")
BTC, ETH, PAXG = 0, 1, 2
BUY, SELL = 1, -1
PPM = 1_000_000


def floor(*sets: str, seed: int = 1) -> Stage:
    """The books before the night begins: nobody quotes, prices stand, and the liquidator assesses what fills."""
    stage = Stage(BOOK, *TRADERS, *sets, seed=seed, is_started=False)
    stage.world.liquidator.begin_ready()
    stage.world.cloud.refresh_free()
    return stage


def quiet(*sets: str, seed: int = 1, regime: str = "flat") -> Stage:
    """The night under way, with nobody in it who does anything: no intents, no quotes, no triggers."""
    return Stage(BOOK, *TRADERS, NO_QUOTES, *STILL, *NO_TRIGGERS, *sets, seed=seed, regime=regime)


def trade(world: VenueWorld, taker: int, size: int, market: int = BTC, **how: bool | int) -> int:
    """A market order; returns what is left of it."""
    slot = world.layout.dense_slot(taker, market)
    return world.matching.market_order(market, slot, size, 0, **how)  # type: ignore[arg-type]


def rest(world: VenueWorld, owner: int, side: int, price: int, size: int, market: int = BTC, **how: bool) -> int:
    """An order that is to rest; returns its number, 0 where it does not."""
    return world.matching.post(market, world.layout.dense_slot(owner, market), side, price, size, **how)


def held(world: VenueWorld, account: int, market: int = BTC) -> int:
    """A position in the cloud."""
    return world.cloud.holdings.size_one(world.layout.dense_slot(account, market))


def give(world: VenueWorld, account: int, size: int, market: int = BTC) -> None:
    """A position at mark against the maker, as if it had been there at the start: in the cloud and on the chain."""
    theirs, his = (world.layout.dense_slot(who, market) for who in (account, 1))
    for copy, index in ((world.cloud, world.cloud.index), (world.chain, world.chain.index)):
        copy.holdings.fill_one(theirs, his, size, world.cloud.mark_one(market), int(index[market]))
    world.cloud.refresh_free()


def reserved(world: VenueWorld) -> dict[int, int]:
    """Margin that resting orders hold back, by account, without the zeros (1e-6 USD)."""
    return {owner: amount for owner, amount in world.matching.open.reserved.items() if amount}


def counted(world: VenueWorld) -> dict[tuple[int, int], int]:
    """How many orders rest by (account, market), as the limit on open orders counts them, without the zeros."""
    return {key: count for key, count in world.matching.open.count.items() if count}


def refusals(stage: Stage) -> list[int]:
    """Why orders were refused, in order."""
    return [e.reason for e in stage.of(IntentRejected)]
