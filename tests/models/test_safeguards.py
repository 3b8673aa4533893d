"""Safeguards of a venue with a book, each alone: what it prevents, that this comes back without it, and its price."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from itertools import groupby

import numpy as np
import pytest

from drydock.harness.port import Switch
from drydock.harness.result import RunResult
from drydock.models.events import (
    Fill,
    HealthChecked,
    L1Transferred,
    Liquidation,
    ModeChanged,
    ResumeChecked,
)
from drydock.models.kit import VenueKit
from drydock.models.order_events import AuctionUncrossed, MarkSampled, OrderPlaced, TriggerFired
from drydock.models.venue import AUCTION_TABLE_MS, Auction
from tests.nights import Stage, broken, of, play, scenario, told

BOOK = "venue.order_book={}"
GUARDS = "venue.safeguards"
MINUTE_MS = 60_000

THIN_BOOK = (
    BOOK,
    "venue.markets.only=[PAXG-USD-PERP]",
    "population.accounts=200",
    "population.opportunists=4",
    "population.squeezers=4",
    "population.fills_per_minute=30",
    "population.traders.squeezes_per_hour=120",
    "population.traders.harvests_per_hour=60",
    "population.traders.maker_return_planned_ms=10m",
    "runbook.steps.8.duration_ms=5m",
    "runbook.window_ms=10m",
    "runbook.night_ms=20m",
)
"""Five minutes of POST_ONLY without makers, in the market whose band is widest over its margin; prices are flat."""

CRASH = (
    BOOK,
    "venue.markets.only=[SUI-USD-PERP, ETH-USD-PERP]",
    "population.accounts=200",
    "population.makers=4",
    "population.fills_per_minute=30",
    "runbook.steps.8.duration_ms=12m",
    "runbook.window_ms=20m",
    "runbook.night_ms=30m",
    "runbook.watch_ms=6m",
    "venue.safeguards.price_freshness=null",
)
"""Twelve minutes of POST_ONLY in a crash, the makers there; the declared matrix lets the liquidator work meanwhile."""

PAUSED = "venue.declared.post_only=[cancel, post]"
GRACE = f"{GUARDS}.grace_ms=4m"
FALSE_WAVE = {"L1", "P6", "P7"}
SEEDS = (1, 2)
each_seed = pytest.mark.parametrize("seed", SEEDS)


@cache
def thin(*sets: str, seed: int) -> RunResult:
    """A night in which squeezers find an empty book."""
    return play(*THIN_BOOK, *sets, seed=seed, regime="flat")


@cache
def crash(*sets: str, seed: int) -> RunResult:
    """A night in which liquidations are right, and waiting costs money."""
    return play(*CRASH, *sets, seed=seed, regime="crash")


def in_mode(result: RunResult, mode: str) -> int:
    """Liquidations and triggers that happened in this mode."""
    acts = (*of(result.events, Liquidation), *of(result.events, TriggerFired))
    return sum(act.mode == mode for act in acts)


def bad_debt(results: Iterable[RunResult]) -> int:
    """What people ended up owing, in whole USD."""
    return sum(e.amount_quantums for r in results for e in r.entries if e.kind == "bad_debt") // 1_000_000


def farthest_ppm(result: RunResult, from_ms: int, to_ms: int) -> int:
    """How far any mark was from the outside price in that time."""
    samples = [data for at_ms, data in told(result.events, MarkSampled) if from_ms <= at_ms < to_ms]
    return max(int((abs(s.mark_quantums - s.fair_quantums) * 1_000_000 // s.fair_quantums).max()) for s in samples)


def span_ms(result: RunResult, mode: str) -> tuple[int, int]:
    """From when to when the venue was in this mode, the last time."""
    changes = told(result.events, ModeChanged)
    begin_ms = [at_ms for at_ms, data in changes if data.mode == mode][-1]
    return begin_ms, next((at_ms for at_ms, _ in changes if at_ms > begin_ms), result.ended_ms)


# ---- the wave that they are for ----------------------------------------------------------------------------------
@each_seed
def test_without_a_safeguard_a_thin_book_liquidates_healthy_people(seed: int) -> None:
    """Outside prices do not move at all; squeezers move the mark by more than 2 %, in POST_ONLY."""
    result = thin(seed=seed)
    assert FALSE_WAVE <= broken(result)
    assert in_mode(result, "post_only") > 0
    assert farthest_ppm(result, *span_ms(result, "post_only")) > 20_000


# ---- G15: the post-only band -------------------------------------------------------------------------------------
@each_seed
def test_post_only_band_keeps_the_mark_where_the_outside_price_is(seed: int) -> None:
    """No order far away is taken, so nobody is liquidated and no trigger fires while only makers may come."""
    result = thin(f"{GUARDS}.post_only_band_ppm=5bps", seed=seed)
    begin_ms, end_ms = span_ms(result, "post_only")
    far = [d for at_ms, d in told(result.events, OrderPlaced) if begin_ms <= at_ms < end_ms]
    assert all(abs(d.price_quantums - d.fair_quantums) * 1_000_000 <= 500 * d.fair_quantums for d in far)
    assert 0 == in_mode(result, "post_only")
    assert farthest_ppm(result, begin_ms, end_ms) <= 500


def test_post_only_band_ends_with_post_only() -> None:
    """Whoever reopens with an empty book behind the band has the wave in OK instead."""
    result = thin(f"{GUARDS}.post_only_band_ppm=5bps", seed=1)
    assert broken(result) >= FALSE_WAVE
    assert in_mode(result, "ok") > 0


# ---- G13: the external mark --------------------------------------------------------------------------------------
@each_seed
def test_external_mark_does_not_listen_to_a_thin_book(seed: int) -> None:
    """The same orders rest as far away as without it, and no law is broken."""
    result = thin(f"{GUARDS}.external_mark={{}}", seed=seed)
    fair = [abs(d.price_quantums - d.fair_quantums) * 100 // d.fair_quantums for d in of(result.events, OrderPlaced)]
    assert max(fair) >= 3
    assert set() == broken(result)
    assert farthest_ppm(result, 0, result.ended_ms) < 2_000


# ---- G16 and G17: the mode matrix, and the grace after OK -----------------------------------------------------------
@each_seed
def test_mode_matrix_postpones_the_wave_and_grace_ends_it(seed: int) -> None:
    """Nothing happens in POST_ONLY; without a grace it happens in OK; with one that outlasts the thin book, never."""
    paused, waited = thin(PAUSED, seed=seed), thin(PAUSED, GRACE, seed=seed)
    assert (0, 0) == (in_mode(paused, "post_only"), in_mode(waited, "post_only"))
    assert in_mode(paused, "ok") > 0
    assert "L1" in broken(paused)
    assert 0 == in_mode(waited, "ok")
    assert "L1" not in broken(waited)


@each_seed
def test_a_declared_matrix_that_nobody_honours_is_broken(seed: int) -> None:
    """The canary of G16: services do not look at the mode."""
    result = thin(PAUSED, f"{GUARDS}.mode_matrix=false", seed=seed)
    assert FALSE_WAVE | {"L3", "M2"} <= broken(result)
    assert in_mode(result, "post_only") > 0


@each_seed
def test_grace_lets_nothing_happen_so_soon_after_ok(seed: int) -> None:
    """In a crash the first check comes when the grace is over; without a grace it comes within a period."""
    first = [_first_check_after_ok_ms(crash(*sets, seed=seed)) for sets in ((), (GRACE,))]
    assert first[0] <= 5_000
    assert 4 * MINUTE_MS <= first[1] <= 4 * MINUTE_MS + 5_000


def _first_check_after_ok_ms(result: RunResult) -> int:
    begin_ms, _ = span_ms(result, "ok")
    return next(at_ms for at_ms, _ in told(result.events, HealthChecked) if at_ms >= begin_ms) - begin_ms


def test_a_declared_grace_that_is_not_kept_is_broken() -> None:
    """The canary of G17: in a crash there is somebody to liquidate at once."""
    assert "L3" in broken(crash("venue.declared.grace_ms=4m", seed=1))
    assert "L3" not in broken(crash("venue.declared.grace_ms=4m", GRACE, seed=1))


def test_waiting_turns_wrongful_liquidations_into_bad_debt() -> None:
    """The other direction: in a crash bad debt rises with each of them, and most with both."""
    none, grace, matrix, both = (
        bad_debt(crash(*sets, seed=seed) for seed in SEEDS) for sets in ((), (GRACE,), (PAUSED,), (PAUSED, GRACE))
    )
    assert none < grace < matrix < both


# ---- G18: the auction --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("gap_s", "minutes"),
    [(10, 1), (60, 5), (600, 60), (3_600, 60), (6 * 3_600, 180), (24 * 3_600, 360)],
)
def test_auction_is_as_long_as_the_table_says(gap_s: int, minutes: int) -> None:
    """Golden vector: Vega 0094-PRAC. From each gap on that length holds; the largest one reached counts, no sum."""
    place = [gap_ms for gap_ms, _ in AUCTION_TABLE_MS].index(gap_s * 1_000)
    before_ms = AUCTION_TABLE_MS[place - 1][1] if place else 0
    assert minutes * MINUTE_MS == Auction().length_ms(gap_s * 1_000)
    assert minutes * MINUTE_MS == Auction().length_ms(gap_s * 1_000 + 1)
    assert before_ms == Auction().length_ms(gap_s * 1_000 - 1)


def test_auction_can_be_scaled() -> None:
    """A tenth of six hours, for a gap of ten days."""
    assert 36 * MINUTE_MS == Auction(scale_ppm=100_000).length_ms(240 * 3_600_000)


SLOW_MAKERS = (
    BOOK,
    "venue.markets.only=[PAXG-USD-PERP]",
    "population.makers=2",
    "population.traders.maker_return_planned_ms=2m",
    "runbook.night_ms=20m",
)
"""Makers come back within four minutes; after ten seconds of POST_ONLY the venue goes to OK."""


@each_seed
def test_auction_gives_the_books_time_to_fill(seed: int) -> None:
    """Orders are collected for five minutes, meet once, and the venue opens with both sides of its book; else not."""
    held, hurried = (play(*SLOW_MAKERS, *sets, seed=seed, regime="flat") for sets in ((f"{GUARDS}.auction={{}}",), ()))
    changes = [(data.before, data.mode) for data in of(held.events, ModeChanged)]
    begin_ms, end_ms = span_ms(held, "auction")
    assert [("post_only", "auction"), ("auction", "ok")] == changes[-2:]
    assert 5 * MINUTE_MS <= end_ms - begin_ms <= 5 * MINUTE_MS + 1_000
    assert 1 == len(of(held.events, AuctionUncrossed))
    assert [0] == [data.markets_thin for data in of(held.events, ResumeChecked)]
    assert [1] == [data.markets_thin for data in of(hurried.events, ResumeChecked)]


def test_auction_takes_quotes_that_cross() -> None:
    """A maker's ladder meets an ask far below the outside price at the end; in OK its bids would be refused."""
    stage = Stage(BOOK, "population.fills_per_minute=0").at(1)
    world, matching, maker = stage.world, stage.world.matching, 1
    fair = world.outside.mark(0)[:1]
    matching.pull_quotes(maker)
    seller = next(slot for (account, market), slot in world.layout.slot_of.items() if account > maker and not market)
    assert matching.post(0, seller, -1, int(fair[0]) * 97 // 100, 5)
    both = np.array([True])
    ladder = (maker, np.array([0]), fair, both, both)
    assert [0] == matching.quote(*ladder)
    world.set_mode("auction")
    assert [] == matching.quote(*ladder)
    assert [] == matching.quote(*ladder)
    matching.uncross()
    assert [5] == [abs(data.size_quantums) for data in stage.of(Fill)]
    assert [1] == [data.markets for data in stage.of(AuctionUncrossed)]


def test_auction_is_held_once_however_often_the_venue_resumes() -> None:
    """A step: resume that an operator repeats finds a venue that trades, and leaves it alone."""
    twice = (*SLOW_MAKERS, f"{GUARDS}.auction={{}}", "runbook.steps.9={step: resume, name: once}")
    result = play(*twice, "runbook.steps.8={step: resume, name: before}", regime="flat")
    assert 1 == len(of(result.events, AuctionUncrossed))


def test_auction_costs_the_time_that_it_takes() -> None:
    """The other direction: the announced window is overrun."""
    result = play(*SLOW_MAKERS, f"{GUARDS}.auction={{}}", regime="flat")
    assert {"W1"} == broken(result)


def test_no_auction_is_held_without_books() -> None:
    """Without an order book the switch does nothing: there is nothing to uncross."""
    assert not of(play(f"{GUARDS}.auction={{}}").events, AuctionUncrossed)


# ---- G20: rate limit and partial liquidation -----------------------------------------------------------------------
LIMIT_QUANTUMS = 20_000_000_000
RATE = "venue.liquidation.notional_max_quantums=20000 USD"


def checks(result: RunResult) -> list[list[Liquidation]]:
    """The liquidations of each check that made any."""
    found = told(result.events, Liquidation)
    return [[data for _, data in group] for _, group in groupby(found, key=lambda pair: pair[0])]


@each_seed
def test_no_check_takes_over_more_than_the_limit(seed: int) -> None:
    """At least one account is taken, however large; two or more are worth at most the limit together."""
    limited, free = checks(crash(RATE, seed=seed)), checks(crash(seed=seed))
    assert all(len(c) == 1 or sum(d.notional_quantums for d in c) <= LIMIT_QUANTUMS for c in limited)
    assert any(len(c) > 1 and sum(d.notional_quantums for d in c) > LIMIT_QUANTUMS for c in free)
    assert any(len(c) > 1 for c in limited)


def test_who_has_to_wait_for_his_liquidation_may_end_up_owing() -> None:
    """The other direction: with a limit bad debt rises in a crash."""
    assert bad_debt(crash(seed=seed) for seed in SEEDS) < bad_debt(crash(RATE, seed=seed) for seed in SEEDS)


@each_seed
def test_partial_liquidation_takes_no_more_than_an_account_needs(seed: int) -> None:
    """In shares of a fifth most keep something; in one step everybody loses everything, once."""
    partial, whole = crash(seed=seed), crash("venue.liquidation.step_ppm=100%", seed=seed)
    shares = [d.share_ppm for d in of(partial.events, Liquidation)]
    assert set(shares) <= {200_000, 400_000, 600_000, 800_000, 1_000_000}
    assert sum(share < 1_000_000 for share in shares) > len(shares) // 2
    assert {1_000_000} == {d.share_ppm for d in of(whole.events, Liquidation)}


# ---- G22: the withdrawal gate --------------------------------------------------------------------------------------
PAYMENTS = ("population.transfers_per_hour=3600", "runbook.watch_ms=3m", "runbook.night_ms=12m")
GATE = f"{GUARDS}.withdrawal_gate={{gap_ms: 2m, hold_ms: 90s}}"


def paid_after_ok_ms(result: RunResult) -> list[int]:
    """How long after the last OK each payout came."""
    begin_ms, _ = span_ms(result, "ok")
    moves = told(result.events, L1Transferred)
    return [at_ms - begin_ms for at_ms, d in moves if d.amount_quantums < 0 and at_ms >= begin_ms]


@pytest.mark.parametrize("book", [(), (BOOK,)], ids=["at mark", "with a book"])
def test_nothing_is_paid_out_for_a_while_after_a_long_closure(book: tuple[str, ...]) -> None:
    """Deposits land all the while, and payouts go on when the time is over; without the gate they begin at once."""
    held, free = play(*book, *PAYMENTS, GATE), play(*book, *PAYMENTS)
    assert min(paid_after_ok_ms(held)) >= 90_000
    assert min(paid_after_ok_ms(free)) < 10_000
    begin_ms, _ = span_ms(held, "ok")
    moves = told(held.events, L1Transferred)
    assert any(d.amount_quantums > 0 for at_ms, d in moves if begin_ms <= at_ms < begin_ms + 90_000)


def test_a_short_closure_holds_nothing_back() -> None:
    """The bench venue is closed for less than ten minutes."""
    assert min(paid_after_ok_ms(play(*PAYMENTS, f"{GUARDS}.withdrawal_gate={{gap_ms: 10m, hold_ms: 90s}}"))) < 10_000


# ---- the list of them ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("switch", VenueKit().switches(scenario("bench")), ids=lambda switch: switch.name)
def test_every_switch_can_be_thrown_by_its_path(switch: Switch) -> None:
    """``--set PATH=ON`` gives a scenario in which it is on, ``--set PATH=OFF`` one in which it is off."""
    for value, is_on in ((switch.on, True), (switch.off, False)):
        thrown = VenueKit().switches(scenario("bench", f"{switch.path}={_as_text(value)}"))
        assert [is_on] == [found.is_on for found in thrown if found.name == switch.name]


def _as_text(value: object) -> str:
    """As a person writes it after ``--set``: what JSON says, but no quotes are needed."""
    return json.dumps(value).replace('"', "")
