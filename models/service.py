"""A service process: named boot steps, an epoch per start, and a fence for what an earlier epoch left behind.

``finally`` blocks and late callbacks run even in a process that has crashed, so everything a service does later carries
the epoch in which it was decided, and is dropped when that epoch is over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import numpy as np
from simpy import Interrupt

from drydock.harness.seam import Mask, Passage
from drydock.harness.sim import Lane, LaneProcess, Steps
from drydock.models.artefact import TooManyEntries
from drydock.models.events import BootStep, ServiceState

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

State = Literal["stopped", "crashed", "booting", "up", "ready"]
RUNNING = frozenset(("booting", "up", "ready"))
RAISE_RESTART_MS = 2_000
"""A process that its own error ends is back so soon: its supervisor starts it again."""
P = TypeVar("P", bound=str | int | None)


class Service:
    """One process of the venue. Subclasses name their boot steps and say what each does."""

    name = ""
    boot_steps: tuple[str, ...] = ("process_up",)

    def __init__(self, world: VenueWorld) -> None:
        self.world = world
        self.sim = world.sim
        self.state: State = "stopped"
        self.epoch = 0
        self.lane = self.sim.lane_of(self.name)
        self._acts = world.seams["service.act"]
        self._clock = world.seams["clock.read"]
        self._policies = world.seams["policy.read"]
        self._boot_process: LaneProcess | None = None
        self.known: Mask | None = None
        """The markets that it has parameters of; None for all."""

    @property
    def is_running(self) -> bool:
        """Whether a process exists, ready or not."""
        return self.state in RUNNING

    @property
    def is_ready(self) -> bool:
        """Whether it does its work."""
        return self.state == "ready"

    def is_current(self, epoch: int) -> bool:
        """The fence: whether what was decided in ``epoch`` may still act."""
        return epoch == self.epoch and self.state in RUNNING

    # ---- what it believes and does -----------------------------------------------------------------------------
    def clock_ms(self) -> int:
        """What time it is, as this process believes. It decides by it; what an event tells is the world's time."""
        if not self._clock.bends:
            return self.sim.now_ms
        passage = self._clock.through(Passage(1, self.name, stamp_ms=np.array([self.sim.now_ms])))
        assert passage.stamp_ms is not None
        return int(passage.stamp_ms[0])

    def policy(self, case: str, documented: P) -> P:
        """What it does in this case: what the venue documents, unless this build does something else."""
        if not self._policies.bends:
            return documented
        return cast(P, self._policies.through(Passage(1, f"{self.name}/{case}", policy=documented)).policy)

    def is_held(self, what: str, then: Callable[[Any], None], arg: Any, lane: Lane) -> bool:
        """Whether this act is not done now: it is lost, or ``then(arg)`` comes later, in the same epoch."""
        if not self._acts.bends:
            return False
        late = [late_ms for late_ms, _ in self._acts.through(Passage(1, f"{self.name}/{what}")).groups()]
        for late_ms in late:
            if late_ms:
                self.sim.call_in(late_ms, self._go_on, (self.epoch, then, arg), lane, "late")
        return 0 not in late

    def _go_on(self, held: tuple[int, Callable[[Any], None], Any]) -> None:
        epoch, then, arg = held
        if self.is_current(epoch):
            then(arg)

    # ---- life ------------------------------------------------------------------------------------------------
    def begin_ready(self) -> None:
        """The state before the night: running since long, nothing to load."""
        self.epoch += 1
        self.state = "ready"
        self.on_ready()

    def start(self) -> bool:
        """Starts the process; false where it runs already."""
        if self.is_running:
            return False
        self.epoch += 1
        self._enter("booting")
        self._boot_process = self.sim.spawn(f"{self.name}/boot", self._boot())
        return True

    def stop(self, state: Literal["stopped", "crashed"] = "stopped") -> bool:
        """Ends the process; what it had in memory is gone. False where it was not running."""
        if not self.is_running:
            if (self.state, state) == ("crashed", "stopped"):
                self._enter(state)  # and whoever would have started it again leaves it
            return False
        boot, self._boot_process = self._boot_process, None
        if boot is not None and boot.is_alive and boot is not self.sim.active_process:
            boot.interrupt()
        self._enter(state)
        self.forget()
        return True

    def crash(self, restart_ms: int) -> bool:
        """The process dies; its supervisor starts it again after ``restart_ms``."""
        if not self.stop("crashed"):
            return False
        self.sim.call_in(restart_ms, self._restart, self.epoch, self.lane, "restart")
        return True

    def _restart(self, epoch: int) -> None:
        if epoch == self.epoch and self.state == "crashed":
            self.start()

    def _enter(self, state: State) -> None:
        self.state = state
        self.sim.emit(ServiceState(self.name, self.epoch, state), self.lane)

    # ---- boot ------------------------------------------------------------------------------------------------
    def _boot(self) -> Steps:
        seam, epoch = self.world.seams["service.boot"], self.epoch
        try:
            for step in self.boot_steps:
                if seam:
                    passage = seam.through(Passage(1, f"{self.name}/{step}"))
                    if passage.delay_ms[0]:
                        yield self.sim.sleep(int(passage.delay_ms[0]), f"boot/{step}")
                yield from self.boot_step(step)
                if not self.is_current(epoch):
                    return  # the step was its last
                self.sim.emit(BootStep(self.name, self.epoch, step), self.lane)
                if step == "process_up":
                    self._enter("up")
                if step == self.policy("readiness", self.boot_steps[-1]):
                    self.become_ready()
            self.become_ready()
        except Interrupt:
            return

    def become_ready(self) -> None:
        """The last boot step is through: the service does its work from now on."""
        if self.state != "ready":
            self._enter("ready")
            self.on_ready()

    # ---- for subclasses -----------------------------------------------------------------------------------------
    def boot_step(self, step: str) -> Steps:
        """What the process does, and how long it takes, in one of its boot steps."""
        yield self.sim.sleep(self.world.boot_ms(self.name, step), f"boot/{step}")
        if step == "process_up":
            self._read_parameters()

    def _read_parameters(self) -> None:
        """Reads the market parameters; a process that dies of them is started again, and reads them again."""
        try:
            self.known = self.world.artefact.read(self)
        except TooManyEntries as error:
            self.crash(RAISE_RESTART_MS)
            raise Interrupt(str(error)) from error

    def on_ready(self) -> None:
        """Called when the service begins its work."""

    def forget(self) -> None:
        """Called when the process ends: its memory is gone."""
