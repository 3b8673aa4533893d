"""Laws are short to write: counting, finding, and the shapes."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from drydock.harness.event import Event, event
from drydock.harness.law import Always, Eventually, FoldLaw, Sometimes, always, by_law, capped
from drydock.harness.port import Finding


@event("counted")
class Counted(NamedTuple):
    """A counter's value."""

    value: int


class NotNegative(Always):
    """A law by hand."""

    id, sentence, source, hears = "T1", "never negative", "arithmetic", (Counted,)

    def observe(self, event: Event) -> None:
        """Judges one value."""
        self.check(event, event.data.value >= 0, lambda: f"it is {event.data.value}", ("other", "counted", 1))


@always("T2", "never odd", source="arithmetic", hears=(Counted,), law_class="service")
def never_odd(counted: Counted) -> str | None:
    """A law as a function."""
    return f"{counted.value} is odd" if counted.value % 2 else None


def counted(value: int, at_ms: int = 0) -> Event:
    """One event."""
    return Event(at_ms, "counter", "counted", 1, None, Counted(value))


def test_a_check_counts_and_a_failed_check_is_found() -> None:
    """``checks`` counts what was judged; a finding says when, what, and by which events."""
    law = NotNegative()
    for value in (1, -1):
        law.observe(counted(value, at_ms=7))
    events = (("counter", "counted", 1), ("other", "counted", 1))
    assert (2, [Finding("T1", 7, "it is -1", events)]) == (law.checks, law.end())


def test_a_function_becomes_a_law() -> None:
    """The decorator gives it id, sentence, class and count; every instance folds alone."""
    first, second = never_odd(), never_odd()
    first.observe(counted(3))
    first.observe(counted(4))
    assert ("T2", "service", "always", "never_odd") == (first.id, first.law_class, first.mode, type(first).__name__)
    assert (2, ["3 is odd"], 0) == (first.checks, [finding.detail for finding in first.end()], second.checks)


def test_shapes_differ_by_mode() -> None:
    """Always, eventually, sometimes."""
    assert ["always", "eventually", "sometimes"] == [law.mode for law in (Always, Eventually, Sometimes)]


def test_a_law_that_hears_and_does_not_observe_is_refused() -> None:
    """Forgetting ``observe`` is an error where the law is written, not silence in a rehearsal."""
    with pytest.raises(TypeError, match="law Deaf hears events and has no observe"):

        class Deaf(FoldLaw):
            id, hears = "T9", (Counted,)


def test_findings_are_grouped_and_capped_by_law() -> None:
    """A law that fails two thousand times leaves room for the others."""
    findings = [Finding(law, at_ms, "") for at_ms in range(5) for law in ("A", "B")]
    assert {"A": 5, "B": 5} == {law: len(found) for law, found in by_law(findings).items()}
    assert [("A", 0), ("A", 1), ("B", 0), ("B", 1)] == [(f.law, f.at_ms) for f in capped(findings, 2)]
