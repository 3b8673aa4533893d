"""What the faults of a venue share: where they may strike, and the shape of those that bend seams for a while."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, ClassVar, Self, cast

from drydock.harness.fault import simpler_fields
from drydock.harness.port import Fault, Scenario
from drydock.harness.seam import Bender, Passage
from drydock.harness.sim import Steps
from drydock.models.model import step_names, step_specs

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld


class VenueFault(ABC):
    """A fault that strikes a step and a target of the scenario. Subclasses are frozen dataclasses with those fields."""

    __slots__ = ()
    kit: ClassVar[str] = "venue"

    step: str
    target: str
    offset_ms: int

    @classmethod
    @abstractmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The roles of this scenario that it can strike; empty where the venue lacks the part that it needs."""

    @classmethod
    def asks_of_database(cls, target: str) -> str:
        """What it asks of a real database beyond plain transactions, in a few words; empty where it asks nothing."""
        return ""

    def applicable(self, scenario: Scenario) -> bool:
        """Whether its step and target exist there."""
        return self.step in step_names(scenario) and self.target in self.targets(scenario)

    def simpler(self) -> Iterable[Self]:
        """One field nearer to nothing."""
        return cast(Iterable[Self], simpler_fields(cast(Fault, self)))

    def stream_name(self) -> str:
        """The name of its dice: two faults of one plan that differ in place or time draw apart."""
        kind = cast(Fault, self).kind
        return f"fault/{kind}/{self.step}/{self.target}/{self.offset_ms}"


class OperatorSlip(VenueFault):
    """A slip of the operators at one step of the runbook: it lies in wait from the night's start on, and happens once.

    A step's own start would be too late: what slips is how it is begun.
    """

    __slots__ = ()

    seam: ClassVar[str] = "operator.act"

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Those who play the runbook."""
        return ("operators",)

    @abstractmethod
    def slip(self, passage: Passage) -> bool:
        """Bends the passage of its step; false where there is nothing to get wrong."""

    def inject(self, world: VenueWorld) -> Steps:
        """Waits for the hand that begins its step, and lets it slip."""
        branch, _ = step_specs(world.case.scenario)[self.step]
        done = world.sim.event()

        def once(passage: Passage) -> bool:
            if done.triggered or passage.label != f"{branch}/{self.step}" or not self.slip(passage):
                return False
            done.succeed()
            return True

        with world.seams[self.seam].bend(once, lies_in_wait=True):
            yield done


class LastingFault(VenueFault):
    """A fault that bends seams from its moment on, for ``lasts_ms``."""

    __slots__ = ()

    lasts_ms: int

    @abstractmethod
    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """(seam, bender) of all that it bends."""

    def inject(self, world: VenueWorld) -> Steps:
        """Waits for its moment, bends, and heals whatever ends it."""
        yield world.until(self.step, self.offset_ms)
        with ExitStack() as bent:
            for seam, bender in self.benders(world):
                bent.enter_context(world.seams[seam].bend(bender))
            yield world.sim.sleep(self.lasts_ms, "heal")
