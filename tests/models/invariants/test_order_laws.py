"""Laws about orders beyond their canaries: what each of them finds, told event by event or played on a wrong build."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from drydock.harness.event import Event
from drydock.harness.law import FoldLaw
from drydock.harness.run import run_case
from drydock.models.chain import FillTx
from drydock.models.events import (
    BlockSealed,
    Bust,
    Fill,
    FrontShown,
    ModeChanged,
    PricesPublished,
    ResumeChecked,
    RollbackDone,
)
from drydock.models.invariants.canaries.build import WITH_BOOK, venue_with
from drydock.models.invariants.canaries.maintenance import ROLLBACK
from drydock.models.invariants.canaries.orders import ROLLBACK_OF_ORDERS, StrictChain
from drydock.models.invariants.liquidation import Gate
from drydock.models.invariants.maintenance import ResumeGate
from drydock.models.invariants.marks import NearFair, ThinBookIndependence
from drydock.models.invariants.orders import BustAccounting, CancelOnly, OrderSurvival, PostOnly
from drydock.models.invariants.pages import NoDefaults
from drydock.models.kit import VenueKit
from drydock.models.matching import BY_OWNER, BY_STEP, OF_TRIGGER, OF_VAULT
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
from drydock.models.triggers import KeptTriggers, Triggers
from drydock.models.truth import Truth
from drydock.models.world import VenueWorld
from tests.nights import Stage, bench, case_of, play, scenario

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
    assert ["at the rollback 1 triggers are lost, and 0 wait that should not"] == details(OrderSurvival(), *wrong)


def test_order_that_rests_after_a_rollback_is_found_where_limit_orders_are_not_retained() -> None:
    """By the step that should have cancelled it, or at the reopening where there was no such step."""
    told = ((1, kept("snapshot", (), resting=2)), (2, kept("rollback", (), resting=2)), (3, ROLLED_BACK))
    found = ["2 orders rest in the book after the rollback, and limit orders are not retained"]
    assert found == details(OrderSurvival(), *told, (4, TO_CANCEL_ONLY), (5, TO_POST_ONLY))
    assert found == details(OrderSurvival(), *told, (4, kept("cancel", (), resting=2)))
    retained = ("venue.declared.retained_orders=[limit, take_profit, stop_loss]",)
    assert [] == details(OrderSurvival(), *told, (4, TO_CANCEL_ONLY), sets=retained)


def test_owner_who_believes_in_another_order_is_found() -> None:
    """Except for the instant between a trigger's firing and its report."""
    found = details(OrderSurvival(), (1, kept("snapshot", (1,), told=(1, 2))))
    assert ["at the snapshot 1 triggers wait of which their owners do not know, or the other way round"] == found
    assert [] == details(OrderSurvival(), (1, fired(2)), (2, kept("snapshot", (1,), told=(1, 2))))


def test_triggers_that_vanish_over_a_maintenance_are_found() -> None:
    """Without a rollback a trigger waits until it fires or a step cancels it."""
    told = (*AFTER_ROLLBACK, (4, kept("resume", (1,))))
    assert ["at the resume 1 triggers are lost, and 0 wait that should not"] == details(OrderSurvival(), *told)
    assert [] == details(OrderSurvival(), *AFTER_ROLLBACK, (4, kept("resume", (1, 3))))


def test_venue_that_retains_no_trigger_keeps_none() -> None:
    """The declared retention decides, not the step."""
    told = (*AFTER_ROLLBACK, (4, kept("rollback", (1, 2, 3))), (5, ROLLED_BACK), (6, kept("cancel", (1, 2, 3))))
    found = details(OrderSurvival(), *told, sets=("venue.declared.retained_orders=[]",))
    assert ["of 3 triggers 0 are cancelled that are retained, and 3 wait that should not"] == found


def test_venue_that_retains_one_kind_of_trigger_keeps_that_kind_alone() -> None:
    """Take-profit orders (2) stay, stop-loss orders (1 and 3) go; the other way round is found."""
    sets = ("venue.declared.retained_orders=[take_profit]",)
    told = ((1, kept("snapshot", (1, 2, 3))), (2, kept("rollback", (1, 2, 3))), (3, ROLLED_BACK))
    found = details(OrderSurvival(), *told, (4, kept("cancel", (1, 3))), sets=sets)
    assert ["of 3 triggers 1 are cancelled that are retained, and 2 wait that should not"] == found
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


# ---- M5, L3 ---------------------------------------------------------------------------------------------------------
THIN = ResumeChecked(0, 0, 0, 0, 3)


def reopened(sample: MarkSampled, *more: tuple[int, Any], sets: tuple[str, ...] = ()) -> list[str]:
    """What M5 says of books at a reopening whose last mark saw this."""
    told = ((5_000, sampled()), (6_000, TO_MAINTENANCE), (7_000, TO_POST_ONLY), *more, (10_000, sample))
    found = details(ResumeGate(), *told, (11_000, THIN), (11_000, TO_OK), sets=sets)
    return [detail for detail in found if detail.startswith("the books")]


def test_ok_with_books_that_lost_a_side_is_found() -> None:
    """Unless an auction was held, or so many are declared to be normal."""
    found = ["the books of 3 markets lack a side at OK that they had before"]
    assert found == reopened(sampled(no_bid=True))
    assert [] == reopened(sampled())
    assert [] == reopened(sampled(no_bid=True), (8_000, AuctionUncrossed(3, 1)))
    assert [] == reopened(sampled(no_bid=True), sets=("venue.declared.thin_markets_ppm_max=100%",))


def test_books_are_judged_when_the_declared_grace_is_over() -> None:
    """While it lasts the venue acts on nobody, and makers may still come back."""
    told = ((5_000, sampled()), (6_000, TO_MAINTENANCE), (7_000, TO_POST_ONLY), (10_000, sampled(no_bid=True)))
    opened = (*told, (11_000, THIN), (11_000, TO_OK), (70_000, sampled(no_bid=True)))
    grace = ("venue.declared.grace_ms=1m",)

    def found(*last: tuple[int, Any]) -> list[str]:
        return [d for d in details(ResumeGate(), *opened, *last, sets=grace) if d.startswith("the books")]

    assert [] == found((75_000, sampled()))
    late = ["the books of 3 markets lack a side when the grace is over that they had before"]
    assert late == found((75_000, sampled(no_bid=True)), (80_000, sampled(no_bid=True)))


def test_trigger_is_judged_as_a_liquidation_is() -> None:
    """By the declared matrix, and by the grace after OK."""
    quiet = ("venue.declared.post_only=[cancel, post]", "venue.declared.grace_ms=1m")
    told = ((1, fired(1, "post_only")), (2, TO_OK), (60_001, fired(2)), (60_002, fired(3)))
    found = ["a trigger of account 9 fires in mode post_only", "a trigger of account 9 fires 59999 ms after OK"]
    assert found == details(Gate(), *told, sets=quiet)
    assert [] == details(Gate(), *told)


# ---- P6, P7 ---------------------------------------------------------------------------------------------------------
def test_mark_far_from_the_outside_price_is_found_where_it_may_act() -> None:
    """At 1 % it may stay, beyond it is found; in MAINTENANCE a mark does nothing to anybody."""
    assert [] == details(NearFair(), (5_000, sampled(mark_ppm=9_999)))
    found = details(NearFair(), (5_000, sampled(mark_ppm=10_500)))
    assert 1 == len(found)
    assert found[0].startswith("3 marks are too far from the outside price in ok; ")
    assert [] == details(NearFair(), (1, TO_MAINTENANCE), (5_000, sampled(mark_ppm=10_500)))


def test_mark_in_post_only_stays_within_band_and_spread() -> None:
    """5 bps and a spread of 6: 10 bps are right, 12 are not; without a declared band both are."""
    told = ((5_000, sampled()), (6_000, TO_POST_ONLY), (10_000, sampled(mark_ppm=1_000)))
    assert [] == details(NearFair(), *told, sets=BAND)
    assert 1 == len(details(NearFair(), *told, (15_000, sampled(mark_ppm=1_200)), sets=BAND))
    assert [] == details(NearFair(), *told, (15_000, sampled(mark_ppm=1_200)))


def test_mark_that_another_method_made_is_found() -> None:
    """What the law says of single orders would say nothing of such a mark."""
    spot, age_ms = truth().outside.spot(0), np.zeros(3, np.int64)
    wrong = sampled(mark_ppm=50)
    told = ((5_000, wrong), (5_000, PricesPublished(spot, wrong.mark_quantums, age_ms, age_ms)))
    found = ["3 marks are not what the documented method gives, first BTC-USD-PERP"]
    assert found == details(ThinBookIndependence(), *told)


@pytest.mark.parametrize("cold_start", ["keep", "last_trade", "forget"])
def test_averages_of_the_law_follow_those_of_the_venue(cold_start: str) -> None:
    """Over a night with a restart, whichever averages outlive it, the law's replay gives the published marks."""
    result = play(f"venue.order_book={{cold_start: {cold_start}}}", regime="crash")
    method = [f.detail for f in result.findings if f.law == "P7" and "documented method" in f.detail]
    assert [] == method
    assert result.checks["P7"] > 50


# ---- V1, V2 ---------------------------------------------------------------------------------------------------------
def test_page_that_knows_only_newer_heights_is_found() -> None:
    """After a rollback it shows what is no more; one that reads anew shows what the chain says."""
    sets = (*ROLLBACK, "runbook.watch_ms=30s", "runbook.settle_ms=30s", "venue.read_models.lag_ms_max=15s")
    result = play(*sets, "venue.read_models.after_rollback=newest_height")
    found = [finding.detail for finding in result.findings if finding.law == "V1"]
    assert 2 == len(found)
    assert all("page shows height" in detail for detail in found)
    assert "V1" not in {finding.law for finding in play(*sets).findings}


def test_default_on_the_front_page_is_counted() -> None:
    """A page with no prices to show shows none."""
    found = details(NoDefaults(), (1, FrontShown(0)), (2, FrontShown(117)))
    assert ["the front page shows a default price for 117 markets"] == found
