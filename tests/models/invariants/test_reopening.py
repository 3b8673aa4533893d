"""M5 and W1 judge the reopening itself, not only what the runbook says of it."""

from __future__ import annotations

from drydock.harness import registry
from drydock.harness.run import run_case
from drydock.harness.sim import Steps
from drydock.models.invariants.canaries.build import venue_with
from drydock.models.runbook import Player
from drydock.models.runbook_spec import StepSpec
from tests.nights import bench, case_of


class OpensUnchecked(Player):
    """OK is announced, and nobody looked at anything before."""

    def _do_resume(self, spec: StepSpec) -> Steps:
        yield from self._change_mode("ok")
        self._resumed_ms = self._sim.now_ms
        return True


class NeverOpens(Player):
    """The runbook is through, and the venue is still closed."""

    def _do_resume(self, spec: StepSpec) -> Steps:
        yield self._sim.sleep(1)
        return True


def details(player: type[Player], law: str) -> list[str]:
    """What the law finds in a night played by this player."""
    result = run_case(case_of(bench()), registry.kit("venue"), world_maker=venue_with(player=player))
    assert not result.error
    return [finding.detail for finding in result.findings if finding.law == law]


def test_ok_without_a_check_is_a_finding() -> None:
    """M5 does not wait for the check that never comes."""
    assert ["OK without any check before it"] == details(OpensUnchecked, "M5")
    assert [] == details(Player, "M5")


def test_venue_that_never_comes_back_overruns_its_window() -> None:
    """W1 counts to the end of the night where the runbook is through and the venue still closed."""
    assert ["the venue is back 180 s after the announced end"] == details(NeverOpens, "W1")
    assert [] == details(Player, "W1")
