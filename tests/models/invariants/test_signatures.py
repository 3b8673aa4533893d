"""Signatures of the venue's laws: each finding says which component it was, and whom or what it struck."""

from __future__ import annotations

import pytest

from drydock.harness.port import Canary
from drydock.harness.run import run_case
from drydock.harness.signature import signature_of
from drydock.models.kit import VenueKit
from drydock.models.people_spec import Population

NOBODY = {"F8", "L2", "L4", "M3", "M8", "S1", "S4", "S6", "W1"}
"""Laws about a clock, a sum or the venue as a whole: they strike nobody in particular."""
IN_ALL = {"L4", "V1", "W1"}
"""Laws that judge at the end what no single event shows."""
CANARIES = [canary for canary in VenueKit().canaries() if not canary.law.startswith("G")]


@pytest.mark.parametrize("canary", CANARIES, ids=[canary.law for canary in CANARIES])
def test_a_finding_has_a_component_and_a_role(canary: Canary) -> None:
    """Without them a shrinker would take one failure of a law for another."""
    found = run_case(canary.case(1), VenueKit(), world_maker=canary.world).findings
    mine = [signature_of(finding) for finding in found if finding.law == canary.law]

    assert mine
    assert [] == [str(told) for told in mine if not told.component and canary.law not in IN_ALL]
    assert [] == [str(told) for told in mine if not told.role and canary.law not in NOBODY]
    assert [] == [str(told) for told in mine if any(digit in told.role for digit in "0123456789")]


def test_an_account_is_struck_by_what_it_is() -> None:
    """The vault, then makers, opportunists and squeezers, then people."""
    spec = Population(makers=2, opportunists=1, squeezers=2)

    assert ["vault", "maker", "maker", "opportunist", "squeezer", "squeezer", "person", "person"] == [
        spec.role_of(account) for account in range(8)
    ]
    assert spec.first_person == 6
    assert ("maker", 2) == spec.place_of(2)
