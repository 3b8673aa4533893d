"""What holds for every fault that there is: the folder listing is the register."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from drydock.faults.crash import Crash
from drydock.faults.early_start import EarlyStart
from drydock.faults.oracle_delay import OracleDelay
from drydock.faults.slow_load import SlowLoad
from drydock.faults.stale_read import StaleRead
from drydock.harness import registry
from drydock.harness.mistakes import Mistakes
from drydock.harness.plan import plan_from_plain, plan_to_plain, sample_range
from drydock.harness.port import Fault
from drydock.harness.result import RunResult
from drydock.harness.run import FaultHealed, FaultInjected
from drydock.harness.stream import Stream
from drydock.harness.typed import ranges_of
from drydock.models.model import step_names
from tests.nights import bench, of, play

FAULTS = {kind: cls for kind, cls in registry.faults().items() if cls.__module__.startswith("drydock.faults.")}
AS_HAPPENED = (
    "venue.funding.readiness=process_up",
    "venue.safeguards.price_freshness=null",
    "runbook.steps.6.gate=[processes_up]",
    "venue.oracle.tick_ms=1s",
)
HARMFUL: dict[str, Fault] = {
    "crash": Crash(step="resume", target="funding", offset_ms=5_000, restart_ms=2_000),
    "early_start": EarlyStart(step="start-services", target="funding", early_ms_max=60_000),
    "oracle_delay": OracleDelay(step="start-services", target="spot", delay_ms=30_000),
    "slow_load": SlowLoad(step="start-services", target="funding", mean_ms=9_000),
    "stale_read": StaleRead(step="start-services", target="vault", stale_ms=60_000),
}
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


def drawn(kind: str, seed: int) -> Fault:
    """A fault of this kind with every field drawn from its own range, at a step and target that there are."""
    cls, rng = FAULTS[kind], Stream(seed, f"tests/{kind}")
    targets, steps = cls.targets(bench()), step_names(bench())
    fields = {name: sample_range(bounds, rng) for name, bounds in ranges_of(cls).items()}
    made: Fault = cls(step=steps[rng.below(len(steps))], target=targets[rng.below(len(targets))], **fields)  # type: ignore[call-arg]
    return made


def test_register_has_the_five_faults() -> None:
    """One file, one fault; each of them is tried in this file."""
    assert ["crash", "early_start", "oracle_delay", "slow_load", "stale_read"] == list(FAULTS)
    assert list(FAULTS) == sorted(HARMFUL)


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
    numbers = {name for name, value in vars_of(HARMFUL[kind]).items() if isinstance(value, int)}
    assert numbers == set(ranges_of(cls))
    assert all(bounds.low <= bounds.high for bounds in ranges_of(cls).values())


def vars_of(fault: Fault) -> dict[str, object]:
    return {name: getattr(fault, name) for name in type(fault).__dataclass_fields__}  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", FAULTS)
def test_fault_survives_json(kind: str, seed: int) -> None:
    """Written, read and written again it is the same fault."""
    plan = (drawn(kind, seed), HARMFUL[kind])
    mistakes = Mistakes()
    text = json.dumps(plan_to_plain(plan))
    assert plan == plan_from_plain(json.loads(text), ("plan",), lambda path: "here", mistakes)
    assert [] == list(mistakes)


@pytest.mark.parametrize("kind", FAULTS)
def test_fault_is_applicable_where_its_step_and_target_are(kind: str) -> None:
    """Without its step, or without its target, it says no."""
    fault = HARMFUL[kind]
    assert fault.applicable(bench())
    assert not replace(fault, step="no-such-step").applicable(bench())  # type: ignore[type-var]
    assert not replace(fault, target="nobody").applicable(bench())  # type: ignore[type-var]


def test_fault_on_a_service_that_is_not_restarted_is_not_applicable() -> None:
    """A runbook that never restarts the funding engine gives a slow load nothing to strike."""
    only = "runbook.steps.5.services=[market_data, liquidator, portfolio, vault, gateway]"
    kept = "runbook.steps.3.services=[gateway, liquidator, market_data, portfolio, vault]"
    scenario = bench(only, kept, "reported.plan=[]", "threats=[]")
    for kind in ("slow_load", "early_start"):
        assert not HARMFUL[kind].applicable(scenario)


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
    """On the bench venue as happened each fault meets an operation and changes the night."""
    result = play(*AS_HAPPENED, plan=(HARMFUL[kind],))
    assert [True] == exercised(result)
    assert play(*AS_HAPPENED).digest != result.digest


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
    assert [False] == exercised(play(*AS_HAPPENED, plan=(replace(HARMFUL[kind], step="resume", target="funding"),)))  # type: ignore[type-var]


def test_no_fault_shifts_the_effect_of_another() -> None:
    """A fault that does nothing, before or after a harmful one, leaves that one's night as it is."""
    harm = HARMFUL["slow_load"]
    alone = play(*AS_HAPPENED, plan=(harm,), seed=2)
    for idle in (SlowLoad(step="resume", target="funding"), Crash(step="scale-up", target="funding")):
        assert alone.digest == play(*AS_HAPPENED, plan=(idle, harm), seed=2).digest
        assert alone.digest == play(*AS_HAPPENED, plan=(harm, idle), seed=2).digest


PAIRS: list[Sequence[str]] = [(a, b) for a in FAULTS for b in FAULTS]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_faults_overlap_heal_and_leave_nothing(first: str, second: str) -> None:
    """Any two drawn faults, of one kind or two, at work at once: the night ends, every seam is released, all is told.

    The run itself insists that nothing stays bent; a fault that interfered has both a begin and an end.
    """
    for seed in range(2):
        plan = (drawn(first, seed), drawn(second, seed + 100))
        result = play(*AS_HAPPENED, plan=plan, seed=seed)
        injected, healed = of(result.events, FaultInjected), of(result.events, FaultHealed)
        assert sorted(e.number for e in injected) == sorted(e.number for e in healed)
        assert {e.number for e in injected} >= {e.index for e in result.evidence if e.exercised}
