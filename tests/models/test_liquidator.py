"""The liquidator: whom it finds, what it takes, what it leaves alone, and when it looks."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.faults.crash import Crash
from drydock.faults.message_delay import MessageDelay
from drydock.faults.message_loss import MessageLoss
from drydock.harness.port import Fault
from drydock.harness.seam import Passage
from drydock.models.accounts import VAULT
from drydock.models.chain import PriceTx
from drydock.models.events import BlockSealed, HealthChecked, Liquidation, ServiceState
from drydock.models.liquidation import liquidate
from drydock.models.perp.liquidation import cut, liquidation_share
from tests.nights import Stage, broken, play, started_at, told

FIRST_CHECK_MS = 2_000


def fallen(percent: int, *sets: str, price_ms: int = 0, market: int | None = None) -> Stage:
    """A world in which the cloud believes that prices fell, just before the first check; nobody trades."""
    stage = Stage("population.fills_per_minute=0", *sets).at(FIRST_CHECK_MS - 1)
    cloud = stage.world.cloud
    mark, made_ms = cloud.mark.copy(), np.full_like(cloud.mark, stage.sim.now_ms)
    where = slice(None) if market is None else market
    mark[where] = mark[where] * (100 - percent) // 100
    made_ms[where] = price_ms
    cloud.on_prices(mark, made_ms)
    return stage


def test_check_liquidates_exactly_those_under_margin() -> None:
    """Every account whose margin exceeds its equity at the cloud's prices is liquidated once, and nobody else."""
    stage = fallen(5)
    under = stage.world.cloud.value().under_margin().tolist()
    stage.at(FIRST_CHECK_MS + 1)
    assert 0 < len(under) < 20
    assert under == [e.account for e in stage.of(Liquidation)]
    assert [(len(under), 0)] == [(e.under, e.refused) for e in stage.of(HealthChecked)]


def test_share_and_penalty_are_those_of_the_documented_rule() -> None:
    """Each event carries the account's numbers, the smallest sufficient share, and what was cut by it."""
    stage = fallen(5)
    cloud, spec = stage.world.cloud, stage.world.venue.liquidation
    value, sizes = cloud.value(), cloud.holdings.size.copy()
    share = liquidation_share(value.equity, value.margin, spec.fee_ppm, spec.step_ppm, spec.target_ppm)
    stage.at(FIRST_CHECK_MS + 1)
    for e in stage.of(Liquidation):
        assert (value.equity[e.account], value.margin[e.account]) == (e.equity_quantums, e.margin_quantums)
        assert share[e.account] == e.share_ppm
        slots = stage.world.layout.slots_of(np.array([e.account]))
        gone = sizes[slots] - cloud.holdings.size[slots]
        assert cut(sizes[slots], e.share_ppm).tolist() == gone.tolist()
        assert 0 <= e.penalty_quantums <= max(0, e.equity_quantums)


def test_positions_go_to_the_vault_and_money_is_conserved() -> None:
    """Sizes of every market still sum to zero, quote balances to what they were, and the vault earns the penalties."""
    stage = fallen(10)
    world, holdings = stage.world, stage.world.cloud.holdings
    before, equity = int(holdings.quote.sum()), int(world.cloud.value().equity[VAULT])
    stage.at(FIRST_CHECK_MS + 1)
    paid = int(holdings.quote.sum()) - int(holdings.realised.sum())
    assert not world.layout.per_market(holdings.size).any()
    assert before == paid
    fines = sum(e.penalty_quantums for e in stage.of(Liquidation))
    assert equity + fines == int(world.cloud.value().equity[VAULT])


def test_transfer_at_mark_changes_no_value_but_by_the_penalty() -> None:
    """An account's equity falls by its penalty alone, its margin by its share."""
    stage = fallen(5)
    cloud, world = stage.world.cloud, stage.world
    before = cloud.value()
    accounts = before.under_margin()
    share = np.full(len(accounts), 400_000)
    done = liquidate(cloud.holdings, accounts, share, cloud.mark, cloud.index, world.markets, world.venue.liquidation)
    after = cloud.value()
    assert (before.equity[accounts] - done.penalty_quantums).tolist() == after.equity[accounts].tolist()
    assert (after.margin[accounts] <= before.margin[accounts] * 6 // 10 + 16).all()


def test_chain_follows_with_its_next_block() -> None:
    """Where the chain sees the same prices, cloud and chain hold the same after the next block."""
    stage = fallen(5)
    stage.world.chain.submit(PriceTx(stage.world.cloud.mark))
    stage.at(5_000)
    cloud = stage.world.cloud.holdings.to_bytes()
    stage.at(5_001)
    assert stage.of(BlockSealed)
    assert cloud == stage.world.chain.holdings.to_bytes()


def test_checks_follow_one_another_by_five_seconds() -> None:
    """A right venue at flat prices is checked at an even pace, and nobody is found."""
    stage = Stage().at(20_000)
    checks = told(stage.events, HealthChecked)
    assert [2_000, 7_000, 12_000, 17_000] == [at_ms for at_ms, _ in checks]
    assert {0} == {e.under for _, e in checks}


def test_first_check_after_a_restart_comes_a_full_period_after_it_is_ready() -> None:
    """``ready`` starts the timer; the checks that fall into MAINTENANCE do not happen."""
    events = play().events
    ready_ms = next(
        at_ms for at_ms, e in told(events, ServiceState) if (e.service, e.epoch, e.state) == ("liquidator", 2, "ready")
    )
    first_ms = next(at_ms for at_ms, _ in told(events, HealthChecked) if at_ms > ready_ms)
    assert 0 == (first_ms - ready_ms) % 5_000
    assert first_ms >= max(ready_ms + 5_000, started_at(events, "cancel-only"))


def test_restarted_liquidator_takes_accounts_and_indices_from_the_chain() -> None:
    """Whatever the cloud believed is replaced by the source of truth."""
    stage = Stage("population.fills_per_minute=0").at(6_000)
    world = stage.world
    world.liquidator.stop()
    world.cloud.index += 12_345
    world.start_service("liquidator")
    stage.at(8_000)
    assert world.liquidator.is_ready
    assert world.chain.index.tolist() == world.cloud.index.tolist()
    assert world.chain.holdings.to_bytes() == world.cloud.holdings.to_bytes()


@pytest.mark.parametrize(
    ("honoured", "mode", "checks"),
    [("true", "maintenance", 0), ("false", "maintenance", 1), ("true", "cancel_only", 1), ("true", "post_only", 1)],
)
def test_mode_matrix_decides_whether_a_check_happens(honoured: str, mode: str, checks: int) -> None:
    """In MAINTENANCE a liquidator that honours the declared matrix does not look; one that does not, liquidates."""
    stage = fallen(5, f"venue.safeguards.mode_matrix={honoured}")
    stage.world.mode = mode
    stage.at(FIRST_CHECK_MS + 1)
    assert checks == len(stage.of(HealthChecked))
    assert bool(checks) == bool(stage.of(Liquidation))
    assert {mode} >= {e.mode for e in stage.of(Liquidation)}


def test_fresh_prices_only_leaves_alone_who_holds_a_market_with_an_old_one() -> None:
    """G8: of those under margin only those are liquidated none of whose markets has a price older than 15 s."""
    stage = fallen(5, "venue.safeguards.price_freshness={}", price_ms=-20_000, market=0)
    world = stage.world
    under = world.cloud.value().under_margin().tolist()
    holds = {a for (a, m), slot in world.layout.slot_of.items() if m == 0 and world.cloud.holdings.size[slot]}
    stage.at(FIRST_CHECK_MS + 1)
    assert set(under) & holds
    assert [a for a in under if a not in holds] == [e.account for e in stage.of(Liquidation)]
    assert len(set(under) & holds) == stage.of(HealthChecked)[0].refused


def test_price_age_of_a_liquidation_is_that_of_the_markets_it_holds() -> None:
    """An account is told the age of its own oldest price, not of the venue's."""
    stage = fallen(5, "venue.safeguards.price_freshness=null", price_ms=-20_000, market=0)
    holdings, slot_of = stage.world.cloud.holdings, stage.world.layout.slot_of
    holds = {a for (a, m), slot in slot_of.items() if m == 0 and holdings.size[slot]}
    stage.at(FIRST_CHECK_MS + 1)
    assert stage.of(Liquidation)
    for e in stage.of(Liquidation):
        assert (22_000 if e.account in holds else 1) == e.price_age_ms


@pytest.mark.parametrize(("does", "liquidates"), [("skip", False), ("default_zero", True), ("raise", False)])
def test_old_price_meets_the_policy_of_the_liquidator(does: str, liquidates: bool) -> None:
    """Left for later as documented, taken for fresh, or the end of the process; the age is told as it is."""
    stage = fallen(5, "venue.safeguards.price_freshness={}", price_ms=-20_000)

    def answer(passage: Passage) -> bool:
        passage.policy = does if passage.label == "liquidator/on_stale" else passage.policy
        return True

    with stage.world.seams["policy.read"].bend(answer):
        stage.at(FIRST_CHECK_MS + 1)
    assert liquidates == bool(stage.of(Liquidation))
    assert {22_000} >= {e.price_age_ms for e in stage.of(Liquidation)}
    assert (does != "raise") == stage.world.liquidator.is_ready


@pytest.mark.parametrize(("off_ms", "made_ms", "liquidates"), [(-10_000, -20_000, True), (20_000, 1_999, False)])
def test_liquidator_goes_by_its_own_clock(off_ms: int, made_ms: int, liquidates: bool) -> None:
    """Behind, it takes old prices for fresh; ahead, it trusts none. Events tell the age that they have."""
    stage = fallen(5, "venue.safeguards.price_freshness={}", price_ms=made_ms)

    def off(passage: Passage) -> bool:
        assert passage.stamp_ms is not None
        passage.stamp_ms = passage.stamp_ms + off_ms
        return True

    with stage.world.seams["clock.read"].bend(off):
        stage.at(FIRST_CHECK_MS + 1)
    assert liquidates == bool(stage.of(Liquidation))
    assert [FIRST_CHECK_MS - made_ms] == [e.price_age_ms for e in stage.of(HealthChecked)]


@pytest.mark.parametrize("seed", [3, 8])
def test_liquidator_that_dies_while_people_trade_forgets_no_fill(seed: int) -> None:
    """What filled before it died is sealed after it; only then it reads the chain, and in the end they agree."""
    crash = Crash("resume", "liquidator", 5_000 + 300 * seed, 2_000)
    result = play(plan=(crash,), seed=seed)
    assert set() == broken(result) & {"S6", "S7"}
    assert result.checks["S7"] > 0


RESEND = ("venue.messages.submit_resend_ms=2s", "venue.messages.drops_duplicates=true")
SLOW_FILLS = MessageDelay(step="resume", target="fills", delay_ms=8_000, lasts_ms=20_000)
LOST_FILLS = MessageLoss(step="resume", target="fills", share_ppm=1_000_000, lasts_ms=8_000)


@pytest.mark.parametrize("seed", [1, 5])
@pytest.mark.parametrize(("sets", "fault"), [((), SLOW_FILLS), (RESEND, LOST_FILLS)], ids=["slow", "sent again"])
def test_liquidator_waits_for_fills_that_are_on_their_way(sets: tuple[str, ...], fault: Fault, seed: int) -> None:
    """Also for those that are late, or lost and sent again: a state without them would never hear of them."""
    result = play(*sets, plan=(Crash("resume", "liquidator", 5_000, 1_000), fault), seed=seed)
    assert set() == broken(result)


def test_liquidator_waits_for_no_fill_that_nobody_sends_again() -> None:
    """It is lost, S6 says so, and the liquidator comes back as soon as it would have without."""

    def ready_ms(plan: tuple[Fault, ...]) -> tuple[int, bool]:
        result = play(plan=plan, seed=1)
        states = [(at_ms, e.state) for at_ms, e in told(result.events, ServiceState) if e.service == "liquidator"]
        assert "ready" == states[-1][1]
        return states[-1][0] - started_at(result.events, "resume"), "S6" in broken(result)

    crash = Crash("resume", "liquidator", 5_000, 1_000)
    (lost_ms, is_lost), (usual_ms, _) = ready_ms((crash, LOST_FILLS)), ready_ms((crash,))
    assert is_lost
    assert lost_ms <= usual_ms
