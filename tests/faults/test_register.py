"""What holds for every fault that there is: the folder listing is the register."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from simpy import Interrupt

from drydock.faults.crash import Crash
from drydock.faults.early_start import EarlyStart
from drydock.faults.oracle_delay import OracleDelay
from drydock.faults.slow_load import SlowLoad
from drydock.faults.stale_read import StaleRead
from drydock.harness import registry
from drydock.harness.mistakes import Mistakes
from drydock.harness.plan import plan_from_plain, plan_to_plain, sample_range
from drydock.harness.port import Fault, Scenario
from drydock.harness.result import RunResult
from drydock.harness.run import FaultHealed, FaultInjected
from drydock.harness.sim import Steps
from drydock.harness.stream import Stream
from drydock.harness.typed import ranges_of
from drydock.models.model import step_names
from drydock.models.world import VenueWorld
from tests.faults.example import AS_HAPPENED, Example
from tests.faults.examples import EXAMPLES
from tests.nights import bench, of, play, scenario

FAULTS = {kind: cls for kind, cls in registry.faults().items() if cls.__module__.startswith("drydock.faults.")}
KINDS = sorted(FAULTS)
IDLE: list[Fault] = [
    SlowLoad(step="resume", target="funding"),
    SlowLoad(step="start-services", target="funding", mean_ms=1, sigma_ppm=0),
    StaleRead(step="resume", target="funding"),
    StaleRead(step="start-services", target="vault", stale_ms=0),
    StaleRead(step="start-services", target="funding", stale_ms=0),
    OracleDelay(step="resume", target="spot", delay_ms=0),
    OracleDelay(step="start-services", target="external-2", delay_ms=0),
    OracleDelay(step="scale-up", target="spot", delay_ms=60_000, lasts_ms=60_000),
    EarlyStart(step="maintenance", target="funding", early_ms_max=60_000),
    EarlyStart(step="resume", target="vault", early_ms_max=10_000),
    Crash(step="scale-up", target="funding"),
    Crash(step="stop-services", target="gateway", offset_ms=30_000),
]
"""Faults with nothing to do: nothing passes where they bend, what they add is zero, or what they would do is done."""


def place(kind: str) -> Scenario:
    """The scenario of this kind's example."""
    found: Scenario = scenario(EXAMPLES[kind].scenario, *EXAMPLES[kind].sets)
    return found


def drawn(kind: str, seed: int, at: Scenario | None = None) -> Fault:
    """A fault of this kind with every field drawn from its own range, at a step and target that there are."""
    cls, rng, at = FAULTS[kind], Stream(seed, f"tests/{kind}"), at or place(kind)
    targets, steps = cls.targets(at), step_names(at)
    fields = {name: sample_range(bounds, rng) for name, bounds in ranges_of(cls).items()}
    made: Fault = cls(step=steps[rng.below(len(steps))], target=targets[rng.below(len(targets))], **fields)  # type: ignore[call-arg]
    return made


def night(example: Example, *plan: Fault, seed: int | None = None) -> RunResult:
    """A whole night of the example's venue with this plan."""
    seed = example.seed if seed is None else seed
    return play(*example.sets, plan=plan, seed=seed, regime=example.regime, name=example.scenario)


def test_every_fault_has_an_example() -> None:
    """One file, one fault; each is tried by all that is in this file."""
    assert list(FAULTS) == sorted(EXAMPLES)


@pytest.mark.parametrize("words", ["restart race", "stale read", "oracle delay"])
def test_catalogue_answers_to_the_words_of_the_story(words: str) -> None:
    """Somebody who searches for what he read in the press finds a fault."""
    assert [] != [kind for kind, cls in FAULTS.items() if words in cls.keywords]


@pytest.mark.parametrize("kind", FAULTS)
def test_fault_says_what_it_is(kind: str) -> None:
    """A sentence, keywords, and a range for every number it holds."""
    cls = FAULTS[kind]
    assert cls.sentence
    assert not cls.sentence.endswith(".")
    numbers = {name for name, value in vars_of(EXAMPLES[kind].fault).items() if isinstance(value, int)}
    assert numbers == set(ranges_of(cls))
    assert all(bounds.low <= bounds.high for bounds in ranges_of(cls).values())


def vars_of(fault: Fault) -> dict[str, object]:
    return {name: getattr(fault, name) for name in type(fault).__dataclass_fields__}  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", FAULTS)
def test_fault_survives_json(kind: str, seed: int) -> None:
    """Written, read and written again it is the same fault."""
    plan = (drawn(kind, seed), EXAMPLES[kind].fault)
    mistakes = Mistakes()
    text = json.dumps(plan_to_plain(plan))
    assert plan == plan_from_plain(json.loads(text), ("plan",), lambda path: "here", mistakes)
    assert [] == list(mistakes)


@pytest.mark.parametrize("kind", FAULTS)
def test_fault_is_applicable_where_its_step_and_target_are(kind: str) -> None:
    """Without its step, or without its target, it says no."""
    fault, at = EXAMPLES[kind].fault, place(kind)
    assert fault.applicable(at)
    assert not replace(fault, step="no-such-step").applicable(at)  # type: ignore[type-var]
    assert not replace(fault, target="nobody").applicable(at)  # type: ignore[type-var]


def test_fault_on_a_service_that_is_not_restarted_is_not_applicable() -> None:
    """A runbook that never restarts the funding engine gives a slow load nothing to strike."""
    only = "runbook.steps.5.services=[market_data, liquidator, portfolio, vault, gateway]"
    kept = "runbook.steps.3.services=[gateway, liquidator, market_data, portfolio, vault]"
    scenario = bench(only, kept, "reported.plan=[]", "threats=[]")
    for kind in ("slow_load", "early_start"):
        assert not EXAMPLES[kind].fault.applicable(scenario)


@pytest.mark.parametrize("kind", FAULTS)
def test_simpler_faults_are_different_and_come_to_an_end(kind: str) -> None:
    """Shrinking by the first simpler variant ends, and never leaves the kind."""
    fault, seen = drawn(kind, 9), 0
    while variants := list(fault.simpler()):
        assert fault not in variants
        fault, seen = variants[0], seen + 1
        assert (kind, True) == (fault.kind, seen < 60)


# ---- in a night -----------------------------------------------------------------------------------------------------
def exercised(result: RunResult) -> list[bool]:
    return [evidence.exercised for evidence in result.evidence]


@pytest.mark.parametrize("kind", FAULTS)
def test_fault_is_exercised_and_matters_at_least_once(kind: str) -> None:
    """On its example's venue each fault meets an operation and changes the night."""
    example = EXAMPLES[kind]
    result = night(example, example.fault)
    assert [True] == exercised(result)
    assert night(example).digest != result.digest


@pytest.mark.parametrize("fault", IDLE, ids=repr)
def test_fault_that_does_nothing_leaves_digest_and_ledger(fault: Fault) -> None:
    """The empty plan's digest, findings and entries: no draw of anybody is shifted by its being there."""
    usual, idle = play(*AS_HAPPENED, seed=3), play(*AS_HAPPENED, plan=(fault,), seed=3)
    assert usual.digest == idle.digest
    assert usual.entries == idle.entries
    assert usual.findings == idle.findings


@pytest.mark.parametrize("fault", [fault for fault in IDLE if isinstance(fault, EarlyStart | Crash)], ids=repr)
def test_start_and_crash_are_not_exercised_where_there_is_nothing_to_do(fault: Fault) -> None:
    """Starting what runs and killing what does not is no operation: no evidence, no event."""
    result = play(*AS_HAPPENED, plan=(fault,))
    assert [False] == exercised(result)
    assert [] == of(result.events, FaultInjected)


@pytest.mark.parametrize("kind", ["slow_load", "stale_read"])
def test_bend_that_nothing_passes_is_not_exercised(kind: str) -> None:
    """After the restart no row is loaded: the seam is bent, and nothing met it."""
    assert [False] == exercised(
        play(*AS_HAPPENED, plan=(replace(EXAMPLES[kind].fault, step="resume", target="funding"),))
    )  # type: ignore[type-var]


def test_no_fault_shifts_the_effect_of_another() -> None:
    """A fault that does nothing, before or after a harmful one, leaves that one's night as it is."""
    harm = EXAMPLES["slow_load"].fault
    alone = play(*AS_HAPPENED, plan=(harm,), seed=2)
    for idle in (SlowLoad(step="resume", target="funding"), Crash(step="scale-up", target="funding")):
        assert alone.digest == play(*AS_HAPPENED, plan=(idle, harm), seed=2).digest
        assert alone.digest == play(*AS_HAPPENED, plan=(harm, idle), seed=2).digest


def pairs() -> list[tuple[str, str]]:
    """Each kind with itself, and with three others of the ring of all kinds."""
    return [(kind, KINDS[(n + step) % len(KINDS)]) for n, kind in enumerate(KINDS) for step in (0, 1, 7, 19)]


@pytest.mark.parametrize(("first", "second"), pairs())
def test_faults_overlap_heal_and_leave_nothing(first: str, second: str) -> None:
    """Any two drawn faults, of one kind or two, at work at once: the night ends, every seam is released, all is told.

    The run itself insists that nothing stays bent; a fault that interfered has both a begin and an end.
    """
    example, other = EXAMPLES[first], FAULTS[second]
    at = place(first)
    plan = (drawn(first, 1), drawn(second, 101, at) if other.targets(at) else EXAMPLES[second].fault)
    result = night(example, *plan)
    injected, healed = of(result.events, FaultInjected), of(result.events, FaultHealed)
    assert sorted(e.number for e in injected) == sorted(e.number for e in healed)
    assert {e.number for e in injected} >= {e.index for e in result.evidence if e.exercised}


def until_interrupted(fault: Fault, world: VenueWorld) -> Steps:
    with suppress(Interrupt):
        yield from fault.inject(world)


@pytest.mark.parametrize("kind", KINDS)
def test_fault_that_is_interrupted_releases_all_it_bent(kind: str) -> None:
    """Whenever the window closes on it: a minute, a second and no time at all after its moment."""
    example = EXAMPLES[kind]
    for lasting_ms in (0, 1_000, 60_000):
        world = example.world()
        process = world.sim.spawn("fault/0", until_interrupted(example.fault, world))
        world.sim.run_until(example.moment_ms() + lasting_ms)
        if process.is_alive:
            process.interrupt("healed")
        world.sim.run_until(world.sim.now_ms + 1)
        assert [] == world.seams.bent()
