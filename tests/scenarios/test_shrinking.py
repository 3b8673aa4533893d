"""Shrinking on the venue: the zero index becomes one fault, whatever else was going wrong that night."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drydock.harness import registry
from drydock.harness.plan import sample_plan
from drydock.harness.port import Case, Sweep, Threat
from drydock.harness.run import run_case
from drydock.harness.shrink.player import Alone
from drydock.harness.shrink.shrink import shrink
from drydock.harness.signature import Signature, loss_limits, signatures
from drydock.harness.sim import Ties
from drydock.harness.stream import Stream
from drydock.models.kit import VenueKit
from tests.faults.example import AS_HAPPENED
from tests.faults.examples import EXAMPLES
from tests.nights import bench, scenario

KINDS = ("crash", "early_start", "oracle_delay", "slow_load", "stale_read")
ZERO_INDEX = Signature("F3", "funding/ticker", "market")


def _night_of(seed: int) -> Case:
    """Ten faults of five kinds, anywhere: what a search without any hint plays."""
    kit, ungated = VenueKit(), bench(*AS_HAPPENED)
    steps = tuple(kit.anchors(ungated))
    threats = tuple(Threat(kind, steps, tuple(registry.faults()[kind].targets(ungated))) for kind in KINDS)
    wide = replace(ungated, threats=threats, sweep=Sweep("wide", 10, 10))
    return Case(ungated, "calm", sample_plan(wide, Stream(seed, "plan")), seed)


def test_the_zero_index_shrinks_to_one_fault() -> None:
    """Of ten faults under seeded ties one is left, in FIFO order, and without it nothing is reset."""
    kit = VenueKit()
    case = next(case for case in map(_night_of, range(40)) if ZERO_INDEX in signatures(run_case(case, kit)))
    shrunk = shrink(case, ZERO_INDEX, kit, max_time_s=None)

    assert 10 == len(case.plan)
    assert [("slow_load", "funding")] == [(fault.kind, fault.target) for fault in shrunk.case.plan]
    assert Ties("fifo") == shrunk.case.ties
    assert shrunk.is_minimal
    assert shrunk.whole is not None
    assert shrunk.empty is not None
    assert ZERO_INDEX in shrunk.whole - shrunk.empty
    assert shrunk.runs < 150


@pytest.mark.parametrize("kind", [kind for kind in sorted(EXAMPLES) if EXAMPLES[kind].scenario == "bench"])
def test_a_law_by_itself_finds_what_it_finds_among_all(kind: str) -> None:
    """Shrinking folds the law that it asks about, and stops where it knows: the answer is that of the whole night."""
    example, kit = EXAMPLES[kind], VenueKit()
    night = scenario(example.scenario, *example.sets)
    case = Case(night, example.regime, (example.fault,), example.seed)
    player = Alone(kit, night)
    together = frozenset(signatures(run_case(case, kit), loss_limits(kit, night)))

    assert together == player.seen([case])[0]
    for signature in together:
        assert signature in player.seen([case], signature)[0]
        assert not player.seen([case], signature._replace(role="nobody"))[0] & {signature._replace(role="nobody")}
