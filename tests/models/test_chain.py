"""The chain: blocks, second validation, busts, state roots, snapshots, and what a rollback does not bring back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from drydock.faults.slow_load import SlowLoad
from drydock.models.chain import Chain, FillTx, IndexTx, LiquidationTx, PriceTx
from drydock.models.events import (
    BlockSealed,
    Bust,
    IndexOnchain,
    L1Reconciled,
    ModeChanged,
    RollbackDone,
    ServiceState,
    SnapshotTaken,
)
from drydock.models.runbook_spec import SERVICES
from tests.nights import MANY_MARKETS, Stage, play, told

BLOCK_MS = 5_000


def stage(*sets: str) -> Stage:
    """A chain that seals, and nobody who trades on it."""
    return Stage(*sets, is_started=False)


def seal(on: Stage) -> None:
    """Runs past the next block boundary."""
    on.world.chain.arm()
    on.at((on.sim.now_ms // BLOCK_MS + 1) * BLOCK_MS + 1)


def small_fills(on: Stage, draws: list[tuple[int, int, int]]) -> list[FillTx]:
    """Fills against the maker, too small to bring anybody under margin, at prices around the mark."""
    layout, markets = on.world.layout, on.world.layout.markets
    people = np.flatnonzero(layout.account > 1).tolist()
    fills = []
    for person, size, shift_ppm in draws:
        slot = people[person % len(people)]
        market = int(layout.market[slot])
        price = int(on.world.chain.mark[market]) * (1_000_000 + shift_ppm) // 1_000_000
        fills.append(FillTx(slot, markets + market, size, price))
    return fills


draws = st.tuples(st.integers(0, 200), st.integers(-20, 20).filter(bool), st.integers(-5_000, 5_000))


@settings(max_examples=25)
@given(st.lists(st.lists(draws, max_size=6), min_size=1, max_size=4), st.integers(-(2**40), 2**40))
def test_sealing_applies_fills_as_if_one_by_one(groups: list[list[tuple[int, int, int]]], step: int) -> None:
    """Fills in one block, indices changing between them, leave what plain integer trades leave, in their order."""
    on = stage()
    chain = on.world.chain
    expected, index = chain.holdings.copy(), chain.index.copy()
    for number, group in enumerate(groups):
        for fill in small_fills(on, group):
            chain.submit(fill)
            now = int(index[chain.layout.market[fill.taker_slot]])
            expected.trade_one(fill.taker_slot, fill.size, fill.price, now)
            expected.trade_one(fill.maker_slot, -fill.size, fill.price, now)
        index = chain.index + (number + 1) * step
        chain.submit(IndexTx(np.arange(len(index)), index))
    seal(on)
    assert [] == on.of(Bust)
    assert expected.to_bytes() == chain.holdings.to_bytes()
    assert index.tolist() == chain.index.tolist()


def test_block_says_what_it_holds_at_an_even_pace() -> None:
    """Blocks stand on multiples of the block time; heights and sequence count up; a seal shows read-only views."""
    on = stage().at(0)
    on.world.chain.submit(PriceTx(on.world.chain.mark.copy()))
    on.at(3 * BLOCK_MS + 1)
    sealed = told(on.events, BlockSealed)
    assert [(5_000, 1, 1, 1), (10_000, 2, 2, 0), (15_000, 3, 3, 0)] == [
        (at_ms, block.height, block.sequence, block.transactions) for at_ms, block in sealed
    ]
    with pytest.raises(ValueError, match="read-only"):
        sealed[0][1].view.quote[0] = 1


def test_index_reaches_the_chain_with_its_block() -> None:
    """Only the named markets change; the chain says so, and remembers when."""
    on = stage()
    chain = on.world.chain
    before = chain.index.copy()
    chain.submit(IndexTx(np.array([2]), np.array([12_345])))
    seal(on)
    assert [before[0], before[1], 12_345] == chain.index.tolist()
    assert [0, 0, BLOCK_MS] == chain.index_ms.tolist()
    assert [(1, [2], [12_345])] == [(e.height, e.markets.tolist(), e.indices.tolist()) for e in on.of(IndexOnchain)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_sealed_while_nobody_trades_and_nothing_runs(seed: int) -> None:
    """After the services stopped one block takes what was on its way; from then until one is ready again, none."""
    events = play(seed=seed).events
    states = told(events, ServiceState)
    stopped_ms = max(at_ms for at_ms, e in states if e.state == "stopped")
    ready_ms = min(at_ms for at_ms, e in states if e.state == "ready")
    mode_ms = next(at_ms for at_ms, e in told(events, ModeChanged) if e.mode == "maintenance")
    assert mode_ms < stopped_ms < ready_ms
    closed = [(at_ms, block) for at_ms, block in told(events, BlockSealed) if stopped_ms < at_ms < ready_ms]
    assert all(block.transactions for _, block in closed)
    assert [] == [at_ms for at_ms, _ in closed if at_ms > stopped_ms + BLOCK_MS]
    assert len(SERVICES) == sum(1 for _, e in states if e.state == "stopped")


# ---- second validation ----------------------------------------------------------------------------------------------
def refused_fill(on: Stage) -> tuple[int, int]:
    """A fill that the cloud allows, and that the chain, which has seen the price fall, does not: (slot, size)."""
    world = on.world
    world.cloud.refresh_free()
    people = np.flatnonzero((world.layout.account > 1) & (world.cloud.holdings.size > 0))
    slot = int(people[0])
    account, market = int(world.layout.account[slot]), int(world.layout.market[slot])
    price, imf_ppm = int(world.cloud.mark[market]), int(world.markets.imf_ppm[market])
    size = world.cloud.free_collateral(account) * 1_000_000 // (price * imf_ppm) * 9 // 10
    world.chain.submit(PriceTx(world.chain.mark * 98 // 100))
    world.cloud.fill(market, slot, world.layout.markets + market, size)
    return slot, size


def test_bust_restores_both_parties_in_both_copies() -> None:
    """The chain busts what leaves the taker under margin: sizes are as before, in cloud and chain."""
    on = stage("venue.markets.only=[BTC-USD-PERP]")
    chain, cloud = on.world.chain, on.world.cloud
    sizes, quote = chain.holdings.size.copy(), int(chain.holdings.quote.sum())
    slot, size = refused_fill(on)
    assert sizes[slot] + size == cloud.holdings.size[slot]
    seal(on)
    assert [(on.world.layout.account[slot], size)] == [(bust.taker, bust.size_quantums) for bust in on.of(Bust)]
    assert sizes.tolist() == chain.holdings.size.tolist() == cloud.holdings.size.tolist()
    assert quote + int(chain.holdings.realised.sum()) == int(chain.holdings.quote.sum())
    assert [] == on.of(BlockSealed)[0].view.fills


def test_chain_liquidates_nobody_who_is_healthy_there() -> None:
    """A liquidation is validated again at the chain's own prices: who is not under margin there keeps everything."""
    on = stage()
    chain = on.world.chain
    before = chain.holdings.to_bytes()
    chain.submit(LiquidationTx(np.array([2, 3]), np.array([1_000_000, 200_000])))
    seal(on)
    assert before == chain.holdings.to_bytes()


def test_chain_liquidates_who_is_under_margin_there() -> None:
    """At a price at which an account is under margin its share goes to the vault, and sizes still sum to zero."""
    on = stage()
    chain = on.world.chain
    chain.submit(PriceTx(chain.mark * 80 // 100))
    seal(on)
    under = chain.value().under_margin()
    assert under.size
    chain.submit(LiquidationTx(under, np.full(len(under), 1_000_000)))
    seal(on)
    held = chain.layout.per_account(np.abs(chain.holdings.size))
    assert not held[under].any()
    assert not chain.layout.per_market(chain.holdings.size).any()


# ---- roots, snapshots, rollback --------------------------------------------------------------------------------------
PARTS = ("quote", "size", "cached", "realised", "index", "mark")


@settings(max_examples=40)
@given(st.sampled_from(PARTS), st.integers(0, 10**6), st.integers(-(2**50), 2**50).filter(bool))
def test_root_differs_when_any_single_value_of_the_state_differs(part: str, place: int, by: int) -> None:
    """One quote balance, size, cached index, realised sum, index or mark changed: another root."""
    chain = stage().world.chain
    root = chain.root()
    values = getattr(chain.holdings if part in PARTS[:4] else chain, part)
    values[place % len(values)] += by
    assert root != chain.root()
    values[place % len(values)] -= by
    assert root == chain.root()


def changed(on: Stage) -> None:
    """Seals blocks that change everything that a block can change."""
    chain = on.world.chain
    for fill in small_fills(on, [(0, 5, 100), (7, -3, -200), (11, 2, 0)]):
        chain.submit(fill)
    chain.submit(IndexTx(np.arange(len(chain.index)), chain.index // 2))
    chain.submit(PriceTx(chain.mark * 101 // 100))
    seal(on)
    seal(on)


def test_snapshot_proves_that_it_restores() -> None:
    """The root of the bytes, decoded into an empty copy, is the root of the chain; taking it changes nothing."""
    on = stage()
    changed(on)
    chain: Chain = on.world.chain
    taken = chain.snapshot()
    told_root = on.of(SnapshotTaken)[0]
    assert chain.root() == taken.root == (told_root.root_high, told_root.root_low)
    assert taken.root == (told_root.restored_high, told_root.restored_low)


def test_rollback_brings_the_root_back_and_lets_the_sequence_go_on() -> None:
    """Root, height, index and marks of the snapshot; blocks after it have new numbers in the sequence."""
    on = stage()
    changed(on)
    chain = on.world.chain
    taken, height, sequence = chain.snapshot(), chain.height, chain.sequence
    changed(on)
    assert taken.root != chain.root()
    chain.restore(taken)
    assert taken.root == chain.root()
    assert (height, sequence + 2) == (chain.height, chain.sequence)
    seal(on)
    assert (height + 1, sequence + 3) == (chain.height, chain.sequence)


def test_rollback_takes_the_queue_with_it() -> None:
    """What was pending is not applied to the restored state."""
    on = stage()
    taken = on.world.chain.snapshot()
    on.world.chain.submit(PriceTx(on.world.chain.mark * 2))
    on.world.chain.restore(taken)
    seal(on)
    assert taken.root == on.world.chain.root()


@pytest.mark.parametrize("amount", [250_000_000, -250_000_000])
def test_l1_transfers_are_credited_again_after_a_rollback(amount: int) -> None:
    """Deposits and payouts lie on L1: the chain goes back, they do not, and the next block owes them again."""
    on = stage()
    chain = on.world.chain
    taken = chain.snapshot()
    chain.l1.add(1_000, 5, amount)
    quote = int(chain.holdings.quote[5])
    seal(on)
    assert quote + amount == chain.holdings.quote[5]
    chain.restore(taken)
    assert quote == chain.holdings.quote[5]
    seal(on)
    assert quote + amount == chain.holdings.quote[5]
    assert amount == chain.l1.total()


def test_unconfirmed_deposit_waits() -> None:
    """A transfer is credited by the first block at or after its confirmation, and reconciling says what waits."""
    on = stage()
    chain = on.world.chain
    chain.l1.add(BLOCK_MS + 2, 5, 9_000_000)
    seal(on)
    chain.reconcile_l1()
    seal(on)
    chain.reconcile_l1()
    assert [(0, 9_000_000, 9_000_000), (9_000_000, 0, 9_000_000)] == [tuple(found) for found in on.of(L1Reconciled)]


def test_night_with_a_rollback_ends_with_what_l1_says() -> None:
    """Whatever a rollback erased: credited plus waiting is the L1 ledger in the end, and the root came back."""
    result = play(
        "venue.funding.readiness=process_up",
        "venue.safeguards.price_freshness=null",
        "runbook.night_ms=20m",
        "runbook.on_incident={detect_ms_min: 10s, detect_ms_max: 20s, decide_ms_min: 10s, decide_ms_max: 20s, steps: ["
        "{step: set_mode, name: stop, mode: maintenance}, {step: rollback},"
        " {step: set_mode, name: back, mode: cancel_only}, {step: resume, name: again}]}",
        MANY_MARKETS,
        plan=[SlowLoad(step="start-services", mean_ms=8_000)],
        seed=4,
    )
    rollback = next(data for _, data in told(result.events, RollbackDone))
    assert (rollback.snapshot_high, rollback.snapshot_low) == (rollback.root_high, rollback.root_low)
    assert rollback.height == rollback.chain_height == rollback.cloud_height
    last = told(result.events, L1Reconciled)[-1][1]
    assert last.ledger_quantums == last.credited_quantums + last.waiting_quantums
