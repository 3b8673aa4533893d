"""What traders will do, drawn before the night from each one's own words: thin-book orders, triggers, makers' returns.

Nothing here looks at the venue. An opportunist's or a squeezer's order is drawn as a share of the price band away from
an anchor; what price that is, and whether the book is thin enough for him to bother, is seen when its time comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from drydock.harness.stream import Stream
from drydock.models.accounts import Layout
from drydock.models.draws import grid_words, normal_ppm, once, scaled_by_exp, uniform_below, uniform_between
from drydock.models.markets import Markets
from drydock.models.people_spec import Population, Traders
from drydock.models.population import PERSON_STRIDE, Start

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

TAKE_PROFIT, STOP_LOSS = 1, 2
TRIGGER_DISTANCE_MIN_PPM = 2_000  # nearer than 0.2 % it would fire on the venue's own spread
TRIGGER_DISTANCE_MAX_PPM = 900_000
HOUR_MS = 3_600_000
PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class FarOrders:
    """Orders for thin books, by time. ``bid_offset_ppm`` and ``ask_offset_ppm`` are signed, in ppm of the market's band
    above the anchor, and mean nothing where ``is_bid`` or ``is_ask`` is false; ``width_ppm`` (of the anchor) moves the
    two sides of a squeeze apart. ``usd`` is each order's worth in 1e-6 USD.
    """

    at_ms: Ints
    account: Ints
    market: Ints
    is_bid: Mask
    is_ask: Mask
    bid_offset_ppm: Ints
    ask_offset_ppm: Ints
    width_ppm: int
    at_mark: Mask
    usd: Ints


@dataclass(frozen=True, slots=True)
class TriggerOrders:
    """Take-profit and stop-loss orders: whose, on which slot, and the mark at which they fire (from which side)."""

    account: Ints
    market: Ints
    slot: Ints
    kind: Ints
    price: Ints
    is_above: Mask
    is_long: Mask


def draw_harvests(spec: Population, markets: Markets, night_ms: int, seed: int) -> FarOrders:
    """High asks and low bids of opportunists: each market gets the same number an hour."""
    traders, who = spec.traders, 1 + spec.makers + np.arange(spec.opportunists)
    count = traders.harvests_per_hour * len(markets) * night_ms // HOUR_MS
    account, words = _each(who, count, "people/harvest", seed, 8)
    offset = uniform_between(words[:, 2], traders.offset_ppm_min, traders.offset_ppm_max)
    both = uniform_below(words[:, 3], PPM) < traders.both_sides_ppm
    is_high = words[:, 4] >> np.uint64(63) == 1
    return _by_time(
        FarOrders(
            uniform_below(words[:, 0], night_ms), account, uniform_below(words[:, 1], len(markets)),
            both | ~is_high, both | is_high, -offset, offset, 0,
            uniform_below(words[:, 5], PPM) < traders.at_mark_ppm, _worth(traders, words[:, 6]),
        )
    )  # fmt: skip


def draw_squeezes(spec: Population, markets: Markets, night_ms: int, seed: int) -> FarOrders:
    """Both sides of a displaced price, in markets chosen by what they promise.

    All squeezers of a night push in one direction.
    """
    traders = spec.traders
    who = 1 + spec.makers + spec.opportunists + np.arange(spec.squeezers)
    account, words = _each(who, traders.squeezes_per_hour * night_ms // HOUR_MS, "people/squeeze", seed, 5)
    cumulative = np.cumsum(promise(markets, traders.squeeze_power))
    market = np.searchsorted(cumulative, uniform_below(words[:, 1], int(cumulative[-1])), side="right")
    herd = 1 if Stream(seed, "people/squeeze/herd").between(0, 1) else -1
    offset = herd * uniform_between(words[:, 2], traders.offset_ppm_min, traders.offset_ppm_max)
    everywhere = np.ones(len(account), np.bool_)
    return _by_time(
        FarOrders(
            uniform_below(words[:, 0], night_ms), account, market, everywhere, everywhere, offset, offset,
            traders.squeeze_width_ppm, everywhere, _worth(traders, words[:, 3]),
        )
    )  # fmt: skip


def promise(markets: Markets, power: int) -> Ints:
    """What a squeezer sees in each market: (band / MMF) ^ power * sqrt(share of open interest), in thousandths. [A]

    How far a price may be pushed over how little it takes to liquidate somebody, and how much there is to liquidate.
    """
    roots = np.array([isqrt(share) for share in markets.open_interest_share_ppm.tolist()], np.int64)
    reach = (markets.band_ppm * 10 // markets.mmf_ppm) ** power * 10 ** (3 - power)
    promised: Ints = np.maximum(1, reach) * np.maximum(roots, 1)
    return promised


def triggers_of(start: Start, spec: Population, mark: Ints, seed: int) -> TriggerOrders:
    """The triggers of a night: those that the file of positions names, or drawn ones."""
    layout, size = start.holdings.layout, start.holdings.size
    if start.take_profit is None or start.stop_loss is None:
        return draw_triggers(spec, layout, size, mark, seed)
    given = []
    for kind, prices in ((TAKE_PROFIT, start.take_profit), (STOP_LOSS, start.stop_loss)):
        slots = np.flatnonzero(prices)
        given.append(_triggers_at(layout, slots, size, kind, prices[slots]))
    return _joined(given)


def draw_triggers(spec: Population, layout: Layout, size: Ints, mark: Ints, seed: int) -> TriggerOrders:
    """Triggers of people's positions, at a lognormal distance from the mark of the night's start."""
    traders = spec.traders
    slots = np.flatnonzero((layout.account >= spec.first_person) & (size != 0))
    rows = slots - (spec.opportunists + spec.squeezers) * layout.markets
    words = grid_words(seed, "people/triggers", rows, 4)
    drawn = []
    for kind, share_ppm, distance_ppm, column in (
        (TAKE_PROFIT, traders.take_profit_ppm, traders.take_profit_distance_ppm, 0),
        (STOP_LOSS, traders.stop_loss_ppm, traders.stop_loss_distance_ppm, 2),
    ):
        has = uniform_below(words[:, column], PPM) < share_ppm
        distance = scaled_by_exp(distance_ppm, traders.trigger_sigma_ppm * normal_ppm(words[has, column + 1]) // PPM)
        drawn.append(_triggers_of(layout, slots[has], size, mark, kind, distance))
    return _joined(drawn)


def _joined(parts: Sequence[TriggerOrders]) -> TriggerOrders:
    return TriggerOrders(*(np.concatenate([getattr(part, name) for part in parts]) for name in TriggerOrders.__slots__))


def _triggers_of(layout: Layout, slots: Ints, size: Ints, mark: Ints, kind: int, distance_ppm: Ints) -> TriggerOrders:
    market, is_long = layout.market[slots], size[slots] > 0
    is_above = is_long == (kind == TAKE_PROFIT)
    apart = mark[market] * np.clip(distance_ppm, TRIGGER_DISTANCE_MIN_PPM, TRIGGER_DISTANCE_MAX_PPM) // PPM
    return _triggers_at(layout, slots, size, kind, mark[market] + np.where(is_above, apart, -apart))


def _triggers_at(layout: Layout, slots: Ints, size: Ints, kind: int, price: Ints) -> TriggerOrders:
    is_long = size[slots] > 0
    return TriggerOrders(
        layout.account[slots], layout.market[slots], slots, np.full(len(slots), kind), price,
        is_long == (kind == TAKE_PROFIT), is_long,
    )  # fmt: skip


def return_ms(spec: Population, maker: int, closure: int, is_planned: bool, seed: int) -> int:
    """How long after the reopening a maker quotes again: seconds after a planned closure, else lognormal minutes."""
    traders, stream = spec.traders, Stream(seed, f"maker/{maker}/return/{closure}")
    if is_planned:
        return stream.between(0, 2 * traders.maker_return_planned_ms)
    exponent = traders.maker_return_sigma_ppm * once(stream, normal_ppm) // PPM
    return int(scaled_by_exp(traders.maker_return_ms, np.array([exponent]))[0])


def _each(who: Ints, count: int, name: str, seed: int, columns: int) -> tuple[Ints, NDArray[np.uint64]]:
    """``count`` orders dealt evenly over these accounts: whose each is, and its words."""
    if not len(who) or not count:
        return np.zeros(0, np.int64), np.zeros((0, columns), np.uint64)
    each = -(-count // len(who))
    account = np.repeat(who, each)
    place = np.repeat(np.arange(len(who)), each)
    number = np.tile(np.arange(each), len(who))
    return account, grid_words(seed, name, place * PERSON_STRIDE + number, columns)


def _worth(traders: Traders, words: NDArray[np.uint64]) -> Ints:
    """What an order is worth (1e-6 USD): lognormal about its median."""
    return scaled_by_exp(traders.order_usd // PPM, traders.order_sigma_ppm * normal_ppm(words) // PPM) * PPM


def _by_time(orders: FarOrders) -> FarOrders:
    order = np.argsort(orders.at_ms, kind="stable")
    names = [name for name in FarOrders.__slots__ if name != "width_ppm"]
    return replace(orders, **{name: getattr(orders, name)[order] for name in names})
