"""Laws of plans: reading, writing, drawing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, strategies as st

from drydock.harness import registry
from drydock.harness.mistakes import BadFile, Mistakes
from drydock.harness.plan import nothing_to_strike, plan_from_plain, plan_to_plain, read_plan, sample_plan, sample_range
from drydock.harness.port import Range, Scenario
from drydock.harness.scenario import load_scenario
from drydock.harness.stream import Stream

HERE = Path(__file__).parent
registry.load(HERE / "boundary_toy.py")
SEEDS = st.integers(0, 2**32)


def shop() -> Scenario:
    return load_scenario(str(HERE / "shop_morning.yaml"))


SHOP = shop()


def read(folder: Path, text: str, name: str = "plan.yaml") -> Any:
    file = folder / name
    file.write_text(text)
    return read_plan(file, SHOP, registry.kit("shop"))


@given(SEEDS)
def test_a_plan_survives_json(seed: int) -> None:
    """Every field is written in its base unit and read again as it was."""
    plan = sample_plan(SHOP, Stream(seed, "plan"))
    mistakes = Mistakes()
    assert plan == plan_from_plain(json.loads(json.dumps(plan_to_plain(plan))), (), lambda path: "f", mistakes)
    assert 0 == len(mistakes)


@given(SEEDS)
def test_a_drawn_plan_stays_within_its_threats(seed: int) -> None:
    """Number, steps, targets and fields; a field that no threat names keeps the fault's own range."""
    plan = sample_plan(SHOP, Stream(seed, "plan"))
    assert 1 <= len(plan) <= 3
    for fault in plan:
        threat = next(threat for threat in SHOP.threats if threat.kind == fault.kind)
        assert fault.step in threat.steps
        assert fault.target in threat.targets
        for name, (low, high) in threat.ranges.items():
            assert low <= getattr(fault, name) <= high
        if fault.kind == "shop_lose":
            assert 0 <= fault.offset_ms <= 5_000


@given(SEEDS)
def test_a_plan_is_a_function_of_its_stream_alone(seed: int) -> None:
    """Drawn twice it is the same."""
    assert sample_plan(SHOP, Stream(seed, "plan")) == sample_plan(shop(), Stream(seed, "plan"))


def test_every_threat_and_choice_is_drawn_sooner_or_later() -> None:
    """No threat of the design basis goes untried."""
    faults = [fault for seed in range(200) for fault in sample_plan(SHOP, Stream(seed, "plan"))]
    assert {"shop_slow", "shop_lose"} == {fault.kind for fault in faults}
    assert {"flat", "steep"} == {getattr(fault, "shape", "flat") for fault in faults}
    assert {"bread", "milk", "till"} == {fault.target for fault in faults}


def test_without_threats_only_the_empty_plan_is_drawn() -> None:
    """Whatever the sweep says."""
    assert () == sample_plan(replace(SHOP, threats=()), Stream(1, "plan"))


@given(SEEDS, st.integers(0, 10**6), st.integers(0, 10**6), st.booleans())
def test_a_range_is_drawn_within_its_ends(seed: int, low: int, width: int, log: bool) -> None:
    """Uniform or logarithmic."""
    assert low <= sample_range(Range(low, low + width, log), Stream(seed, "x")) <= low + width


def test_a_logarithmic_range_draws_small_values_as_often_as_large_ones() -> None:
    """Each power of two alike, so that milliseconds are tried beside minutes."""
    rng = Stream(7, "x")
    drawn = [sample_range(Range(1, 2**20 - 1, log=True), rng) for _ in range(2_000)]
    below = sum(value < 2**10 for value in drawn)
    assert 900 < below < 1_100


def test_a_plan_file_is_a_list_or_has_one_key(tmp_path: Path) -> None:
    """YAML and JSON alike."""
    text = "{kind: shop_slow, step: open, target: till, delay_ms: 4s}"
    as_json = '[{"kind": "shop_slow", "step": "open", "target": "till", "delay_ms": 4000}]'
    expected = SHOP.reported
    assert expected == read(tmp_path, f"- {text}\n") == read(tmp_path, f"plan:\n  - {text}\n")
    assert expected == read(tmp_path, as_json, "plan.json")


def test_all_mistakes_of_a_plan_are_told_together(tmp_path: Path) -> None:
    """Kind first, then that kind's fields, then step and target; a duplicated key beside them."""
    text = """\
- {kind: shop_slwo, step: open, target: till}
- {kind: shop_slow, step: opne, target: till, delay_ms: 61s, delay_ms: 5, x: 1}
- {kind: shop_lose, step: open, target: till, share_ppm: 0, share: 1}
- {step: open}
- open
"""
    with pytest.raises(BadFile) as caught:
        read(tmp_path, text)
    file = tmp_path / "plan.yaml"
    expected = [
        "1:10: 0.kind: unknown fault kind 'shop_slwo'; did you mean 'shop_slow'?",
        "2:27: 1.step: unknown step 'opne'; did you mean 'open'? allowed: open, unlock",
        "2:57: 1.delay_ms: got '61s'; allowed 0 to 60000 ms",
        "2:62: the key 'delay_ms' is there twice; first at line 2, column 47",
        "2:75: 1.x: unknown key 'x'; allowed: delay_ms, kind, offset_ms, shape, step, target",
        "3:58: 2.share_ppm: got 0; allowed 1 to 1000000 ppm",
        "3:61: 2.share: unknown key 'share'; did you mean 'share_ppm'?",
        "4:3: 3: got a mapping without a kind; allowed kinds: ",
        "5:3: 4: got 'open'; allowed kinds: ",
    ]
    told = [str(mistake).removeprefix(f"{file}:") for mistake in caught.value.mistakes]
    assert len(expected) == len(told)
    assert [] == [line for line, start in zip(told, expected, strict=True) if not line.startswith(start)]


def test_an_unknown_kind_may_be_one_that_was_not_loaded(tmp_path: Path) -> None:
    """Whoever forgot ``--load`` is told of it."""
    with pytest.raises(BadFile, match=r"unknown fault kind 'mine'.*one of your own must be loaded"):
        read(tmp_path, "- {kind: mine, step: open}\n")


def test_a_target_that_the_scenario_lacks_is_told_with_those_it_has(tmp_path: Path) -> None:
    """What a fault can strike is asked of the fault."""
    with pytest.raises(BadFile) as caught:
        read(tmp_path, "- {kind: shop_slow, step: open, target: breed, delay_ms: 1}\n")
    sentence = "0.target: unknown target 'breed'; did you mean 'bread'? allowed: bread, milk, till"
    assert f"{tmp_path / 'plan.yaml'}:1:41: {sentence}" == str(caught.value)


def test_a_plan_that_is_no_list_is_refused(tmp_path: Path) -> None:
    """In one sentence."""
    with pytest.raises(BadFile, match="a plan: got a mapping; allowed a list of faults"):
        read(tmp_path, "a: 1\nb: 2\n")


def test_a_kind_that_strikes_nothing_here_says_what_it_would_strike() -> None:
    """In the words of its ``targets``: a reader learns what his scenario lacks."""

    class Elsewhere:
        kind = "elsewhere"

        @classmethod
        def targets(cls, scenario: Scenario) -> list[str]:
            """Senders that send again, where there are any."""
            return []

    told = (
        "elsewhere has nothing to strike in scenario shop-morning; it strikes senders that send again, where there are"
    )
    assert f"{told} any" == nothing_to_strike(cast(Any, Elsewhere), SHOP)
