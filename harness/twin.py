"""The twin: the same case with the empty plan, as a second opinion on harm.

The ledger attributes harm event by event against the shadow truth. The twin asks only what everybody has in the end:
an account that has less than in the night without faults would have to be given the difference. A market is chaotic, so
accounts differ for no reason too; how much, the twin shows against itself with one client's message lost
(docs/decisions/0014-twin.md). That is the noise floor: a need below it says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from drydock.harness.port import Case, Fault, Kit, Scenario, World
from drydock.harness.result import RunResult
from drydock.harness.run import HarnessError, run_case
from drydock.harness.seam import Passage
from drydock.harness.sim import DEFAULT_EVENT_BUDGET, Steps

MESSAGES = (1, 10, 100)
"""Which message of the night is lost, in a run each: the largest difference of them is the noise floor."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What a run left every account against its twin: ``differences`` are twin minus run, in 1e-6 USD, none zero.

    Nobody is given more than he had: an account below zero counts as zero on either side.
    """

    differences: Mapping[int, int]

    @property
    def need(self) -> int:
        """``sum max(0, max(twin, 0) - max(run, 0))`` over the accounts, in 1e-6 USD."""
        return sum(amount for amount in self.differences.values() if amount > 0)

    @property
    def windfall(self) -> int:
        """What other accounts have more than in the twin, in 1e-6 USD."""
        return -sum(amount for amount in self.differences.values() if amount < 0)

    @property
    def accounts(self) -> int:
        """How many accounts have less than in the twin."""
        return sum(amount > 0 for amount in self.differences.values())


@dataclass(frozen=True, slots=True)
class Twin:
    """A run against its twin, and the twin against itself with one message lost (``noise``, a gap each)."""

    gap: Gap
    noise: tuple[Gap, ...]
    ended_ms: int

    @property
    def floor(self) -> Gap | None:
        """The largest gap that a lost message made; None where no message was there to be lost."""
        return max(self.noise, key=lambda gap: gap.need, default=None)


@dataclass(frozen=True, slots=True)
class LoseMessage:
    """The n-th message of the run at the seam ``target`` is lost: the smallest thing that can go wrong, of any model.

    No listing shows it and no plan names it: it disturbs twins.
    """

    kind: ClassVar[str] = "lose_message"
    sentence: ClassVar[str] = "one message is lost"
    keywords: ClassVar[tuple[str, ...]] = ()
    target: str
    nth: int
    step: str = ""
    offset_ms: int = 0

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Whichever seam its maker names."""
        return ()

    def applicable(self, scenario: Scenario) -> bool:
        """Wherever there is such a seam."""
        return True

    def simpler(self) -> Iterable[Fault]:
        """Nothing is simpler."""
        return ()

    def inject(self, world: World) -> Steps:
        """Counts messages from the first on."""
        passed = 0

        def lose(passage: Passage) -> bool:
            nonlocal passed
            passed += 1
            if passed == self.nth:
                passage.is_lost[:] = True
            return passed == self.nth

        with world.seams[self.target].bend(lose):
            yield world.sim.event()


def second_opinion(case: Case, kit: Kit, result: RunResult, event_budget: int = DEFAULT_EVENT_BUDGET) -> Twin:
    """Plays the twin and its disturbances, and compares at one time: when the later of run and twin ends.

    ``result`` is the run of ``case``, with ``worth``. :exc:`~drydock.harness.run.HarnessError` where a night fails.
    """

    def play(plan: tuple[Fault, ...], until_ms: int) -> RunResult:
        played = run_case(
            replace(case, plan=plan), kit, keep_worth=True, until_ms=until_ms, laws=(), event_budget=event_budget
        )
        if played.error or played.is_budget_exhausted:
            raise HarnessError(f"the twin came to no end: {played.error or 'its event budget is used up'}")
        return played

    twin = play((), result.ended_ms)
    run = result if result.ended_ms == twin.ended_ms else play(case.plan, twin.ended_ms)
    seam = kit.client_seam(case.scenario)
    lost = [] if seam is None else [play((LoseMessage(seam, nth),), twin.ended_ms) for nth in MESSAGES]
    noise = tuple(_gap(twin, other) for other in lost if other.evidence[0].exercised)
    return Twin(_gap(twin, run), noise, twin.ended_ms)


def _gap(twin: RunResult, run: RunResult) -> Gap:
    assert twin.worth is not None
    assert run.worth is not None
    pairs = ((account, max(amount, 0) - max(run.worth[account], 0)) for account, amount in sorted(twin.worth.items()))
    return Gap({account: difference for account, difference in pairs if difference})
