"""The front door, the liquidator's view and the sequencer: what is lost, late or in the wrong order there."""

from __future__ import annotations

from itertools import pairwise

import pytest

from drydock.faults.block_order_swapped import BlockOrderSwapped
from drydock.faults.gateway_loss import GatewayLoss
from drydock.faults.gateway_overload import GatewayOverload
from drydock.faults.slow_blocks import SlowBlocks
from drydock.faults.stale_liquidator import StaleLiquidator
from drydock.harness.port import Fault
from drydock.harness.result import RunResult
from drydock.models.block_order import OPERATIONS
from drydock.models.events import (
    BlockSealed,
    Bust,
    Fill,
    HealthChecked,
    IntentsBlocked,
    L1Transferred,
    Liquidation,
    LiquidationRefused,
)
from drydock.models.order_events import QuotesPlaced
from tests.faults.examples_operators import BY_KIND, CROWDED, LONG_CRASH, WITH_BOOK
from tests.nights import MANY_MARKETS, bench, broken, of, play, started_at, told

BEFORE_MS = -100_000
"""Before the window: wishes inside it were announced to be impossible, and are no harm."""
MANY_PAYOUTS = "population.transfers_per_hour=3600"
A_MINUTE_MS = 60_000
CRASH = (*LONG_CRASH, "population.accounts=100")
RECHECKS = "venue.liquidation.rechecks=true"


def in_crash(*sets: str, plan: tuple[Fault, ...] = (), seed: int = 3) -> RunResult:
    return play(*CRASH, *sets, plan=plan, seed=seed, regime="crash")


def is_exercised(result: RunResult) -> bool:
    return result.evidence[0].exercised


# ---- the front door -------------------------------------------------------------------------------------------------
def loss(share_ppm: int = 1_000_000, target: str = "clients") -> GatewayLoss:
    return GatewayLoss(
        step="maintenance", target=target, offset_ms=BEFORE_MS, share_ppm=share_ppm, lasts_ms=A_MINUTE_MS
    )


def takers(result: RunResult) -> set[int]:
    """Who trades while the loss lasts."""
    first_ms = 120_000 + BEFORE_MS
    return {e.taker for at_ms, e in told(result.events, Fill) if first_ms + 2 < at_ms <= first_ms + A_MINUTE_MS}


def test_loss_of_the_front_door_strikes_its_share_and_leaves_the_others() -> None:
    """Who is struck by a smaller share is struck by a greater one; whoever is not, trades as he did."""
    shares = [0, 300_000, 600_000, 1_000_000]
    active = [takers(play(*CROWDED, plan=(loss(share_ppm),) if share_ppm else ())) for share_ppm in shares]
    assert [True, True, True] == [fewer < more for more, fewer in pairwise(active)]
    assert set() == active[-1]


def test_blocks_go_on_while_the_front_door_is_gone() -> None:
    """The chain lives: blocks, health checks and L1 as before."""
    usual, result = play(*CROWDED), play(*CROWDED, plan=(loss(),))
    for kind in (BlockSealed, HealthChecked):
        assert [at_ms for at_ms, _ in told(usual.events, kind)] == [at_ms for at_ms, _ in told(result.events, kind)]
    assert set() == broken(result)


def test_nobody_is_paid_out_through_a_front_door_that_is_gone() -> None:
    """Deposits are made on L1 and need none."""
    moved = [e.amount_quantums for at_ms, e in told(play(MANY_PAYOUTS, plan=(loss(),)).events, L1Transferred)
             if 20_000 <= at_ms < 80_000]  # fmt: skip
    assert moved
    assert min(moved) > 0


def test_wishes_that_are_turned_away_are_told_when_their_owner_is_let_in_and_cost_access() -> None:
    """Each once, with the time at which he wanted to; in a falling market waiting costs those who wanted to sell."""
    usual = play(*CROWDED, regime="crash")
    result = play(*CROWDED, plan=(loss(),), regime="crash")
    turned = [e for e in of(result.events, IntentsBlocked) if 20_000 <= e.wanted_ms.min() < 80_000]
    wanted = {(at_ms - 2, e.taker) for at_ms, e in told(usual.events, Fill) if 20_002 <= at_ms < 80_002}
    told_of = [row for e in turned for row in zip(e.wanted_ms.tolist(), e.accounts.tolist(), strict=True)]
    assert len(told_of) == len(set(told_of))
    assert wanted & set(told_of)
    kinds = [{entry.kind for entry in night.entries} for night in (usual, result)]
    assert ({"access"}, True) == (kinds[1] - kinds[0], sum(e.amount_quantums for e in result.entries) > 0)


def test_loss_for_makers_alone_lets_people_trade() -> None:
    """No quote comes in; intents do."""
    usual, result = play(*WITH_BOOK, *CROWDED), play(*WITH_BOOK, *CROWDED, plan=(loss(target="makers"),))
    quoted = [
        sum(30_000 < at_ms < 80_000 for at_ms, _ in told(night.events, QuotesPlaced)) for night in (usual, result)
    ]
    assert (True, 0) == (quoted[0] > 0, quoted[1])
    assert takers(result)
    assert ("clients",) == tuple(GatewayLoss.targets(bench()))


def test_overload_serves_one_after_another_in_their_order_and_refuses_what_does_not_fit() -> None:
    """Three seconds a message: fills are at least so far apart, in the order of their wishes, and fewer."""
    fault = GatewayOverload(step="maintenance", offset_ms=BEFORE_MS, serve_ms=3_000, queue_max=3, lasts_ms=A_MINUTE_MS)
    usual, result = play(*CROWDED), play(*CROWDED, plan=(fault,))
    fills = [(at_ms, e) for at_ms, e in told(result.events, Fill) if 23_000 < at_ms < 80_000]
    assert 3_000 == min(later - at for (at, _), (later, _) in pairwise(fills))
    who = [e.taker for at_ms, e in told(usual.events, Fill) if 20_000 < at_ms < 80_000]
    served = iter(who)
    assert all(e.taker in served for _, e in fills)
    assert len(fills) < len(who) // 3
    assert of(result.events, IntentsBlocked)


# ---- the liquidator's view ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("stale_ms", [15_000, 30_000])
def test_liquidator_on_an_old_state_liquidates_the_healthy(stale_ms: int) -> None:
    """L1: whom it has liquidated is still under margin in the old state, and is found again. The chain refuses many.
    A venue that looks again before it acts liquidates nobody wrongly: it is late, and that is all."""
    fault = StaleLiquidator(step="maintenance", offset_ms=-120_000, stale_ms=stale_ms, lasts_ms=900_000)
    result, guarded = in_crash(plan=(fault,)), in_crash(RECHECKS, plan=(fault,))
    assert "L1" in broken(result)
    assert of(result.events, LiquidationRefused)
    assert set() == broken(guarded)
    assert (True, True) == (is_exercised(result), is_exercised(guarded))


def test_looking_again_changes_nothing_where_the_state_is_fresh() -> None:
    """The same digest with the guard and without."""
    assert in_crash().digest == in_crash(RECHECKS).digest


def test_batch_of_a_check_is_capped() -> None:
    """One account a check, whoever else is under margin; without the fault there are more."""

    def most(result: RunResult) -> int:
        at = [at_ms for at_ms, _ in told(result.events, Liquidation) if 1_080_000 < at_ms < 1_200_000]
        return max(at.count(at_ms) for at_ms in at)

    fault = StaleLiquidator(step="maintenance", offset_ms=-120_000, stale_ms=1_000, accounts_max=1)
    result = play(*CRASH, "population.accounts=1000", plan=(fault,), seed=3, regime="crash")
    assert 1 == most(result)
    assert most(play(*CRASH, "population.accounts=1000", seed=3, regime="crash")) > 1


def test_view_is_fresh_again_when_the_fault_is_over() -> None:
    """A lag of a minute before anybody is under margin leaves the rest of the night as it was."""
    fault = StaleLiquidator(step="maintenance", offset_ms=BEFORE_MS, lasts_ms=A_MINUTE_MS)
    assert play().digest == play(plan=(fault,)).digest


# ---- the sequencer --------------------------------------------------------------------------------------------------
def test_late_block_is_late_by_as_much_and_holds_all_that_came() -> None:
    """Each comes twenty seconds after the boundary after the one before it; nothing is lost."""
    fault = SlowBlocks(step="maintenance", offset_ms=BEFORE_MS, late_ms=20_000, lasts_ms=A_MINUTE_MS)
    usual, result = play(), play(plan=(fault,))
    blocks = [at_ms for at_ms, _ in told(result.events, BlockSealed) if 20_000 < at_ms < 80_000]
    assert [50_000, 75_000] == [at_ms for at_ms in blocks if at_ms > 25_000]
    counts = [sum(b.transactions for b in of(night.events, BlockSealed)) for night in (usual, result)]
    assert counts[0] == counts[1]


@pytest.mark.parametrize("seed", [1, 2])
def test_trades_bust_in_blocks_that_come_too_late(seed: int) -> None:
    """X14: in a crash, on all markets; what was well margined when it traded is not when its block is sealed."""
    night = (
        "runbook.before_ms=20m", "runbook.night_ms=40m", "population.accounts=300",
        "population.fills_per_minute=600", MANY_MARKETS,
    )  # fmt: skip
    fault = SlowBlocks(step="maintenance", offset_ms=-120_000, late_ms=240_000, lasts_ms=900_000)
    usual, late = (play(*night, plan=plan, seed=seed, regime="crash") for plan in ((), (fault,)))
    assert [0, True] == [len(of(usual.events, Bust)), len(of(late.events, Bust)) > 0]


@pytest.mark.parametrize("target", OPERATIONS[:-1])
def test_block_that_breaks_its_declared_order_is_seen(target: str) -> None:
    """M8, whatever the state says; while the order is kept, and again once it is, nothing."""
    fault = BlockOrderSwapped(step="maintenance", target=target, offset_ms=BEFORE_MS, lasts_ms=A_MINUTE_MS)
    result = play(*BY_KIND, plan=(fault,))
    wrong = [b.at_ms for b in result.findings if b.law == "M8"]
    assert {"M8"} == broken(result)
    assert 20_000 <= min(wrong) <= max(wrong) <= 80_000
    assert set() == broken(play(*BY_KIND))


def test_prices_after_liquidations_make_the_chain_refuse_them() -> None:
    """The chain judges by the prices of the block before, and finds healthy whom the cloud has liquidated."""
    fault = BlockOrderSwapped(step="maintenance", target="prices", offset_ms=-120_000, places=5)
    refused = [len(of(in_crash(*BY_KIND, plan=plan).events, LiquidationRefused)) for plan in ((), (fault,))]
    assert refused[0] < refused[1]


def test_chain_of_arrivals_has_no_order_to_break() -> None:
    """It declares none, and its blocks say so."""
    assert () == tuple(BlockOrderSwapped.targets(bench()))
    assert {()} == {tuple(b.view.operations) for b in of(play().events, BlockSealed)}
    assert {OPERATIONS} == {tuple(b.view.operations) for b in of(play(*BY_KIND).events, BlockSealed)}


def test_late_blocks_begin_and_end_with_the_fault() -> None:
    """Afterwards blocks are on their boundaries again."""
    fault = SlowBlocks(step="maintenance", offset_ms=BEFORE_MS, late_ms=7_000, lasts_ms=A_MINUTE_MS)
    result = play(plan=(fault,))
    after_ms = started_at(result.events, "maintenance")
    assert {0} == {at_ms % 5_000 for at_ms, _ in told(result.events, BlockSealed) if at_ms > after_ms}
