"""The ledger of harm by hand: a quiet venue at flat prices, one harmful event, and what it comes to on paper."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.models.accounts import VAULT
from drydock.models.events import (
    Bust,
    Fill,
    IndexPublished,
    IntentsBlocked,
    L1Credited,
    L1Transferred,
    Liquidation,
    PricesPublished,
    RollbackDone,
    SnapshotTaken,
)
from drydock.models.harm.true_prices import SLIP_PPM
from drydock.models.matching import OF_PERSON, OF_TRIGGER, OF_VAULT
from drydock.models.order_events import TriggerDone, TriggerFired
from drydock.models.perp.units import INDEX_SHIFT, PPM
from tests.models.paper import Holding, Paper

MAKER, STOP_LOSS, TAKE_PROFIT = 1, 2, 1
USD = 1_000_000
SNAPSHOT, ROLLBACK = SnapshotTaken(0, 0, 0, 0, 0), RollbackDone(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


# ---- execution -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("side", [1, -1])
def test_execution_costs_what_lies_beyond_tolerance(side: int) -> None:
    """A market order that pays 2 % too much costs its person those 2 % less 30 bps."""
    paper = Paper()
    one = paper.holding()
    true = paper.price(one.market)
    price = true + side * true // 50
    paper.tell(Fill(one.market, one.account, MAKER, side * 10, price, 0, OF_PERSON))
    edge = true + side * (true * SLIP_PPM // PPM)
    assert {(one.account, "execution"): 10 * abs(price - edge)} == paper.lines()


@pytest.mark.parametrize(
    ("off_ppm", "origin", "is_person"),
    [(2_900, OF_PERSON, True), (-20_000, OF_PERSON, True), (20_000, OF_VAULT, True), (20_000, OF_PERSON, False)],
    ids=["within tolerance", "to his advantage", "the vault's unwinding", "a maker's"],
)
def test_execution_of_others_or_within_tolerance_costs_nothing(off_ppm: int, origin: int, is_person: bool) -> None:
    """No line where the order was no person's, or paid what a market order may."""
    paper = Paper()
    one = paper.holding()
    price = paper.price(one.market) * (PPM + off_ppm) // PPM
    taker, maker = (one.account, MAKER) if is_person else (MAKER, one.account)
    paper.tell(Fill(one.market, taker, maker, 10, price, 0, origin))
    assert {} == paper.lines()


def test_declared_band_of_marks_widens_the_tolerance() -> None:
    """A venue that declares 2 % for its own book owes nothing for a fill 2 % off."""
    paper = Paper("venue.declared.mark_band_ppm=2%")
    one = paper.holding()
    paper.tell(Fill(one.market, one.account, MAKER, 10, paper.price(one.market) * 102 // 100, 0, OF_PERSON))
    assert {} == paper.lines()


def test_bust_takes_the_harm_of_its_fill_back() -> None:
    """A fill that the chain refused is undone: its line stays, restored."""
    paper = Paper()
    one = paper.holding()
    facts = (one.market, one.account, MAKER, 10, paper.price(one.market) * 102 // 100)
    paper.tell(Fill(*facts, 0, OF_PERSON), Bust(*facts))
    assert {(one.account, "execution"): 0} == paper.lines()


# ---- trigger ---------------------------------------------------------------------------------------------------------
def fired(one: Holding, trigger: int, mark: int, kind: int = STOP_LOSS) -> TriggerFired:
    return TriggerFired(7, one.account, one.market, kind, trigger, mark, "post_only")


def test_false_trigger_costs_its_fills_against_the_true_mark() -> None:
    """A stop at 95 fires at a mark of 94 while the truth is 100; 10 go at 90: 10 a piece, whole, no tolerance."""
    paper = Paper()
    one = paper.holding()
    true = paper.price(one.market)
    sold = Fill(one.market, one.account, MAKER, -10, true * 90 // 100, 0, OF_TRIGGER)
    paper.tell(fired(one, true * 95 // 100, true * 94 // 100), sold, TriggerDone(7, one.account, one.market, 10, 0))
    assert {(one.account, "trigger"): 10 * (true - true * 90 // 100)} == paper.lines()
    (entry,) = paper.entries()
    assert ["trigger.fired", "fill"] == [identity[1] for identity in entry.events]


@pytest.mark.parametrize("kind", [STOP_LOSS, TAKE_PROFIT])
def test_trigger_that_the_truth_reached_is_no_false_one(kind: int) -> None:
    """It fired at the true mark; that its order met a thin book is an execution."""
    paper = Paper()
    one = paper.holding()
    true = paper.price(one.market)
    paper.tell(fired(one, true, true, kind), Fill(one.market, one.account, MAKER, -10, true * 90 // 100, 0, OF_TRIGGER))
    edge = true - true * SLIP_PPM // PPM
    assert {(one.account, "execution"): 10 * (edge - true * 90 // 100)} == paper.lines()


def test_trigger_within_the_declared_band_of_marks_is_no_false_one() -> None:
    """The truth came within 2 % of the stop, and 2 % is what the venue declares of its marks."""
    paper = Paper("venue.declared.mark_band_ppm=2%")
    one = paper.holding()
    true = paper.price(one.market)
    sold = Fill(one.market, one.account, MAKER, -10, true * 98 // 100, 0, OF_TRIGGER)
    paper.tell(fired(one, true * 99 // 100, true * 98 // 100), sold)
    assert {} == paper.lines()


def test_fill_after_the_trigger_is_through_is_not_its() -> None:
    """A later trigger of the same position, a right one, is judged by itself."""
    paper = Paper()
    one = paper.holding()
    true = paper.price(one.market)
    paper.tell(fired(one, true // 2, true // 2), TriggerDone(7, one.account, one.market, 0, 10))
    paper.tell(Fill(one.market, one.account, MAKER, -10, true * 90 // 100, 0, OF_TRIGGER))
    assert ["execution"] == [kind for _, kind in paper.lines()]


def test_windfall_of_one_false_trigger_is_set_off_against_the_harm_of_another() -> None:
    """10 sold 4 too low and 10 sold 3 too high: one is owed."""
    paper = Paper()
    one = paper.holding()
    true = paper.price(one.market)
    low, high = true * 96 // 100, true * 103 // 100
    for price in (low, high):
        sold = Fill(one.market, one.account, MAKER, -10, price, 0, OF_TRIGGER)
        paper.tell(fired(one, true // 2, true // 2), sold, TriggerDone(7, one.account, one.market, 10, 0))
    assert {(one.account, "trigger"): 10 * (true - low) - 10 * (high - true)} == paper.lines()


def test_person_loses_no_more_than_he_had_and_the_rest_is_bad_debt() -> None:
    """A false stop at a hundredth of the price: the equity is the person's harm, what lies below zero is debt."""
    paper = Paper()
    one = paper.holding()
    true, had = paper.price(one.market), paper.equity(one.account)
    lost = one.size * (true - true // 100)
    assert lost > had
    sold = Fill(one.market, one.account, MAKER, -one.size, true // 100, 0, OF_TRIGGER)
    paper.tell(fired(one, true // 2, true // 2), sold, TriggerDone(7, one.account, one.market, one.size, 0))
    assert {(one.account, "trigger"): had, (one.account, "bad_debt"): lost - had} == paper.lines()


# ---- liquidation and funding -----------------------------------------------------------------------------------------
def marks(paper: Paper, market: int, share: int) -> PricesPublished:
    """The venue's marks are the true ones, but for one market at so many percent."""
    mark = paper.truth.mark(paper.now_ms).copy()
    mark[market] = mark[market] * share // 100
    return paper.stage.of(PricesPublished)[-1]._replace(mark_quantums=mark)


def liquidated(account: int, share_ppm: int, penalty: int) -> Liquidation:
    return Liquidation(account, share_ppm, 0, 0, penalty, 0, "post_only")


def test_liquidation_of_a_healthy_account_costs_penalty_and_distance_to_the_true_mark() -> None:
    """40 % of a long goes at a mark 3 % too low: $9, and 3 % of what went."""
    paper = Paper()
    one = paper.holding()
    true = paper.price(one.market)
    paper.tell(marks(paper, one.market, 97), liquidated(one.account, 400_000, 9 * USD))
    gone = -(-one.size * 400_000 // PPM)  # rounded away from zero
    assert {(one.account, "liquidation"): 9 * USD + gone * (true - true * 97 // 100)} == paper.lines()


def test_liquidation_at_a_mark_in_his_favour_costs_the_penalty_less_the_windfall() -> None:
    """A long goes at a mark 1 % too high: the gain is set off against the penalty."""
    paper = Paper()
    one = paper.holding()
    true = paper.price(one.market)
    gain = -(-one.size * 200_000 // PPM) * (true * 101 // 100 - true)
    paper.tell(marks(paper, one.market, 101), liquidated(one.account, 200_000, gain + 5 * USD))
    assert {(one.account, "liquidation"): 5 * USD} == paper.lines()


def test_lost_exposure_counts_up_to_the_horizon() -> None:
    """With a horizon the harm grows by what the position would have made until then, at true marks."""
    found = []
    for horizon_ms in (0, 120_000):
        paper = Paper(regime="trend", at_ms=5_001, horizon_ms=horizon_ms)
        one = paper.holding()
        later = paper.truth.mark(paper.now_ms + 120_000) - paper.truth.mark(paper.now_ms)
        slots = np.array(paper.layout.slots_of_one(one.account))
        missed = int((paper.truth.shadow.holdings.size[slots] * later[paper.layout.market[slots]]).sum())
        penalty = abs(missed) + 3 * USD
        paper.tell(marks(paper, one.market, 100), liquidated(one.account, PPM, penalty))
        found.append(paper.lines()[(one.account, "liquidation")] - penalty)
    assert [0, missed] == found


@pytest.mark.parametrize("account", [VAULT, MAKER])
def test_vault_and_makers_have_no_line_of_liquidation(account: int) -> None:
    """They take risks for a living."""
    paper = Paper()
    assert {} == paper.tell(liquidated(account, PPM, 9 * USD)).lines()


def test_funding_realised_at_a_wrong_index_costs_the_difference_once() -> None:
    """An index 1 % of the price too high takes ``q`` of it from a long, at his first fill and not at his second."""
    paper = Paper(at_ms=1)
    one = paper.holding()
    true, wrong = paper.price(one.market), paper.truth.start_index.copy()
    wrong[one.market] += (true // 100) << INDEX_SHIFT
    fill = Fill(one.market, one.account, MAKER, 10, true, 0, OF_PERSON)
    paper.tell(IndexPublished(1, np.arange(3), wrong, np.full(3, 5_000), 0), fill, fill)
    taken = one.size * (true // 100)
    assert taken < paper.equity(one.account)
    assert {(one.account, "funding"): taken} == paper.lines()


# ---- access ----------------------------------------------------------------------------------------------------------
def test_access_costs_the_worst_blocked_wish_of_a_person_after_the_announced_end() -> None:
    """Of his two intents the dearer one; nothing of one within the announced window, nor of one that waiting helped."""
    paper = Paper("runbook.before_ms=10s", "runbook.window_ms=10s", regime="trend", at_ms=90_001)
    first, truth = paper.first_person, paper.truth
    wanted_ms = np.array([30_000, 60_000, 15_000, 30_000])
    rise = [int(truth.mark(90_001)[0] - truth.mark(t)[0]) for t in wanted_ms.tolist()]
    side = 1 if rise[0] > 0 else -1
    sizes = np.array([side * 10, side * 10, side * 10, -side * 10])
    accounts = np.array([first, first, first + 1, first + 2])
    paper.tell(IntentsBlocked(4, accounts, np.zeros(4, np.int64), sizes, wanted_ms))
    assert abs(rise[0]) > 0
    assert {(first, "access"): 10 * max(side * rise[0], side * rise[1])} == paper.lines()


# ---- rollback --------------------------------------------------------------------------------------------------------
def test_rollback_costs_what_legitimate_fills_had_earned() -> None:
    """Bought 0.1 % below the truth after the snapshot: that is gone. Earlier fills, and those 5 % off, do not count."""
    paper = Paper()
    one, other = paper.holding(1), paper.holding(-1)
    true, others = paper.price(one.market), paper.price(other.market)
    cheap = true - true // 1_000
    fill = Fill(one.market, one.account, MAKER, 10, cheap, 0, OF_PERSON)
    far = Fill(other.market, other.account, MAKER, 10, others * 95 // 100, 0, OF_PERSON)
    paper.tell(fill, SNAPSHOT, fill, far, ROLLBACK)
    assert {(one.account, "rollback"): 10 * (true - cheap)} == paper.lines()


def test_rollback_restores_harm_since_its_snapshot_alone() -> None:
    """Three bad executions, before the snapshot, after it, and after the rollback: the middle one comes back."""
    paper = Paper()
    one = paper.holding()
    true = paper.price(one.market)
    bad = Fill(one.market, one.account, MAKER, 10, true * 110 // 100, 0, OF_PERSON)
    paper.tell(bad, SNAPSHOT, bad, ROLLBACK, bad)
    (entry,) = paper.entries()
    assert 3 * entry.restored_quantums == entry.amount_quantums > 0


def test_l1_legs_that_do_not_come_back_are_lost_or_leak() -> None:
    """Of a deposit and two payouts that a rollback forgot, one payout is debited again: the others are harm."""
    paper = Paper()
    first = paper.first_person
    legs = (L1Credited(first, 50 * USD), L1Credited(first + 1, -20 * USD), L1Credited(first + 2, -30 * USD))
    paper.tell(SNAPSHOT, *legs, ROLLBACK, legs[2])
    assert {(first, "rollback"): 50 * USD, (first + 1, "leak"): 20 * USD} == paper.lines()


# ---- leak ------------------------------------------------------------------------------------------------------------
def test_leak_is_the_payout_beyond_what_was_his_to_withdraw() -> None:
    """True equity less true initial margin, with the tolerance; a second payout finds nothing left."""
    paper = Paper()
    one = paper.holding()
    slots = np.array(paper.layout.slots_of_one(one.account))
    market = paper.layout.market[slots]
    notional = np.abs(paper.truth.shadow.holdings.size[slots]) * paper.truth.mark(paper.now_ms)[market]
    ratio_ppm = paper.truth.markets.imf_ppm[market] + paper.truth.venue.liquidation.taker_fee_ppm - SLIP_PPM
    band = int(paper.truth.shadow.band()[one.account])
    own = paper.equity(one.account) + band - int((notional // PPM * ratio_ppm).sum())
    paper.tell(L1Transferred(one.account, -own))
    assert {} == paper.lines()
    paper.tell(L1Transferred(one.account, -70 * USD))
    assert {(one.account, "leak"): 70 * USD} == paper.lines()


def test_leak_that_the_account_owes_is_counted_once() -> None:
    """The payout is debited, the account stands below zero: that is the leak, and not bad debt on top."""
    paper = Paper()
    one = paper.holding()
    payout = paper.equity(one.account) + 500 * USD
    paper.tell(L1Transferred(one.account, -payout), L1Credited(one.account, -payout))
    lines = paper.lines()
    assert -500 * USD == paper.equity(one.account)
    assert ["leak"] == [kind for _, kind in lines]
    assert lines[(one.account, "leak")] > 500 * USD


# ---- conservation ----------------------------------------------------------------------------------------------------
def test_what_a_wrong_liquidation_takes_the_vault_has() -> None:
    """Penalty and position at the wrong mark: the harm of the person is the gain of the vault, to the last 1e-6 USD."""
    paper = Paper()
    one = paper.holding()
    before = paper.equity(VAULT)
    paper.tell(marks(paper, one.market, 97), liquidated(one.account, 400_000, 9 * USD))
    harm = paper.lines()[(one.account, "liquidation")]
    assert harm == paper.equity(VAULT) - before


def test_what_a_false_trigger_takes_its_counterparty_has() -> None:
    """The maker who bought below the truth gained what the person lost."""
    paper = Paper()
    one = paper.holding()
    true, before = paper.price(one.market), paper.equity(MAKER)
    paper.tell(fired(one, true * 95 // 100, true * 94 // 100))
    paper.tell(Fill(one.market, one.account, MAKER, -10, true * 90 // 100, 0, OF_TRIGGER))
    assert {(one.account, "trigger"): paper.equity(MAKER) - before} == paper.lines()
