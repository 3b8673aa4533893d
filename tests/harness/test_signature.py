"""Signatures: two failures are one failure if law, component and role agree."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, strategies as st

from drydock.harness.port import Case, Finding, Limit
from drydock.harness.run import run_case
from drydock.harness.signature import (
    Signature,
    component_of,
    loss_limits,
    parse_signature,
    signature_of,
    signatures,
)

_WORDS = st.text("abcXYZ019_-/.", min_size=1, max_size=12)
_LANES = {
    "client/17": "client",
    "oracle/spot-2": "oracle/spot",
    "funding/ticker": "funding/ticker",
    "fault/0:crash": "fault/crash",
    "maker/3": "maker",
    "runbook": "runbook",
}


@pytest.mark.parametrize("lane", _LANES)
def test_a_component_is_a_lane_without_its_instance(lane: str) -> None:
    """Client 17 and client 18 are one component; two lanes of one service stay two."""
    assert _LANES[lane] == component_of(lane)


def test_the_first_event_of_a_finding_says_which_component_it_was() -> None:
    """Numbers, times and sentences are no part of a signature."""
    events = (("client/4", "order.placed", 9), ("matching", "fill", 1))
    one, other = (Finding("L1", at_ms, f"account {at_ms}", events, role="person") for at_ms in (5, 70))

    assert Signature("L1", "client", "person") == signature_of(one) == signature_of(other)
    assert Signature("L4") == signature_of(Finding("L4", 0, "what waiting cost"))


@given(law=st.text("ABC123", min_size=1), component=st.just("") | _WORDS, role=st.just("") | _WORDS)
def test_a_signature_survives_its_text(law: str, component: str, role: str) -> None:
    """What is written is what is read."""
    signature = Signature(law, component, role)

    assert signature == parse_signature(str(signature))


@pytest.mark.parametrize("text", ["", "L1@", "L1()", "L1 person", "@liquidator", "L1(person)@liquidator"])
def test_what_is_no_signature_is_refused_with_the_form_it_has(text: str) -> None:
    """The message shows one."""
    with pytest.raises(ValueError, match=r"it reads LAW@component\(role\), e.g. L1@liquidator/checker\(person\)"):
        parse_signature(text)


def test_a_run_has_each_of_its_signatures_once_in_the_order_found(toy: ModuleType) -> None:
    """A law that is broken a hundred times in one way is broken in one way."""
    result = run_case(_hasty(toy), toy.ToyKit())

    assert (Signature("T1", "counter/ticker"), Signature("T3", "counter/ticker")) == signatures(result)


def test_a_loss_within_the_policy_is_no_failure(toy: ModuleType) -> None:
    """Of a loss law a run fails only beyond what the policy lets it lose."""
    for usd, expected in ((1_000, 1), (0, 2)):
        case = _hasty(toy, policy=toy.limits(Limit("T3", 0, usd * 1_000_000)))
        limits = loss_limits(toy.ToyKit(), case.scenario)

        assert {"T3": usd * 1_000_000} == limits
        assert expected == len(signatures(run_case(case, toy.ToyKit()), limits))


def _hasty(toy: ModuleType, **changes: Any) -> Case:
    scenario = toy.scenario(waits=False, **changes)
    return Case(scenario, "flat", scenario.reported, 1)
