"""A beat: what a service does periodically, and how it goes on after it was held up or was away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from drydock.harness.seam import Passage
from drydock.harness.sim import Lane
from drydock.models.phase import to_phase_ms

if TYPE_CHECKING:
    from drydock.models.service import Service

CATCH_UP = 0
"""How many missed slots are made up for, as documented: none. A firing that comes late stands for all it missed."""


class Beat:
    """A periodic act of one service, on one lane, at the seam ``service.act``.

    ``do(at_ms)`` is called with the time for which it fires, by the service's own clock: now, or a slot that it makes
    up for. Timers are monotonic: a clock that is put right moves no firing. When it last fired is kept by the
    scheduler, outside of the process, and outlives a restart.
    """

    __slots__ = (
        "_acts",
        "_do",
        "_lane",
        "_last_ms",
        "_period_ms",
        "_phase_ms",
        "_policies",
        "_service",
        "_sim",
        "_what",
    )

    def __init__(
        self,
        service: Service,
        what: str,
        lane: Lane,
        do: Callable[[int], None],
        period_ms: int,
        phase_ms: int | None = None,
    ) -> None:
        self._service = service
        self._sim = service.sim
        self._acts = service.world.seams["service.act"]
        self._policies = service.world.seams["policy.read"]
        self._what = what
        self._lane = lane
        self._do = do
        self._period_ms = period_ms
        self._phase_ms = phase_ms
        self._last_ms: int | None = None

    def begin(self, wait_ms: int) -> None:
        """The first firing of this start comes in ``wait_ms``."""
        self._sim.call_in(wait_ms, self._fire, self._service.epoch, self._lane, self._what)

    def begin_now(self) -> None:
        """The first firing of this start is part of what happens at this moment."""
        self._fire(self._service.epoch)

    def _fire(self, epoch: int) -> None:
        if not self._service.is_current(epoch) or (self._acts.bends and self._is_held(epoch)):
            return
        self._sim.call_in(self._period_ms, self._fire, epoch, self._lane, self._what)
        self._run(epoch)

    def _is_held(self, epoch: int) -> bool:
        """Whether a bend loses this firing, or puts it off."""
        passage = self._acts.through(Passage(1, f"{self._service.name}/{self._what}"))
        late_ms, is_lost = int(passage.delay_ms[0]), bool(passage.is_lost[0])
        if is_lost:
            self._sim.call_in(self._period_ms, self._fire, epoch, self._lane, self._what)
        elif late_ms:
            self._sim.call_in(late_ms, self._fire_late, epoch, self._lane, "late")
        return is_lost or late_ms > 0

    def _fire_late(self, epoch: int) -> None:
        """What was put off is done; the next comes a whole period later, or then at the next instant of its phase."""
        if not self._service.is_current(epoch):
            return
        wait_ms, period_ms = self._period_ms, self._period_ms
        if self._phase_ms is not None:
            wait_ms += to_phase_ms(self._service.clock_ms() + period_ms, period_ms, self._phase_ms)
        self._sim.call_in(wait_ms, self._fire, epoch, self._lane, self._what)
        self._run(epoch)

    def _run(self, epoch: int) -> None:
        now_ms = self._service.clock_ms()
        missed = self._missed_ms(now_ms) if self._policies.bends else ()
        self._last_ms = now_ms
        for at_ms in (*missed, now_ms):
            if self._service.is_current(epoch):  # the one before may have been its last
                self._do(at_ms)

    def _missed_ms(self, now_ms: int) -> range:
        """The latest slots without a firing since the last one, as many as the policy makes up for."""
        missed = 0 if self._last_ms is None else (now_ms - self._last_ms) // self._period_ms - 1
        if missed > 0:
            missed = min(missed, self._service.policy("catch_up", CATCH_UP))
        return range(now_ms - missed * self._period_ms, now_ms, self._period_ms)
