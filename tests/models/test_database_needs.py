"""What a night asks of a real database beyond plain transactions."""

from __future__ import annotations

import inspect
import re

from drydock.harness import registry
from drydock.harness.scenario import load_scenario
from drydock.models.database_needs import needs_of
from drydock.models.venue_fault import VenueFault

REACHES = re.compile(r"database\.crash\(|\.fail_over\(|STANDBYS")


def test_a_scale_up_asks_for_a_copy() -> None:
    """The step is named; a fault that asks for nothing adds nothing."""
    expected = ["a copy to a bigger instance (step scale-up)"]
    assert expected == needs_of(load_scenario("db-scale-up"), [("slow_load", "funding"), ("crash", "funding")])


def test_what_faults_ask_for_depends_on_what_they_strike() -> None:
    """A crash of a service asks nothing, one of the database does; needs are told once, with all who have them."""
    strikes = [("crash", "database"), ("lost_tail", "database"), ("stale_read", "funding"), ("stale_read", "vault")]
    expected = ["a copy to a bigger instance (step scale-up)", "a crash (crash)", "a standby (lost_tail, stale_read)"]
    assert expected == needs_of(load_scenario("db-scale-up"), strikes)


def test_who_reaches_for_the_servers_says_so() -> None:
    """Who crashes or promotes one, reads from a standby or swallows an answer asks for that; nobody else does."""
    bases = {kind: fault for kind, fault in registry.faults().items() if issubclass(fault, VenueFault)}
    asking = {kind for kind, fault in bases.items() if any(map(fault.asks_of_database, ("database", "funding")))}
    reaching = {kind for kind, fault in bases.items() if REACHES.search(inspect.getsource(fault))}
    assert reaching | {"commit_in_doubt", "stale_read"} == asking
