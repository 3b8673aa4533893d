"""Laws about orders beyond their canaries: what each of them finds, told event by event or on a wrong build."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from drydock.harness.law import FoldLaw
from drydock.harness.run import run_case
from drydock.models.chain import FillTx
from drydock.models.events import (
    BlockSealed,
    Bust,
    ModeChanged,
)
from drydock.models.invariants.canaries.build import WITH_BOOK, venue_with
from drydock.models.invariants.canaries.orders import ROLLBACK_OF_ORDERS, StrictChain
from drydock.models.invariants.orders import BustAccounting, CancelOnly, OrderSurvival, PostOnly
from drydock.models.kit import VenueKit
from drydock.models.matching import BY_OWNER, BY_STEP, OF_TRIGGER, OF_VAULT
from drydock.models.order_events import (
    OrderCancelled,
    QuotesPlaced,
    ResyncEnded,
    ResyncStarted,
    TriggerDone,
)
from drydock.models.triggers import KeptTriggers, Triggers
from drydock.models.world import VenueWorld
from tests.models.invariants.told import (
    BAND,
    BOOK_LAWS,
    ROLLED_BACK,
    TO_CANCEL_ONLY,
    TO_MAINTENANCE,
    TO_OK,
    TO_POST_ONLY,
    details,
    fill,
    fired,
    kept,
    order,
    sampled,
)
from tests.nights import Stage, bench, case_of, play, scenario


# ---- in question or not ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("law", BOOK_LAWS)
def test_a_venue_without_a_book_is_not_asked_about_orders(law: type[FoldLaw]) -> None:
    """A law that cannot be broken there is not vacuous there: it is not in question."""
    assert not law().applicable(case_of(scenario("db-scale-up")))
    assert law().applicable(case_of(bench(WITH_BOOK)))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_right_night_with_a_book_breaks_no_law_about_orders(seed: int) -> None:
    """Each of them judges something in it, and finds nothing."""
    result = play(WITH_BOOK, seed=seed)
    ids = {law.id for law in BOOK_LAWS}
    assert set() == {finding.law for finding in result.findings} & (ids | {"L3", "M5", "M6", "V1", "V2"})
    assert all(result.checks[law] for law in ids)


# ---- O1 -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("origin", "who"), [(OF_TRIGGER, "a trigger"), (OF_VAULT, "the vault's unwinding")])
def test_whoever_takes_in_post_only_is_found(origin: int, who: str) -> None:
    """The venue's own orders take too; in OK nobody minds."""
    found = details(PostOnly(), (0, fill(origin)), (1, TO_POST_ONLY), (2, fill(origin)), (3, TO_OK), (4, fill(origin)))
    assert [f"{who} takes from account 1 in BTC-USD-PERP"] == found


def test_orders_beyond_the_declared_band_are_found() -> None:
    """At 5 bps an order at 500 ppm is accepted, one at 501 is not; where no band is declared all are."""
    told = ((0, TO_POST_ONLY), (1, order(500)), (2, order(-501)))
    found = ["an order of account 9 in BTC-USD-PERP lies 501 ppm from the outside price; 500 ppm are declared"]
    assert found == details(PostOnly(), *told, sets=BAND)
    assert [] == details(PostOnly(), *told)


def test_orders_that_come_to_rest_beyond_the_band_are_found() -> None:
    """A book is looked at with every mark: best prices within 300 ppm are right, 1,200 ppm are not."""
    quiet = ((5_000, sampled()), (6_000, TO_POST_ONLY), (10_000, sampled()))
    assert [] == details(PostOnly(), *quiet, sets=BAND)
    far = details(PostOnly(), *quiet, (15_000, sampled(ask_ppm=1_200)), sets=BAND)
    assert 1 == len(far)
    assert far[0].startswith("orders rest beyond 500 ppm of the outside price in 3 markets; BTC-USD-PERP at ")


def test_crossed_book_is_found_in_any_mode() -> None:
    """A bid at the ask would have traded; while an auction collects orders they may cross."""
    crossed = sampled(bid_ppm=10, ask_ppm=10)
    assert 1 == len(details(PostOnly(), (5_000, crossed)))
    assert [] == details(PostOnly(), (1, ModeChanged("maintenance", "auction", 0)), (5_000, crossed))


# ---- O2 -------------------------------------------------------------------------------------------------------------
def test_new_orders_and_quotes_in_cancel_only_are_found() -> None:
    """Whatever enters the book there is new; in POST_ONLY it may."""
    quotes = QuotesPlaced(1, np.arange(3), np.ones(3, np.int64), 0)
    found = details(CancelOnly(), (0, TO_CANCEL_ONLY), (1, order()), (2, quotes), (3, TO_POST_ONLY), (4, quotes))
    assert ["an order of account 9 is taken in cancel_only", "an order of account 1 is taken in cancel_only"] == found


def test_cancel_that_is_refused_is_found_where_cancels_are_declared() -> None:
    """In CANCEL_ONLY they are, in MAINTENANCE they are not; what a runbook's step cancels asked nobody."""
    refused = OrderCancelled(0, 9, 1, BY_OWNER, 0)
    by_step = OrderCancelled(0, 9, 1, BY_STEP, 0)
    found = details(
        CancelOnly(), (0, TO_MAINTENANCE), (1, refused), (2, TO_CANCEL_ONLY), (3, refused), (4, by_step)
    )  # fmt: skip
    assert ["account 9 cannot cancel its order 1 in cancel_only"] == found


# ---- O3 -------------------------------------------------------------------------------------------------------------
class RestoresTheTaker(StrictChain):
    """A bust is undone on the taker's side only."""

    _is_undoing = False

    def _bust(self, fills: list[FillTx]) -> bool:
        self._is_undoing = True
        try:
            return super()._bust(fills)
        finally:
            self._is_undoing = False

    def _apply_fills(self, group: list[FillTx]) -> None:
        if not self._is_undoing:
            super()._apply_fills(group)
            return
        for undo in group:
            index = int(self.index[self.layout.market_of[undo.taker_slot]])
            self.holdings.trade_one(undo.taker_slot, undo.size, undo.price, index)


def test_bust_that_restores_one_party_is_found() -> None:
    """O3 names the party that did not get back what it had."""
    result = run_case(case_of(bench(WITH_BOOK)), VenueKit(), world_maker=venue_with(chain=RestoresTheTaker))
    found = [finding.detail for finding in result.findings if finding.law == "O3"]
    assert any("does not give account 1 back what it had" in detail for detail in found), result.error or found


def test_busts_of_a_right_venue_leave_no_gap() -> None:
    """Both parties are restored and every RESYNC ends without a difference, to the last 1e-6 USD."""
    result = run_case(case_of(bench(WITH_BOOK)), VenueKit(), world_maker=venue_with(chain=StrictChain), keep_trace=True)
    happened = [event.data for event in result.events or ()]
    assert any(isinstance(data, Bust) for data in happened)
    assert {(0, 0)} == {data[1:] for data in happened if isinstance(data, ResyncEnded)}
    assert "O3" not in {finding.law for finding in result.findings}


def test_account_in_resync_that_trades_is_found() -> None:
    """Between its bust and the end of its RESYNC nothing more of it is filled."""
    told = ((0, fill()), (1, ResyncStarted(9, 0)), (2, fill()), (3, ResyncEnded(9, 0, 0)), (4, fill()))
    assert ["a fill of accounts 9 and 1, one of them in RESYNC"] == details(BustAccounting(), *told)


def test_resync_that_never_ends_is_found() -> None:
    """Two blocks and their transport are granted, and the block that opens it; then it is late."""
    view = Stage(WITH_BOOK).at(6_000).of(BlockSealed)[0].view

    def sealed(sequence: int) -> tuple[int, BlockSealed]:
        return (sequence * 5_000, BlockSealed(sequence, sequence, 0, 0, 0, view))

    started = (5_001, ResyncStarted(9, 0))
    assert [] == details(BustAccounting(), sealed(1), started, *(sealed(n) for n in (2, 3, 4)))
    late = details(BustAccounting(), sealed(1), started, *(sealed(n) for n in (2, 3, 4, 5)))
    assert ["the RESYNC of account 9 does not end; the chain has long caught up"] == late


# ---- M7, M6 ---------------------------------------------------------------------------------------------------------
AFTER_ROLLBACK = ((1, kept("snapshot", (1, 2, 3))), (2, fired(2)), (3, TriggerDone(2, 9, 0, 1, 0)))


def test_triggers_that_a_rollback_forgets_are_found() -> None:
    """What fired after the snapshot waits again; a cancel that keeps triggers keeps them all."""
    right = (*AFTER_ROLLBACK, (4, kept("rollback", (1, 2, 3))), (5, ROLLED_BACK), (6, kept("cancel", (1, 2, 3))))
    assert [] == details(OrderSurvival(), *right)
    wrong = (*AFTER_ROLLBACK, (4, kept("rollback", (1, 3))))
    assert ["at the rollback 1 trigger lost, and 0 waiting that should not"] == details(OrderSurvival(), *wrong)


def test_order_that_rests_after_a_rollback_is_found_where_limit_orders_are_not_retained() -> None:
    """By the step that should have cancelled it, or at the reopening where there was no such step."""
    told = ((1, kept("snapshot", (), resting=2)), (2, kept("rollback", (), resting=2)), (3, ROLLED_BACK))
    found = ["2 orders resting in the book after the rollback, and limit orders are not retained"]
    assert found == details(OrderSurvival(), *told, (4, TO_CANCEL_ONLY), (5, TO_POST_ONLY))
    assert found == details(OrderSurvival(), *told, (4, kept("cancel", (), resting=2)))
    retained = ("venue.declared.retained_orders=[limit, take_profit, stop_loss]",)
    assert [] == details(OrderSurvival(), *told, (4, TO_CANCEL_ONLY), sets=retained)


def test_owner_who_believes_in_another_order_is_found() -> None:
    """Except for the instant between a trigger's firing and its report."""
    found = details(OrderSurvival(), (1, kept("snapshot", (1,), told=(1, 2))))
    assert ["at the snapshot 1 trigger waiting without the owner's knowledge, or the other way round"] == found
    assert [] == details(OrderSurvival(), (1, fired(2)), (2, kept("snapshot", (1,), told=(1, 2))))


def test_triggers_that_vanish_over_a_maintenance_are_found() -> None:
    """Without a rollback a trigger waits until it fires or a step cancels it."""
    told = (*AFTER_ROLLBACK, (4, kept("resume", (1,))))
    assert ["at the resume 1 trigger lost, and 0 waiting that should not"] == details(OrderSurvival(), *told)
    assert [] == details(OrderSurvival(), *AFTER_ROLLBACK, (4, kept("resume", (1, 3))))


def test_venue_that_retains_no_trigger_keeps_none() -> None:
    """The declared retention decides, not the step."""
    told = (*AFTER_ROLLBACK, (4, kept("rollback", (1, 2, 3))), (5, ROLLED_BACK), (6, kept("cancel", (1, 2, 3))))
    found = details(OrderSurvival(), *told, sets=("venue.declared.retained_orders=[]",))
    assert ["of 3 triggers 0 cancelled although retained, and 3 waiting that should not"] == found


def test_venue_that_retains_one_kind_of_trigger_keeps_that_kind_alone() -> None:
    """Take-profit orders (2) stay, stop-loss orders (1 and 3) go; the other way round is found."""
    sets = ("venue.declared.retained_orders=[take_profit]",)
    told = ((1, kept("snapshot", (1, 2, 3))), (2, kept("rollback", (1, 2, 3))), (3, ROLLED_BACK))
    found = details(OrderSurvival(), *told, (4, kept("cancel", (1, 3))), sets=sets)
    assert ["of 3 triggers 1 cancelled although retained, and 2 waiting that should not"] == found
    assert [] == details(OrderSurvival(), *told, (4, kept("cancel", (2,))), sets=sets)


class LosesTriggers(Triggers):
    """Of the triggers that were kept only every other one comes back."""

    def restore(self, kept: KeptTriggers) -> None:
        super().restore(KeptTriggers(kept.is_waiting & (np.arange(len(kept.is_waiting)) % 2 == 0)))


class ForgetsTheOrders(VenueWorld):
    """A rollback of which the order desk hears nothing."""

    def _build_parts(self) -> None:
        super()._build_parts()
        assert self.desk is not None
        self.desk.restore = lambda store: None  # type: ignore[method-assign]


@pytest.mark.parametrize("world", [ForgetsTheOrders, venue_with(triggers=LosesTriggers)])
def test_rollback_that_forgets_orders_is_found(world: Any) -> None:
    """M6: orders go back with the positions that they belong to."""
    result = run_case(case_of(bench(*ROLLBACK_OF_ORDERS)), VenueKit(), world_maker=world)
    found = {finding.detail for finding in result.findings if finding.law == "M6"}
    assert "after the rollback the orders are not those that belong to the restored positions" in found, result.error
    right = run_case(case_of(bench(*ROLLBACK_OF_ORDERS)), VenueKit())
    assert not {"M6", "M7"} & {finding.law for finding in right.findings}, right.error
