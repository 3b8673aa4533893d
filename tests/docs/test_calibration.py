"""The calibration file of the Paradex night: every free parameter, as the scenario has it, and two of them fitted."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from drydock.harness.port import Scenario
from drydock.harness.scenario import load_scenario
from drydock.harness.units import parse_quantity, unit_of
from drydock.models.model import model_of
from drydock.models.runbook_spec import StepSpec

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs" / "incidents" / "paradex-calibration.csv"
NAME = "paradex-2026-01-19"
COLUMNS = ["parameter", "value", "tag", "fitted", "source"]
TAGS = {"[S]", "[P]", "[I]", "[A]"}
FITTED = ["population.accounts", "population.traders.squeezes_per_hour"]
STEP_NUMBERS = ("duration_ms", "timeout_ms", "keep")
"""What of a step is a parameter, where the step has it; the rest of it says which step it is."""

Row = dict[str, str]
Rows = list[Row]


def committed() -> Rows:
    """The rows of the file, each by its columns."""
    with FILE.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# ---- what there is --------------------------------------------------------------------------------------------------
def parts_of(scenario: Scenario) -> dict[str, Any]:
    """What parameters belong to, by the first word of their path."""
    model = model_of(scenario)
    reported = {"regime": scenario.reported_regime, "plan": scenario.reported}
    return {"venue": model.venue, "population": model.population, "runbook": model.runbook, "reported": reported}


def leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """(path as ``--set`` takes it, value) of every parameter below; of a step only its numbers."""
    if isinstance(value, StepSpec):
        yield from ((f"{path}.{name}", getattr(value, name)) for name in STEP_NUMBERS if is_given(value, name))
    elif is_dataclass(value):
        for field in fields(value):
            yield from leaves(f"{path}.{field.name}", getattr(value, field.name))
    elif isinstance(value, dict):
        for name, held in value.items():
            yield from leaves(f"{path}.{name}", held)
    elif isinstance(value, tuple) and value and is_dataclass(value[0]):
        for place, held in enumerate(value):
            yield from leaves(f"{path}.{place}", held)
    else:
        yield path, value


def is_given(step: StepSpec, name: str) -> bool:
    """A length that is not zero, a timeout where there is a gate, kinds of orders where some are kept."""
    return bool(step.gate) if name == "timeout_ms" else bool(getattr(step, name))


def parameters(scenario: Scenario) -> dict[str, Any]:
    """Every parameter of a scenario. A file of positions would take the place of drawn people, and is none."""
    found = dict(leaf for name, part in parts_of(scenario).items() for leaf in leaves(name, part))
    anchors = {"population.file"} | {
        path for path in found if re.fullmatch(r"reported\.plan\.\d+\.(step|target)", path)
    }
    return {path: value for path, value in found.items() if path not in anchors}


def is_constant(path: str) -> bool:
    """``models/people.py:GATEWAY_MS``: of the code, where ``--set`` does not reach."""
    return ":" in path


# ---- what may be wrong ----------------------------------------------------------------------------------------------
def unlisted(rows: Rows) -> Iterator[str]:
    """Parameters without a row, rows without a parameter, and what is listed twice."""
    named = [row["parameter"] for row in rows if not is_constant(row["parameter"])]
    there = parameters(load_scenario(NAME))
    yield from (f"{path}: not listed" for path in there if path not in named)
    yield from (f"{path}: there is no such parameter" for path in named if path not in there)
    yield from (f"{path}: listed twice" for path in sorted(set(named)) if named.count(path) > 1)


def other_values(rows: Rows) -> Iterator[str]:
    """Rows whose value, put in with ``--set``, makes another scenario than the packaged one."""
    there = parameters(load_scenario(NAME))
    known = [row for row in rows if row["parameter"] in there]
    told = parameters(load_scenario(NAME, [f"{row['parameter']}={row['value']}" for row in known]))
    yield from (
        f"{path}: {told[path]!r}, the scenario has {value!r}" for path, value in there.items() if told[path] != value
    )


def other_constants(rows: Rows) -> Iterator[str]:
    """Rows that name a constant of the code and say something else than the code."""
    for row in rows:
        path, _, name = row["parameter"].partition(":")
        if not name:
            continue
        value = getattr(import_module(f"drydock.{path.removesuffix('.py').replace('/', '.')}"), name)
        values, texts = (
            (value.tolist(), row["value"][1:-1].split(", ")) if hasattr(value, "tolist") else ([value], [row["value"]])
        )
        unit = unit_of(name.lower())
        if values != [parse_quantity(text, unit) if unit and not text.isdecimal() else int(text) for text in texts]:
            yield f"{row['parameter']}: {row['value']}, the code has {value}"


def untagged(rows: Rows) -> Iterator[str]:
    """Rows without a tag that is known, without a source, or neither fitted nor not."""
    for row in rows:
        if row["tag"] not in TAGS or row["fitted"] not in ("yes", "no") or not row["source"].strip():
            yield f"{row['parameter']}: tag {row['tag']}, fitted {row['fitted']}, source '{row['source']}'"


def otherwise_fitted(rows: Rows) -> Iterator[str]:
    """Where other parameters are fitted than the two of scale, or a fitted one claims a source."""
    fitted = [row["parameter"] for row in rows if row["fitted"] == "yes"]
    if sorted(fitted) != FITTED:
        yield f"fitted are {', '.join(fitted)}"
    yield from (f"{r['parameter']}: fitted, and {r['tag']}" for r in rows if r["fitted"] == "yes" and r["tag"] != "[A]")


Check = Callable[[Rows], Iterator[str]]
CHECKS: tuple[Check, ...] = (unlisted, other_values, other_constants, untagged, otherwise_fitted)


# ---- laws -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_calibration_is_that_of_the_scenario(check: Check) -> None:
    """Every parameter is listed once, with the scenario's value, a tag and a source; exactly two are fitted."""
    assert [] == list(check(committed()))


def test_calibration_has_the_columns_that_it_promises() -> None:
    """In this order, in the first line."""
    assert ",".join(COLUMNS) == FILE.read_text(encoding="utf-8").splitlines()[0]


def changed(parameter: str, /, **cells: str) -> Callable[[Rows], Rows]:
    """Rows in which this parameter's has other cells."""
    return lambda rows: [row | cells if row["parameter"] == parameter else row for row in rows]


PLANTED: list[tuple[Check, Callable[[Rows], Rows], str]] = [
    (unlisted, lambda rows: rows[1:], "population.accounts: not listed"),
    (unlisted, lambda rows: [*rows, rows[0]], "population.accounts: listed twice"),
    (unlisted, changed("population.makers", parameter="population.poets"), "population.poets: there is no such"),
    (other_values, changed("population.accounts", value="9999"), "population.accounts: 9999, the scenario has 10000"),
    (other_values, changed("venue.chain.block_ms", value="38s"), "venue.chain.block_ms: 38000"),
    (other_values, changed("runbook.on_incident.steps.7.duration_ms", value="2m"), "steps.7.duration_ms: 120000"),
    (other_values, changed("reported.plan.0.mean_ms", value="5s"), "reported.plan.0.mean_ms: 5000"),
    (other_constants, changed("models/population.py:LEVERAGES", value="[2, 3]"), "the code has [ 2  3  5 10 20 50]"),
    (other_constants, changed("models/people.py:GATEWAY_MS", value="3ms"), "the code has 2"),
    (untagged, changed("population.makers", tag="[C]"), "tag [C]"),
    (untagged, changed("population.makers", source=" "), "source ' '"),
    (otherwise_fitted, changed("population.makers", fitted="yes"), "population.makers"),
    (otherwise_fitted, changed("population.accounts", tag="[P]"), "population.accounts: fitted, and [P]"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "change", "words"), PLANTED)
def test_each_check_of_the_calibration_can_fail(check: Check, change: Callable[[Rows], Rows], words: str) -> None:
    """A planted mistake is found, and told by the parameter's name."""
    found = list(check(change(committed())))
    assert any(words in message for message in found), found
