"""People: each client's intents in order, the closed time counted, and money that moves on L1."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from drydock.harness.seam import Passage
from drydock.models.events import Fill, IntentsBlocked, L1Transferred, ModeChanged
from drydock.models.order_events import IntentRejected
from drydock.models.people import GATEWAY_MS
from drydock.models.population import draw_intents
from tests.nights import Stage, of, play, told


def intents(stage: Stage):  # type: ignore[no-untyped-def]
    """The night's intents, drawn again."""
    world = stage.world
    return draw_intents(world.population, world.layout, world.outside.mark(0), world.night_ms, stage.sim.seed)


def reached(stage: Stage) -> dict[int, list[tuple[int, int]]]:
    """Per client, what reached matching: (time, market), filled or refused, in order."""
    found: dict[int, list[tuple[int, int]]] = {}
    for event in stage.events:
        if isinstance(event.data, Fill | IntentRejected):
            found.setdefault(event.data.taker, []).append((event.at_ms, event.data.market))
    return found


BUSY = ("population.fills_per_minute=600", "population.accounts=5")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_intents_of_each_client_reach_matching_in_order_each_once(seed: int) -> None:
    """Crowded instants included, every client is served in the order in which he sent, after the gateway's time."""
    stage = Stage(*BUSY, seed=seed).at(60_000)
    drawn = intents(stage)
    for client, seen in reached(stage).items():
        mine = (drawn.account == client) & (drawn.at_ms + GATEWAY_MS < 60_000)
        expected = [(at + GATEWAY_MS, m) for at, m in zip(drawn.at_ms[mine], drawn.market[mine], strict=True)]
        assert expected == seen
    assert 500 < sum(len(seen) for seen in reached(stage).values())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_intents_of_the_closed_time_are_counted_when_it_reopens(seed: int) -> None:
    """Every intent of the night is filled, refused, or counted as blocked; blocked are those of the closed time."""
    stage = Stage(seed=seed, regime="calm").at(590_000)
    drawn = intents(stage).at_ms
    changes = told(stage.events, ModeChanged)
    closed_ms = next(at_ms for at_ms, e in changes if e.before == "ok")
    open_ms = next(at_ms for at_ms, e in changes if e.mode == "ok")
    blocked = sum(e.intents for e in of(stage.events, IntentsBlocked))
    assert int(((drawn >= closed_ms) & (drawn < open_ms)).sum()) == blocked
    seen = sum(len(rows) for rows in reached(stage).values())
    assert int((drawn < 590_000 - GATEWAY_MS).sum()) == blocked + seen


def test_nobody_sends_while_the_venue_is_closed() -> None:
    """No intent reaches matching between the change of mode and the reopening."""
    events = play(*BUSY).events
    changes = told(events, ModeChanged)
    closed_ms = next(at_ms for at_ms, e in changes if e.before == "ok") + GATEWAY_MS
    open_ms = next(at_ms for at_ms, e in changes if e.mode == "ok")
    assert [] == [
        e for e in events or () if isinstance(e.data, Fill | IntentRejected) and closed_ms < e.at_ms < open_ms
    ]


def test_delayed_gateway_delays_and_loses_nothing() -> None:
    """Bent by a second, every intent comes a second later; each client's order is kept."""
    usual, late = Stage(*BUSY), Stage(*BUSY)

    def slow(passage: Passage) -> bool:
        passage.delay_ms += 1_000
        return True

    usual.at(20_000)
    with late.world.seams["gateway.send"].bend(slow):
        late.at(21_000)
    assert {c: [(t + 1_000, m) for t, m in seen] for c, seen in reached(usual).items()} == reached(late)


def test_clients_have_lanes_of_their_own() -> None:
    """Each intent is sent on its client's lane, so that ties are shuffled between clients and never within one."""
    stage = Stage(*BUSY).at(5_000)
    drawn = intents(stage)
    senders = {f"client/{client}" for client in drawn.account[drawn.at_ms < 5_000].tolist()}
    assert senders <= set(stage.sim._lanes)
    crowded = [at for at, count in Counter(drawn.at_ms.tolist()).items() if count > 1]
    assert crowded


# ---- L1 --------------------------------------------------------------------------------------------------------------
def test_deposits_land_whatever_the_venue_does_and_withdrawals_need_it() -> None:
    """In MAINTENANCE money arrives on L1 and none is paid out."""
    events = play("population.transfers_per_hour=2000").events
    changes = told(events, ModeChanged)
    closed = range(changes[0][0] + 1, next(at_ms for at_ms, e in changes if e.mode == "ok"))
    during = [e.amount_quantums for at_ms, e in told(events, L1Transferred) if at_ms in closed]
    others = [e.amount_quantums for at_ms, e in told(events, L1Transferred) if at_ms not in closed]
    assert during
    assert min(during) > 0
    assert min(others) < 0 < max(others)


def test_payout_takes_at_most_half_the_free_collateral() -> None:
    """Nobody withdraws himself below his margin; who has nothing free gets nothing."""
    stage = Stage("population.transfers_per_hour=0").at(1)
    world = stage.world
    for account in range(2, world.layout.accounts):
        free = world.cloud.free_collateral(account)
        assert -max(0, free // 2) == world.people._payable(account, 1 << 60)
        assert max(-1_000, -max(0, free // 2)) == world.people._payable(account, 1_000)


def test_transfers_are_credited_to_cloud_and_chain_alike() -> None:
    """After a block every confirmed transfer is in both copies."""
    stage = Stage("population.transfers_per_hour=3600", "population.fills_per_minute=0").at(90_002)
    world = stage.world
    confirmed = [t for t in world.chain.l1.transfers if t[0] <= 90_000]
    assert len(confirmed) > 10
    assert world.chain.holdings.quote.tolist() == world.cloud.holdings.quote.tolist()
    start = world.truth.start_holdings.quote
    credited = np.zeros_like(start)
    for _, account, amount in world.chain.l1.transfers[: world.chain.l1_cursor]:
        credited[account] += amount
    paid = world.chain.holdings.quote - start - credited
    assert int(world.chain.holdings.realised.sum()) == int(paid.sum())


def test_times_of_intents_are_sorted() -> None:
    """The night is played from one sorted list."""
    drawn = intents(Stage(is_started=False))
    assert all(a <= b for a, b in pairwise(drawn.at_ms.tolist()))
