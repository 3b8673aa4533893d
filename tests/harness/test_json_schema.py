"""Laws of the JSON Schemas that editors use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest

from drydock.harness import registry
from drydock.harness.frame_keys import FRAME_KEYS
from drydock.harness.json_schema import json_schema, plan_schema, scenario_schema
from drydock.harness.port import Range

registry.load(Path(__file__).with_name("boundary_toy.py"))


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate
    before a step.

    More of it.
    """

    kind: Literal["gate"]
    wait_ms: Annotated[int, Range(0, 60_000)]
    """how long it waits"""
    usd_max: Annotated[int, Range(0, 5_500_000)] = 1_500_000
    rule: Literal["all", "any"] = "all"
    names: tuple[str, ...] = ()
    least: int | None = None


def test_a_schema_has_bounds_defaults_and_descriptions() -> None:
    """From annotations, defaults, the docstring, and the texts below the fields."""
    schema = json_schema(Gate)
    properties = schema["properties"]
    assert ("A gate before a step.", ["kind", "wait_ms"]) == (schema["description"], schema["required"])
    assert {"const": "gate"} == properties["kind"]
    assert [{"type": "integer", "minimum": 0, "maximum": 60_000}, {"type": "string"}] == properties["wait_ms"]["anyOf"]
    assert "how long it waits" == properties["wait_ms"]["description"]
    assert ({"enum": ["all", "any"], "default": "all"}, False) == (properties["rule"], schema["additionalProperties"])
    assert {"type": "array", "items": {"type": "string"}, "default": []} == properties["names"]
    assert {"anyOf": [{"type": "integer"}, {"type": "null"}]} == properties["least"]


def test_an_amount_in_usd_has_its_bounds_and_default_in_usd() -> None:
    """A whole number in such a field is USD, as the reader takes it."""
    amount = json_schema(Gate)["properties"]["usd_max"]
    assert {"type": "integer", "minimum": 0, "maximum": 5} == amount["anyOf"][0]
    assert "1.50 USD" == amount["default"]


def test_a_plan_offers_every_kind_of_fault() -> None:
    """Told apart by their kind."""
    faults = registry.faults()
    kinds = [item["properties"]["kind"]["const"] for item in plan_schema(faults)["items"]["oneOf"]]
    assert list(faults) == kinds


def test_a_scenario_has_the_shared_keys_and_the_kit_s_own() -> None:
    """A key of both would hide one of them."""
    schema = scenario_schema({"shelves": {"type": "array"}}, ["shelves"], registry.faults())
    assert {*FRAME_KEYS, "shelves"} == set(schema["properties"])
    assert ["name", "regimes", "shelves"] == schema["required"]
    with pytest.raises(AssertionError, match="hides a shared one"):
        scenario_schema({"name": {}}, [], registry.faults())
