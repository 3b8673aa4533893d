"""The venue kit's boundary: every mistake of a file with its place, all of them together; and what a kit offers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drydock.harness.case_file import case_from_json, case_to_json
from drydock.harness.cli.catalogue import KINDS
from drydock.harness.mistakes import BadFile, Mistake
from drydock.harness.run import run_case
from drydock.harness.scenario import load_scenario, packaged_scenarios
from drydock.models.kit import SCENARIOS, VenueKit
from drydock.models.model import model_of, restarted_services, step_names
from tests.nights import bench, case_of, scenario

REGIMES = "regimes: [calm]"
BENCH = (SCENARIOS / "bench.yaml").read_text(encoding="utf-8").partition("regimes:")[0] + REGIMES + "\n"
"""The bench venue without what is feared: each test adds what it needs."""
PLAN = REGIMES + "\nreported: {regime: calm, plan: [{kind: crash, step: resume, target: funding}]}"


def edited(*edits: tuple[str, str]) -> str:
    text = BENCH
    for before, after in edits:
        assert before in text
        text = text.replace(before, after, 1)
    return text


def mistakes_in(text: str, folder: Path) -> list[Mistake]:
    file = folder / "night.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        load_scenario(str(file))
    return list(caught.value.mistakes)


def place_of(part: str, text: str, folder: Path) -> str:
    """``file:line:column`` of a part of the text, which stands there once."""
    before, found, after = text.partition(part)
    assert found
    assert part not in after
    return f"{folder / 'night.yaml'}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


# what is edited, what it becomes, the part at which the mistake is told, words of the message
MISTAKES = [
    pytest.param("mode_matrix: true", "mode_matirx: true", "mode_matirx", "did you mean 'mode_matrix'?", id="key"),
    pytest.param("population:", "popluation:", "popluation", "did you mean 'population'?", id="top-level key"),
    pytest.param("before_ms: 2m", "before_ms: 2 parsec", "2 parsec", "before_ms", id="unit"),
    pytest.param("20000000 USD", "20000000 DM", "20000000 DM", "open_interest_usd", id="currency"),
    pytest.param("PAXG-USD-PERP]", "PAXGUSD]", "PAXGUSD", "did you mean 'PAXG-USD-PERP'?", id="market"),
    pytest.param("file: paradex_markets", "file: pardex_markets", "pardex_m", "packaged are", id="market file"),
    pytest.param(REGIMES, "regimes: [clam]", "clam", "did you mean 'calm'?", id="regime"),
    pytest.param(REGIMES, PLAN.replace("crash", "crahs"), "crahs", "did you mean 'crash'?", id="fault"),
    pytest.param(REGIMES, PLAN.replace("step: resume", "step: resmue"), "resmue", "did you mean 'resume'?", id="step"),
    pytest.param(
        REGIMES, PLAN.replace("target: funding", "target: fundign"), "fundign", "did you mean 'funding'?", id="target"
    ),
    pytest.param(
        REGIMES, PLAN.replace("funding}", "funding, restart_ms: -1s}"), "-1s", "allowed 100 to 60000", id="fault range"
    ),
    pytest.param("{step: snapshot}", "{step: snapshto}", "snapshto", "snapshot", id="kind of step"),
    pytest.param("mode: cancel_only", "mode: cancelonly", "cancelonly", "cancel_only", id="mode"),
    pytest.param("gate: [ready", "gate: [raedy", "raedy", "ready", id="gate"),
    pytest.param("vault, front_page, ", "valut, front_page, ", "valut", "did you mean 'vault'?", id="service"),
    pytest.param("duration_ms: 20s", "duration_ms: -20s", "-20s", "allowed 0 to 86400000", id="negative duration"),
    pytest.param("settle_ms: 1m", "settle_ms: 1m\n  settle_ms: 2m", "settle_ms: 2m", "settle_ms", id="duplicated key"),
    pytest.param("accounts: 20", "accounts: 1", "1\n  makers", "allowed 2 to 200000", id="range"),
    pytest.param(
        "    - {step: resume}", "    - {step: set_mode}\n    - {step: resume}", "{step: set_mode}", "needs mode:",
        id="mode missing",
    ),
    pytest.param(
        "name: post-only, mode: post_only", "name: drain, mode: post_only", "{step: set_mode, name: drain",
        "a second step is named 'drain'", id="second name",
    ),
    pytest.param("{step: drain, dur", "{step: drain, on_fail: wait, dur", "wait, dur", "of verify", id="foreign field"),
    pytest.param("night_ms: 10m", "night_ms: 6m", "6m", "the night ends after 360 s", id="short night"),
    pytest.param(REGIMES, "regimes: [calm, calm]", "calm]", "is there twice", id="regime twice"),
    pytest.param(
        REGIMES, REGIMES + "\npolicy: {limits: [{law: G1}]}", "G1", "unknown law 'G1'", id="limit of a goal"
    ),
    pytest.param(
        "{step: snapshot}", "{step: rollback}", "{step: rollback}", "no snapshot is taken before it", id="no snapshot"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "at", "words"), MISTAKES)
def test_mistake_is_told_at_its_place_with_what_is_allowed(
    before: str, after: str, at: str, words: str, tmp_path: Path
) -> None:
    """``file:line:column`` of the part that is wrong, and nothing else is complained of."""
    text = edited((before, after))
    found = mistakes_in(text, tmp_path)
    assert [place_of(at, text, tmp_path)] == [mistake.place for mistake in found]
    assert words in found[0].message


SERVICES_LATE = (
    "    - {step: start_services, services: [market_data, funding, liquidator, portfolio, vault, front_page, gateway],"
    " duration_ms: 20s}\n"
)


def test_services_that_are_resumed_before_they_start_are_told_at_the_resume(tmp_path: Path) -> None:
    """Trading cannot be resumed on stopped services: the message says which, and which step is missing."""
    text = edited((SERVICES_LATE, ""), ("    - {step: resume}\n", "    - {step: resume}\n" + SERVICES_LATE))
    found = mistakes_in(text, tmp_path)
    assert [place_of("{step: resume}", text, tmp_path)] == [mistake.place for mistake in found]
    waiting = "market_data, funding, liquidator, portfolio, vault, front_page, gateway"
    assert f"before {waiting} is started" in found[0].message
    assert "put a start_services step before it" in found[0].message


def test_services_that_run_are_not_started(tmp_path: Path) -> None:
    """A start without a stop is a slip of the script."""
    text = edited(("[gateway, liquidator, funding,", "[gateway, liquidator,"))
    found = mistakes_in(text, tmp_path)
    assert ["start-services starts funding, which no step stopped before"] == [mistake.message for mistake in found]


def test_scenario_without_a_runbook_is_told_so(tmp_path: Path) -> None:
    """A venue alone is no scenario."""
    head = BENCH[: BENCH.index("runbook:")]
    assert any("runbook: it is missing" in mistake.message for mistake in mistakes_in(head + REGIMES, tmp_path))


def test_operators_who_take_less_than_no_time_are_refused(tmp_path: Path) -> None:
    """The least delay is at most the greatest."""
    branch = "  on_incident: {detect_ms_min: 9m, detect_ms_max: 1m, steps: [{step: wait}]}\n\nregimes"
    found = mistakes_in(edited(("\nregimes", branch)), tmp_path)
    assert ["runbook.on_incident: detect_ms_min is more than detect_ms_max"] == [m.message for m in found]


def test_all_mistakes_of_a_file_are_told_together(tmp_path: Path) -> None:
    """Venue, population, runbook and plan are checked side by side; mistakes come in the order of the file."""
    edits = [
        ("readiness: checksum_verified", "readiness: checksum"),
        ("mode_matrix: true", "mode_matirx: true"),
        ("accounts: 20", "accounts: 1"),
        ("before_ms: 2m", "before_ms: 2 parsec"),
        ("{step: snapshot}", "{step: snapshto}"),
        (REGIMES, PLAN.replace("crash", "crahs")),
    ]
    text = edited(*edits)
    at = ["checksum,", "mode_matirx", "1\n  makers", "2 parsec", "snapshto", "crahs"]
    found = mistakes_in(text, tmp_path)
    assert [place_of(part, text, tmp_path) for part in at] == [mistake.place for mistake in found]


# ---- a venue of one's own -------------------------------------------------------------------------------------------
OWN = """market,imf_pct,price_band_pct,funding_period_h,max_funding_rate_pct_per_period
TULIP-EUR,10,10,8,2
ROSE-EUR,5,5,1,1
"""


def test_own_markets_need_nothing_but_a_file_beside_the_scenario(tmp_path: Path) -> None:
    """A CSV of one's own and one's own durations, by YAML alone: the night runs, and its case knows the file's hash."""
    (tmp_path / "flowers.csv").write_text(OWN, encoding="utf-8")
    text = edited(
        ("file: paradex_markets_2026-01-16.csv", "file: flowers.csv"),
        ("    reference: paradex_reference_2026-01-19.csv\n", ""),
        ("    only: [BTC-USD-PERP, ETH-USD-PERP, PAXG-USD-PERP]\n", ""),
        ("scale_up, duration_ms: 2m", "scale_up, duration_ms: 45s"),
    )
    (tmp_path / "flowers.yaml").write_text(text, encoding="utf-8")
    found = load_scenario(str(tmp_path / "flowers.yaml"))
    assert ("TULIP-EUR", "ROSE-EUR") == model_of(found).markets.names
    assert ["flowers.csv"] == list(found.files)
    result = run_case(case_of(found), VenueKit())
    assert ("", ()) == (result.error, result.findings)


def test_own_market_file_with_mistakes_is_told_with_their_places(tmp_path: Path) -> None:
    """Line and column of the CSV, beside what is wrong in the scenario."""
    (tmp_path / "flowers.csv").write_text(OWN.replace("10,10,8", "10,oops,8"), encoding="utf-8")
    text = edited(("file: paradex_markets_2026-01-16.csv", "file: flowers.csv"), ("accounts: 20", "accounts: 1"))
    places = [mistake.place.rpartition("/")[2] for mistake in mistakes_in(text, tmp_path)]
    assert "flowers.csv:2:14" in places
    assert any(place.startswith("night.yaml:") for place in places)


# ---- what the kit offers --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", sorted(path.stem for path in SCENARIOS.glob("*.yaml")))
def test_packaged_scenario_is_found_by_its_file_and_bears_its_name(name: str) -> None:
    """Name, file and catalogue agree; it has a summary, steps and at least one regime."""
    found = scenario(name)
    assert name == found.name
    assert name in packaged_scenarios()
    assert found.summary
    assert found.regimes
    planned = [step.name for step in VenueKit().steps(found)]
    assert planned == list(step_names(found))[: len(planned)]


def test_planned_steps_of_the_port_are_those_of_the_runbook() -> None:
    """Kinds, durations, and planned times that only grow."""
    steps = VenueKit().steps(bench())
    assert sorted(step.planned_ms for step in steps) == [step.planned_ms for step in steps]
    assert ("scale-up", "scale_up", 130_000, 120_000) == (
        steps[4].name, steps[4].kind, steps[4].planned_ms, steps[4].duration_ms,
    )  # fmt: skip


def test_switches_are_paths_that_settings_can_take() -> None:
    """Each safeguard can be switched off and on by its path, and then says so."""
    for switch in VenueKit().switches(bench()):
        for value, is_on in ((switch.off, False), (switch.on, True)):
            setting = f"{switch.path}={json.dumps(value)}"
            again = next(s for s in VenueKit().switches(load_scenario("bench", [setting])) if s.name == switch.name)
            assert (setting, is_on) == (setting, again.is_on)


def test_case_survives_json() -> None:
    """A case with its scenario, written and read in another place, plays the same night."""
    case = case_of(bench("venue.funding.readiness=process_up"), seed=5)
    again = case_from_json(case_to_json(case))
    assert run_case(case, VenueKit()).digest == run_case(again, VenueKit()).digest


def test_restarted_services_are_those_that_a_step_starts() -> None:
    """In the order of the venue."""
    everything = ("market_data", "funding", "liquidator", "portfolio", "vault", "front_page", "gateway")
    assert everything == restarted_services(bench())


def test_kit_makes_fresh_laws_and_ledgers() -> None:
    """No run sees another's folds."""
    kit = VenueKit()
    first, second = kit.laws(bench()), kit.laws(bench())
    assert [law.id for law in first] == [law.id for law in second]
    assert all(one is not other for one, other in zip(first, second, strict=True))
    assert kit.ledger(bench()) is not kit.ledger(bench())


def test_catalogue_and_schema_name_what_a_file_may_say() -> None:
    """Every step kind, seam and regime has a sentence; the schema is JSON and asks for a runbook."""
    listed = VenueKit().catalogue()
    assert {"steps", "gates", "services", "seams", "regimes", "markets"} <= set(listed)
    assert set() == set(listed) - set(KINDS)  # what a kit lists can be asked for by name
    told = "initial margin 2%, price band 5%, funding every 8 h, at most 2%"
    assert told == dict(listed["markets"])["BTC-USD-PERP"]
    assert all(name and sentence for rows in listed.values() for name, sentence in rows)
    schema = json.loads(json.dumps(VenueKit().schema()))
    assert "runbook" in schema["required"]
    assert set(schema["properties"]) >= {"venue", "population", "runbook", "threats", "policy"}
