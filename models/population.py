"""The population of a night: accounts, positions, what people will try, and the indices the night starts with.

Everything about a person is drawn from words that depend on (seed, subject, person, column) alone, so nobody's draws
shift another's. The shapes are assumptions of this project (docs/provenance.md): Pareto sizes, leverage truncated at
each market's maximum, index magnitudes like the samples that were seen in production. A file of positions takes the
place of the drawn people; what they try, and the indices, are drawn all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drydock.harness.stream import Words
from drydock.models.accounts import VAULT, Holdings, Layout
from drydock.models.draws import (
    exponential_ms,
    grid_words,
    lognormal_ms,
    normal_ppm,
    pareto,
    scaled_by_exp,
    uniform_below,
)
from drydock.models.markets import Markets
from drydock.models.people_spec import Population, Traders
from drydock.models.perp.funding import funding_pnl
from drydock.models.perp.units import INDEX_SHIFT, check_bounds
from drydock.models.positions import GROSS_SIZE_MAX, Positions

Ints = NDArray[np.int64]

LEVERAGES = np.array([2, 3, 5, 10, 20, 50])
LEVERAGE_CUMULATIVE_PPM = np.array([100_000, 200_000, 400_000, 650_000, 850_000, 1_000_000])
MAJOR_IMF_PPM = 20_000
INDEX_CAP_PPM = 4_500_000
MAKER_CUSHION_QUANTUMS = 5_000_000_000_000
INTENT_USD_MEAN = 2_500
INTENT_SIGMA_PPM = 1_000_000
PERSON_STRIDE = 1 << 24


@dataclass(frozen=True, slots=True)
class Intents:
    """What people will try, by time: ``account`` takes signed ``size`` in ``market`` against a maker's slot."""

    at_ms: Ints
    account: Ints
    market: Ints
    taker_slot: Ints
    maker_slot: Ints
    size: Ints
    limit_ppm: Ints
    """0 for a market order; else how far from the mark its limit is, on the passive side."""
    stays_ms: Ints
    """After which time its owner takes a limit order back."""


@dataclass(frozen=True, slots=True)
class Transfers:
    """L1 transfers by time: positive deposits, negative wishes to withdraw (1e-6 USD)."""

    at_ms: Ints
    account: Ints
    amount: Ints


@dataclass(frozen=True, slots=True)
class Start:
    """The state in which the night begins.

    ``take_profit`` and ``stop_loss`` are the triggers of a file's positions, by slot (price quantums, 0 for none); None
    where people are drawn.
    """

    holdings: Holdings
    index: Ints
    take_profit: Ints | None = None
    stop_loss: Ints | None = None


def draw_start(spec: Population, markets: Markets, mark: Ints, seed: int, positions: Positions | None = None) -> Start:
    """Accounts, positions and indices. Sizes of a market sum to zero: the makers hold what people do not balance."""
    index = draw_index(markets, mark, seed)
    if positions is not None:
        return _start_of(positions, spec, markets, mark, index)
    layout, owner, notional, sign = _draw_portfolios(spec, markets, seed)
    size = np.zeros(layout.slots, np.int64)
    people = np.arange(layout.slots) >= spec.first_person * len(markets)
    price = mark[layout.market[people]]
    size[people] = sign * np.maximum(1, notional // price)
    _keep_within_bounds(layout, size)
    _let_makers_balance(spec, layout, size, len(markets))
    cached = _draw_cached(spec, layout, index, seed)
    equity = _draw_equity(spec, layout, markets, size, mark, owner, seed)
    worth = size * mark[layout.market] + funding_pnl(size, index[layout.market], cached)
    quote = equity - layout.per_account(worth)
    check_bounds(size, mark, index, quote)
    return Start(Holdings(layout, quote, size, cached), index)


def _start_of(positions: Positions, spec: Population, markets: Markets, mark: Ints, index: Ints) -> Start:
    """The start with the people of a file: collateral is what an account has apart from what its positions made."""
    dense = list(range(len(markets)))
    layout = Layout([dense] * spec.first_person + positions.portfolios(), len(markets))
    first = spec.first_person * len(markets)
    size, take_profit, stop_loss = (np.zeros(layout.slots, np.int64) for _ in range(3))
    size[first:], take_profit[first:], stop_loss[first:] = positions.size, positions.take_profit, positions.stop_loss
    _let_makers_balance(spec, layout, size, len(markets))
    price, cached = mark[layout.market], index[layout.market]
    paid = price.copy()
    paid[first:] = np.where(positions.entry > 0, positions.entry, price[first:])
    cached[first:] += positions.funding
    quote = -layout.per_account(size * paid)
    quote[spec.first_person :] += positions.collateral
    quote[: spec.first_person] += _dense_equity(spec, layout.per_account(np.abs(size) * price))
    check_bounds(size, mark, cached, quote)
    return Start(Holdings(layout, quote, size, cached), index, take_profit, stop_loss)


def draw_index(markets: Markets, mark: Ints, seed: int) -> Ints:
    """Funding indices (index units): lognormal shares of the price, larger for majors, mostly positive.

    Majors (IMF at most 2 %) have a median of 12 % (sigma 0.45) and are positive in 80 %, others 7 % (sigma 1.2) and
    60 %; never more than 450 %. Magnitudes seen in production: 1.7 %, 36 %, 450 %.
    """
    words = grid_words(seed, "funding/initial", np.arange(len(markets)), 2)
    is_major = markets.imf_ppm <= MAJOR_IMF_PPM
    median_ppm = np.where(is_major, 120_000, 70_000)
    sigma_ppm = np.where(is_major, 450_000, 1_200_000)
    share_ppm = np.minimum(scaled_by_exp(median_ppm, sigma_ppm * normal_ppm(words[:, 0]) // 1_000_000), INDEX_CAP_PPM)
    is_positive = uniform_below(words[:, 1], 100) < np.where(is_major, 80, 60)
    magnitude = (mark * share_ppm // 1_000_000) << INDEX_SHIFT
    return np.where(is_positive, magnitude, -magnitude)


def _draw_portfolios(spec: Population, markets: Markets, seed: int) -> tuple[Layout, Ints, Ints, Ints]:
    """The layout, and per slot of people: owner, notional (1e-6 USD) and sign."""
    people = np.arange(spec.accounts)
    words = grid_words(seed, "people/portfolio", people, 2 * spec.markets_each + 2)
    chosen = _choose_markets(words[:, : spec.markets_each], markets)
    count = 1 + uniform_below(words[:, -1], spec.markets_each)
    is_held = np.arange(spec.markets_each)[None, :] < count[:, None]
    pairs = np.unique((people[:, None] * len(markets) + chosen)[is_held])
    owner, market = pairs // len(markets), pairs % len(markets)
    dense = list(range(len(markets)))
    bounds = np.searchsorted(owner, np.arange(1, spec.accounts))
    portfolios = [dense] * spec.first_person + [part.tolist() for part in np.split(market, bounds)]
    layout = Layout(portfolios, len(markets))
    wealth = pareto(words[:, -2], 1_000, spec.size_alpha_ppm, 1_000 * max(10, spec.accounts // 8))
    held = np.bincount(owner, minlength=spec.accounts)
    weight = wealth[owner] // held[owner]
    per_weight = 2 * spec.open_interest_usd // int(weight.sum())
    place = np.arange(len(owner)) - np.concatenate(([0], np.cumsum(held)[:-1]))[owner]
    sign = 1 - 2 * (words[owner, spec.markets_each + place] >> np.uint64(63)).astype(np.int64)
    return layout, owner, weight * per_weight, sign


def _choose_markets(words: NDArray[np.uint64], markets: Markets) -> Ints:
    """Markets in proportion to their share of open interest."""
    cumulative = np.cumsum(markets.open_interest_share_ppm)
    return np.searchsorted(cumulative, uniform_below(words, int(cumulative[-1])), side="right")


def _keep_within_bounds(layout: Layout, size: Ints) -> None:
    """Scales the positions of a market down where they sum to more than one account could take over from all others.

    Few accounts with much open interest can draw that; a usual population never does.
    """
    gross = layout.per_market(np.abs(size))
    for market in np.flatnonzero(gross > GROSS_SIZE_MAX).tolist():
        slots = np.flatnonzero(layout.market == market)
        size[slots] = [held * GROSS_SIZE_MAX // int(gross[market]) for held in size[slots].tolist()]


def _let_makers_balance(spec: Population, layout: Layout, size: Ints, markets: int) -> None:
    net = layout.per_market(size)
    for maker in range(1, 1 + spec.makers):
        left = spec.makers + 1 - maker
        part = -(net // left)
        size[maker * markets : (maker + 1) * markets] = part
        net = net + part


def _rows(spec: Population, count: int, each: int = 1) -> Ints:
    """Whose draws are whose: accounts (or slots, ``each`` of them a dense account) numbered as if there were neither
    opportunists nor squeezers, so that these shift nobody's draws. They themselves hold nothing that is drawn.
    """
    rows = np.arange(count)
    rows[spec.first_person * each :] -= (spec.opportunists + spec.squeezers) * each
    return rows


def _draw_cached(spec: Population, layout: Layout, index: Ints, seed: int) -> Ints:
    """Each position was opened when its market's index stood somewhere between half of today's and today's."""
    words = grid_words(seed, "people/opened", _rows(spec, layout.slots, layout.markets), 1)[:, 0]
    share = 512 + uniform_below(words, 512)
    cached: Ints = (index[layout.market] >> 10) * share
    return cached


def _draw_equity(
    spec: Population, layout: Layout, markets: Markets, size: Ints, mark: Ints, owner: Ints, seed: int
) -> Ints:
    """Account values: notional over leverage, times a factor in [0.8, 1.6], never below 1.1 initial margins."""
    notional = np.abs(size) * mark[layout.market]
    words = grid_words(seed, "people/leverage", _rows(spec, layout.accounts), 2)
    leverage = LEVERAGES[np.searchsorted(LEVERAGE_CUMULATIVE_PPM, uniform_below(words[:, 0], 1_000_000), side="right")]
    most = 1_000_000 // markets.imf_ppm
    at_most = np.minimum(leverage[layout.account], most[layout.market])
    factor = 800 + uniform_below(words[:, 1], 801)
    equity = layout.per_account(notional // at_most) // 1_000 * factor
    floor = layout.per_account(notional * (markets.imf_ppm[layout.market] // 100) // 10_000) // 10 * 11
    equity = np.maximum(equity, floor) + 1_000_000
    equity[: spec.first_person] = _dense_equity(spec, layout.per_account(notional))
    worth: Ints = equity
    return worth


def _dense_equity(spec: Population, notional: Ints) -> Ints:
    """Account values of vault, makers, opportunists and squeezers; the notional is of all accounts."""
    equity = np.full(spec.first_person, spec.opportunist_usd)
    makers = slice(1, 1 + spec.makers)
    equity[makers] = notional[makers] // 2 + MAKER_CUSHION_QUANTUMS
    equity[VAULT] = spec.vault_usd
    return equity


def draw_intents(spec: Population, layout: Layout, mark: Ints, night_ms: int, seed: int) -> Intents:
    """All intents of the night, sorted by time.

    What a person tries, and when, is a function of the person alone; how often, of the share in the activity of all.
    """
    total = spec.fills_per_minute * night_ms // 60_000
    people = np.arange(spec.first_person, layout.accounts)
    rows = _rows(spec, layout.accounts)
    activity = pareto(grid_words(seed, "people/activity", rows[people], 1)[:, 0], 100, 1_500_000, 5_000)
    each = -(-total * activity // int(activity.sum())) if total else np.zeros_like(activity)
    account = np.repeat(people, each)
    number = np.arange(len(account)) - np.repeat(np.cumsum(each) - each, each)
    words = grid_words(seed, "people/intent", rows[account] * PERSON_STRIDE + number, 8)
    held = np.diff(np.append(layout.start, layout.slots))
    slot = layout.start[account] + uniform_below(words[:, 1], held[account])
    market = layout.market[slot]
    maker = 1 + uniform_below(words[:, 2], spec.makers)
    worth = lognormal_ms(words[:, 3], INTENT_USD_MEAN, INTENT_SIGMA_PPM) * 1_000_000
    sign = 1 - 2 * (words[:, 4] >> np.uint64(63)).astype(np.int64)
    at_ms = uniform_below(words[:, 0], max(1, night_ms))
    order = np.lexsort((number, account, at_ms))
    size = sign * np.maximum(1, worth // mark[market])
    maker_slot = maker * layout.markets + market
    limit_ppm = _limit_ppm(spec.traders, words[:, 5], words[:, 6])
    stays_ms = 1 + exponential_ms(words[:, 7], spec.traders.limit_stays_ms)
    columns = (at_ms, account, market, slot, maker_slot, size, limit_ppm, stays_ms)
    return Intents(*(column[order] for column in columns))


def _limit_ppm(traders: Traders, choice: Words, distance: Words) -> Ints:
    """0 for market orders; the distance of a limit order is lognormal about its median, at most 50 %."""
    drawn = scaled_by_exp(traders.limit_distance_ppm, normal_ppm(distance))
    is_limit = uniform_below(choice, 1_000_000) < traders.limit_ppm
    return np.where(is_limit, np.clip(drawn, 100, 500_000), 0)


def draw_transfers(spec: Population, layout: Layout, night_ms: int, seed: int) -> Transfers:
    """L1 transfers of the night, sorted by time: $100 to $5,000."""
    total = spec.transfers_per_hour * night_ms // 3_600_000
    words = grid_words(seed, "people/transfer", np.arange(total), 4)
    account = spec.first_person + uniform_below(words[:, 1], layout.accounts - spec.first_person)
    amount = (100 + uniform_below(words[:, 2], 4_901)) * 1_000_000
    is_withdrawal = uniform_below(words[:, 3], 1_000_000) < spec.withdraw_ppm
    at_ms = uniform_below(words[:, 0], max(1, night_ms))
    order = np.argsort(at_ms, kind="stable")
    return Transfers(at_ms[order], account[order], np.where(is_withdrawal, -amount, amount)[order])
