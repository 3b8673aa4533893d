"""Laws of loading a scenario, its shared keys and ``--set``."""

from __future__ import annotations

from pathlib import Path

import pytest

from drydock.harness import registry
from drydock.harness.mistakes import BadFile
from drydock.harness.port import Limit, Policy, Sweep
from drydock.harness.scenario import canonical_json, load_scenario, scenario_hash

HERE = Path(__file__).parent
SHOP = str(HERE / "shop_morning.yaml")
registry.load(HERE / "boundary_toy.py")


def mistakes_of(reference: str, *sets: str) -> list[str]:
    with pytest.raises(BadFile) as caught:
        load_scenario(reference, sets)
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.fixture
def only_the_toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The packaged kit belongs to another room."""
    monkeypatch.setattr(registry, "_kit_references", dict)


def test_the_shared_keys_arrive_in_the_harness_s_own_form() -> None:
    """Ratios in ppm, money in quantums, ranges as integers."""
    scenario = load_scenario(SHOP)
    limits = (Limit("L2", 10_000, 0), Limit("L4", 5_000, 1_000_000_000))
    assert Policy("ci", limits, ("theft",), 40) == scenario.policy
    assert Sweep("mornings", 1, 3) == scenario.sweep
    assert {"delay_ms": (1_000, 30_000), "offset_ms": (-1_000, -1_000)} == scenario.threats[0].ranges
    assert ("flat", ("flat", "crash"), str(HERE)) == (scenario.reported_regime, scenario.regimes, scenario.folder)


@pytest.mark.usefixtures("only_the_toy")
def test_a_scenario_is_found_by_its_name_and_a_name_by_its_likeness() -> None:
    """A name is no path: a file of the same name in the current folder does not shadow it."""
    assert load_scenario(SHOP) == load_scenario("shop-morning")
    expected = "shop-mornin: there is no scenario of this name; did you mean 'shop-morning'? allowed: shop-morning"
    assert [expected + "; or give a file, such as ./shop-mornin.yaml"] == mistakes_of("shop-mornin")


def test_a_setting_is_as_good_as_an_edit_of_the_file(tmp_path: Path) -> None:
    """The hash is of what runs, whichever way it was said."""
    edited = tmp_path / "shop.yaml"
    edited.write_text(Path(SHOP).read_text().replace("duration_ms: 2s", "duration_ms: 3s"))
    by_edit, by_set = load_scenario(str(edited)), load_scenario(SHOP, ["runbook.0.duration_ms=3s"])
    assert (by_edit.hash, by_edit.venue) == (by_set.hash, by_set.venue)
    assert load_scenario(SHOP).hash != by_set.hash
    assert 3_000 == by_set.venue["steps"][0].duration_ms


def test_a_setting_may_add_a_key_that_is_allowed() -> None:
    """And a whole list or mapping."""
    scenario = load_scenario(SHOP, ["reported.plan=[]", "sweep={name: two, faults: [2, 2]}", "policy.least=50"])
    assert ((), Sweep("two", 2, 2), 50) == (scenario.reported, scenario.sweep, scenario.policy.least_runs)


def test_what_is_wrong_with_a_setting_is_told_at_the_setting() -> None:
    """With what is allowed there, all settings together."""
    sets = ("policy.levle=ci", "runbook.7.name=x", "name.x=1", "runbook.0.duration_ms=-2s", "bare", "sweep.faults=0.5")
    duration = "runbook.0.duration_ms: got '-2s'; allowed 0 or more ms"
    expected = [
        "--set bare: allowed is PATH=VALUE, e.g. policy.level=ci",
        "--set name.x: name is 'shop-morning' and has no 'x'",
        "--set policy.levle: policy.levle: unknown key 'levle'; did you mean 'level'? "
        "allowed: least, level, limits, refunds",
        f"--set runbook.0.duration_ms: {duration}",
        "--set runbook.7.name: runbook is a list and has no '7'; allowed: 0 to 1",
        "--set sweep.faults: value '0.5': 0.5 is no whole number; "
        "give it a unit, as in 20%, 0.5s or $0.5, or write a whole number",
    ]
    assert expected == mistakes_of(SHOP, *sets)


def test_all_mistakes_of_a_scenario_are_told_together(tmp_path: Path) -> None:
    """Of the reader, of the shared keys, and of the kit's own."""
    file = tmp_path / "bad.yaml"
    file.write_text("""\
name: bad
kit: shop
regimes: [flat, flatt]
on: 3
shelves: [bread]
shelves: [milk]
runbook:
  - {name: open, duration_ms: -5}
reported:
  regime: calm
  plan:
    - {kind: shop_slow, step: opne, target: till, delay_ms: 1}
threats:
  - {kind: shop_lose, steps: [opn], targets: [], share_ppm: [20%, 1%], y: 2}
sweep: {name: x, faults: [3, 1]}
policy:
  level: cii
  refunds: [thft]
  limits:
    - {law: L9}
accepted:
  - {law: L8, reason: r, owner: o, expires: soon}
""")
    own = "accepted, kit, name, policy, prices_csv, regimes, reported, runbook, shelves, summary, sweep, threats"
    expected = [
        "3:17: regimes.1: unknown regime 'flatt'; did you mean 'flat'? allowed: crash, flat",
        f"4:1: on: unknown key 'on'; allowed: {own}",
        "6:1: the key 'shelves' is there twice; first at line 5, column 1",
        "8:31: runbook.0.duration_ms: got -5; allowed 0 or more ms",
        "10:11: reported.regime: unknown regime 'calm'; allowed: crash, flat",
        "12:31: reported.plan.0.step: unknown step 'opne'; did you mean 'open'? allowed: open",
        "14:31: threats.0.steps.0: unknown step 'opn'; did you mean 'open'? allowed: open",
        "14:46: threats.0: the list 'targets' is missing or empty",
        "14:61: threats.0.share_ppm: '20%' is more than '1%'",
        "14:72: threats.0.y: unknown key 'y'; allowed: kind, offset_ms, share_ppm, steps, targets",
        "17:10: policy.level: got 'cii'; did you mean 'ci'? allowed: ci, evening, smoke",
        "18:13: policy.refunds.0: unknown kind of harm 'thft'; did you mean 'theft'? allowed: theft",
        "20:13: policy.limits.0.law: unknown law 'L9'; allowed: L1, L2, L4",
        "22:11: accepted.0.law: unknown law 'L8'; allowed: L1, L2, L4",
        "22:45: accepted.0.expires: got 'soon'; allowed a date such as 2026-12-31",
    ]
    told = [line.removeprefix(f"{file}:") for line in mistakes_of(str(file))]
    assert expected == told


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("policy.limits=[{law: L1}]", "policy.limits.0: L1 is a safety law and has no limit: one violation is a NO-GO"),
        ("policy.limits=[{law: L2, usd_max: 5}]", "policy.limits.0.usd_max: L2 is a service law; allowed: share_max"),
        ("policy.limits=[{law: L2}, {law: L2}]", "policy.limits.1: L2 has a limit already"),
        ("sweep.faults=[3, 1]", "sweep.faults: 3 is more than 1"),
        ("sweep.faults=[0, 0]", "sweep.faults: there are threats, and at most 0 of them would strike"),
        ("regimes=[flat, flat]", "regimes.1: 'flat' is there twice; seeds are dealt evenly over them"),
        ("name=''", "name: got ''; allowed one line of text"),
        (
            "accepted=[{law: L1, reason: '', owner: o, expires: 2026-12-31}]",
            "accepted.0.reason: it is empty; a risk is taken by somebody, for a reason",
        ),
        ('name="a\\nb"', "name: got 'a\\nb'; allowed one line of text"),
        ("sweep=null", "threats: they need a sweep, such as sweep: {name: first, faults: [1, 2]}"),
        ("regimes=[]", "regimes: the list is empty; allowed: flat, crash"),
        ("kit=shoop", "kit: unknown kit 'shoop'; did you mean 'shop'?"),
        ("reported.plan.0.target=tilt", "reported.plan.0.target: unknown target 'tilt'; did you mean 'till'?"),
        ("threats.1.targets=[breed]", "threats.1.targets.0: unknown target 'breed'; did you mean 'bread'?"),
    ],
)
def test_what_contradicts_itself_is_refused(setting: str, sentence: str) -> None:
    """A limit on a safety law, a sweep that counts backwards, a target that is not there."""
    told = mistakes_of(SHOP, setting)
    assert 1 == len(told)
    assert sentence in told[0]


def test_a_scenario_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    """In one sentence, with its place."""
    file = tmp_path / "list.yaml"
    file.write_text("- a\n")
    assert [f"{file}:1:1: got a list; a scenario is a mapping that begins with its name"] == mistakes_of(str(file))


def test_equal_data_has_one_hash_whatever_the_order_of_its_keys() -> None:
    """And no float ever enters it."""
    assert scenario_hash({"a": 1, "b": [True, None]}) == scenario_hash({"b": [True, None], "a": 1})
    assert '{"a":"\\u00e9","b":1}' == canonical_json({"b": 1, "a": "é"})
