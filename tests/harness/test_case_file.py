"""Laws of case files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from drydock.harness import registry
from drydock.harness.case_file import case_from_json, case_to_json, case_to_plain, read_case
from drydock.harness.mistakes import BadFile
from drydock.harness.plan import sample_plan
from drydock.harness.port import Case
from drydock.harness.scenario import load_scenario
from drydock.harness.sim import Ties
from drydock.harness.stream import Stream

HERE = Path(__file__).parent
registry.load(HERE / "boundary_toy.py")
SHOP = load_scenario(os.path.relpath(HERE / "shop_morning.yaml"))
LAGGARD = ("till/loader", "load", 3)


@pytest.fixture(autouse=True, scope="module")
def _only_the_toy() -> Any:
    """The packaged kit belongs to another room, and its scenarios are not looked through."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_kit_references", dict)
        patch.setattr(registry.kit("shop").__class__, "scenarios", lambda self: {})
        yield


def mistakes_of(text: str) -> list[str]:
    with pytest.raises(BadFile) as caught:
        case_from_json(text)
    return [str(mistake) for mistake in caught.value.mistakes]


@given(st.integers(0, 2**64 - 1), st.sampled_from(["flat", "crash"]), st.booleans())
def test_a_case_survives_json(seed: int, regime: str, is_fifo: bool) -> None:
    """Scenario, regime, plan, seed, ties and laggards; equal cases have equal texts."""
    ties = Ties("fifo", (LAGGARD,)) if is_fifo else Ties()
    case = Case(SHOP, regime, sample_plan(SHOP, Stream(seed, "plan")), seed, ties)
    text = case_to_json(case)
    again = case_from_json(text)
    assert case == again
    assert text == case_to_json(again)


def plain() -> dict[str, Any]:
    case = Case(SHOP, "flat", SHOP.reported, 7, Ties("fifo", (LAGGARD,)))
    return json.loads(json.dumps(case_to_plain(case)))  # type: ignore[no-any-return]  # an object, by construction


def test_a_laggard_is_written_as_its_identity() -> None:
    """As every message prints it."""
    assert {"mode": "fifo", "laggards": ["till/loader:load#3"]} == plain()["ties"]


def test_a_file_of_another_schema_gets_one_sentence() -> None:
    """A regression or a trace is not told key by key that it is no case."""
    assert ['case:1:1: is no case: it has no "schema": "drydock.case/1"'] == mistakes_of("{}")
    told = mistakes_of('{"schema": "drydock.regression/1", "x": 1}')
    assert ["case:1:12: schema: 'drydock.regression/1' is not read here; allowed: drydock.case/1"] == told


def test_all_mistakes_of_a_case_are_told_together() -> None:
    """Those of its keys first, as without them there is no scenario to check against."""
    data = plain() | {"seed": -1, "tise": 1}
    data["ties"]["laggards"] = ["till/loader"]
    told = [line.split(": ", 1)[1] for line in mistakes_of(json.dumps(data))]
    assert [
        "seed: got -1; allowed 0 to 18446744073709551615",
        "ties.laggards.0: 'till/loader' is no identity; it reads lane:kind#n, e.g. funding/ticker:tick#3",
        "tise: unknown key 'tise'; did you mean 'ties'? "
        "allowed: files, folder, plan, regime, scenario, schema, seed, ties",
    ] == sorted(told)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("regime", "calm", "regime: unknown regime 'calm'; allowed: crash, flat"),
        ("ties", {"mode": "seeded", "laggards": ["a:b#1"]}, "ties.laggards: laggards need mode fifo"),
        ("plan", [{"kind": "shop_slw"}], "plan.0.kind: unknown fault kind 'shop_slw'; did you mean 'shop_slow'?"),
        ("scenario", {"kit": "shoop"}, "kit: unknown kit 'shoop'; did you mean 'shop'?"),
    ],
)
def test_a_case_is_checked_against_its_own_scenario(key: str, value: Any, sentence: str) -> None:
    """Regime, ties, plan, and the scenario itself."""
    told = mistakes_of(json.dumps(plain() | {key: value}))
    assert 1 == len(told)
    assert sentence in told[0]


def test_a_mistake_in_the_embedded_scenario_has_its_place_in_the_case_file(tmp_path: Path) -> None:
    """Line and column are those of the JSON that is read."""
    data = plain()
    data["scenario"]["shelfs"] = 1
    file = tmp_path / "case.json"
    file.write_text(json.dumps(data, indent=2))
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if "shelfs" in text)
    with pytest.raises(BadFile) as caught:
        read_case(file)
    assert str(caught.value).startswith(f"{file}:{line}:5: shelfs: unknown key 'shelfs'; did you mean 'shelves'?")


# ---- files that a case names ----------------------------------------------------------------------------------------
@pytest.fixture
def priced(tmp_path: Path) -> Path:
    """A case file whose scenario, in another folder, names a CSV file."""
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "prices.csv").write_text("bread,1\n")
    (shop / "shop.yaml").write_text((HERE / "shop_morning.yaml").read_text() + "prices_csv: prices.csv\n")
    scenario = load_scenario(str(shop / "shop.yaml"))
    file = tmp_path / "case.json"
    file.write_text(case_to_json(Case(scenario, "flat", (), 7)))
    return file


def test_a_file_is_named_with_its_hash_and_never_embedded(priced: Path) -> None:
    """It may be a customer's, and so may the path of the machine."""
    text = priced.read_text()
    assert 32 == len(json.loads(text)["files"]["prices.csv"])
    assert "bread,1" not in text
    assert str(priced.parent) not in text


def test_a_file_is_found_beside_the_case(priced: Path) -> None:
    """Wherever both were carried."""
    (priced.parent / "prices.csv").write_text("bread,1\n")
    assert str(priced.parent) == read_case(priced).scenario.folder


def test_a_file_is_found_where_the_scenario_lay(priced: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the folder in which the case was written."""
    monkeypatch.chdir(priced.parent)
    priced.write_text(case_to_json(Case(load_scenario("shop/shop.yaml"), "flat", (), 7)))
    assert "shop" == json.loads(priced.read_text())["folder"] == read_case(priced).scenario.folder


def test_a_file_that_is_missing_or_has_changed_is_told(priced: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The case would be another one; the message says what to do."""
    monkeypatch.chdir(priced.parent)
    with pytest.raises(BadFile, match=r"prices_csv: no file 'prices\.csv' beside the scenario"):
        read_case(priced)
    (priced.parent / "prices.csv").write_text("bread,2\n")
    with pytest.raises(BadFile, match=r"files: prices.csv has changed since the case was written"):
        read_case(priced)


def test_a_file_that_changed_where_the_command_is_given_is_told_as_changed(
    priced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there: to call it missing would send the reader looking for it."""
    (priced.parent / "shop" / "prices.csv").write_text("bread,2\n")
    monkeypatch.chdir(priced.parent / "shop")
    with pytest.raises(BadFile, match=r"files: prices.csv has changed since the case was written"):
        read_case(priced)


def test_a_file_is_found_from_any_folder_beside_the_cache(priced: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case in ``.drydock/cases`` is replayed by its full path from elsewhere."""
    cases = priced.parent / "shop" / ".drydock" / "cases"
    cases.mkdir(parents=True)
    kept = cases / "case.json"
    kept.write_text(priced.read_text())
    monkeypatch.chdir("/")
    assert (priced.parent / "shop").samefile(read_case(kept).scenario.folder)


def test_a_verdict_is_told_to_be_no_case(tmp_path: Path) -> None:
    """One sentence, though it has numbers with a point, which no case has."""
    file = tmp_path / "verdict.json"
    file.write_text('{"schema": "drydock.verdict/1", "p": 0.5, "q": 0.25}')
    with pytest.raises(BadFile) as caught:
        read_case(file)
    assert [f"{file}:1:12: schema: 'drydock.verdict/1' is not read here; allowed: drydock.case/1"] == [
        str(mistake) for mistake in caught.value.mistakes
    ]
