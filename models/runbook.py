"""The runbook player: takes the operators' typed steps and does them, one after another, at their virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from simpy import Interrupt

from drydock.harness.seam import Passage
from drydock.harness.sim import Steps
from drydock.models.events import (
    ModeAcked,
    ModeChanged,
    ResumeChecked,
    StepEnded,
    StepStarted,
    WindowClosed,
)
from drydock.models.operation_events import GateUnready
from drydock.models.perp.funding import max_step
from drydock.models.rollback import Kept
from drydock.models.runbook_spec import StepSpec
from drydock.models.seams import new_seam
from drydock.models.service import Service

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

ACK_MS = 20
ACK_MS_MAX = 5_000
POLL_MS = 1_000

IN_ORDER, NEXT_FIRST = "in_order", "next_first"
BY_THE_RUNBOOK, GO_ON = "by_the_runbook", "go_on"
NEWEST, OLDER, NO_ROLLBACK = "newest", "older", "no_rollback"
"""Policies of the operators, as their seams carry them; the first of each line is the usual one."""


class Player:
    """Plays the main branch, and the incident's branch once an incident is declared."""

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._sim = world.sim
        self._runbook = world.runbook
        self._lane = world.sim.lane_of("runbook")
        self._operate = new_seam(world.seams, "operator.act")
        self._decide = new_seam(world.seams, "operator.decide")
        self._acks = new_seam(world.seams, "mode.ack")
        self._snapshots: list[Kept] = []
        self._put_off: StepSpec | None = None
        self._place = ""
        self._asked = ""
        self._resumed_ms: int | None = None

    # ---- branches --------------------------------------------------------------------------------------------
    def play(self) -> Steps:
        """The night's script, from the first step to the end of the window."""
        world, runbook = self._world, self._runbook
        yield self._sim.sleep(runbook.before_ms, "window")
        main = self._sim.spawn("runbook/main", self._branch(runbook.steps, "main"))
        operators = world.operators
        if operators is None:
            yield main
            yield self._sim.sleep(runbook.watch_ms, "watch")
        else:
            yield main | operators.declared
            if not operators.declared.triggered:
                yield self._sim.sleep(runbook.watch_ms, "watch") | operators.declared
            if operators.has_alarm:
                yield operators.declared
                if main.is_alive:
                    main.interrupt()
                yield self._sim.spawn("runbook/incident", self._incident_branch())
        self._close()

    def _close(self) -> None:
        announced_ms = self._runbook.before_ms + self._runbook.window_ms
        back_ms = self._world.night_ms if self._resumed_ms is None else self._resumed_ms
        self._sim.emit(WindowClosed(max(0, back_ms - announced_ms)), self._lane)
        self._world.window_closed.succeed()

    def _incident_branch(self) -> Steps:
        incident = self._runbook.on_incident
        assert incident is not None
        yield from self._branch(incident.steps, "incident")

    def _branch(self, steps: tuple[StepSpec, ...], branch: str) -> Steps:
        try:
            waiting = list(steps)
            while waiting:
                spec = waiting.pop(0)
                yield from self._operated(spec, branch, waiting) if self._operate else self._play(spec, branch)
        except Interrupt:
            return

    def _operated(self, spec: StepSpec, branch: str, waiting: list[StepSpec]) -> Steps:
        """A step as hands do it that may slip: never, late, again, or after the step that follows it."""
        policy = IN_ORDER if waiting and spec is not self._put_off else None
        passage = self._operate.through(Passage(1, f"{branch}/{spec.label}", policy=policy))
        if passage.policy == NEXT_FIRST:
            self._put_off = spec
            waiting.insert(1, spec)
            return
        begun_ms = self._sim.now_ms
        for late_ms, _ in passage.groups():
            rest_ms = begun_ms + late_ms - self._sim.now_ms
            if rest_ms > 0:
                yield self._sim.sleep(rest_ms, "operator")
            yield from self._play(spec, branch)

    def _play(self, spec: StepSpec, branch: str) -> Steps:
        begun_ms, self._place = self._sim.now_ms, f"{branch}/{spec.label}"
        self._sim.emit(StepStarted(spec.label, spec.step, branch))
        self._world.note_step_started(spec.label)
        is_ok = yield from getattr(self, f"_do_{spec.step}")(spec)
        rest_ms = begun_ms + self._world.pace.takes_ms(self._place, spec.duration_ms) - self._sim.now_ms
        if rest_ms > 0:
            yield self._sim.sleep(rest_ms, "step")
        self._sim.emit(StepEnded(spec.label, branch, int(is_ok)))

    # ---- steps -----------------------------------------------------------------------------------------------
    def _do_announce(self, spec: StepSpec) -> Steps:
        return True
        yield

    _do_wait = _do_announce

    def _do_drain(self, spec: StepSpec) -> Steps:
        """Lets what is under way reach the chain and a block."""
        yield self._sim.sleep(min(spec.duration_ms, 2 * self._world.venue.chain.block_ms), "drain")
        return True

    def _do_set_mode(self, spec: StepSpec) -> Steps:
        assert spec.mode is not None
        yield from self._change_mode(spec.mode)
        return True

    def _do_resume(self, spec: StepSpec) -> Steps:
        yield from self._hold_auction()
        self._sim.emit(self._check_resume())
        if self._world.desk is not None:
            self._world.desk.note("resume")
        yield from self._change_mode("ok")
        self._world.chain.reconcile_l1()
        self._resumed_ms = self._sim.now_ms
        return True

    def _hold_auction(self) -> Steps:
        """G18: after a long closure orders are collected for as long as the table says, and met all at once."""
        world, auction = self._world, self._world.venue.safeguards.auction
        if auction is None or world.desk is None or world.is_trading or world.closed_since_ms is None:
            return
        length_ms = auction.length_ms(self._sim.now_ms - world.closed_since_ms)
        if length_ms:
            yield from self._change_mode("auction")
            yield self._sim.sleep(length_ms, "auction")
            world.desk.matching.uncross()

    def _change_mode(self, mode: str) -> Steps:
        """Every running service acknowledges before the mode is announced."""
        world = self._world
        world.acked_modes.clear()
        self._asked = mode
        yield from self._wait_for_acks(mode)
        before = world.set_mode(mode)
        self._sim.emit(ModeChanged(before, mode, len(self._waiting())))
        world.on_mode_changed()

    def _wait_for_acks(self, mode: str) -> Steps:
        """Asks again whoever has not answered, also who started meanwhile; but nobody is waited for without end."""
        give_up_ms = self._sim.now_ms + ACK_MS_MAX
        while (waiting := self._waiting()) and self._sim.now_ms < give_up_ms:
            for service in waiting:
                for late_ms in self._ack_late_ms(service.name):
                    self._sim.call_in(ACK_MS // 2 + late_ms, self._ack, (service.name, mode), service.lane, "ack")
            yield self._sim.sleep(ACK_MS, "ack")

    def _ack_late_ms(self, service: str) -> list[int]:
        """How much later than usual a service hears of the mode and says so; nothing where it does not."""
        if not self._acks:
            return [0]
        return [late_ms for late_ms, _ in self._acks.through(Passage(1, service)).groups()]

    def _waiting(self) -> list[Service]:
        """Running services that have not acknowledged the mode under way."""
        return [s for s in self._world.services.values() if s.is_running and s.name not in self._world.acked_modes]

    def _ack(self, arg: tuple[str, str]) -> None:
        service, mode = arg
        is_due = mode == self._asked and service not in self._world.acked_modes
        if is_due and self._world.services[service].is_running:
            self._world.acked_modes[service] = mode
            self._sim.emit(ModeAcked(service, mode))

    def _do_snapshot(self, spec: StepSpec) -> Steps:
        self._snapshots.append(self._world.rollback.keep())
        return True
        yield

    def _do_cancel_orders(self, spec: StepSpec) -> Steps:
        if self._world.desk is not None:
            self._world.desk.cancel(spec.keep)
        return True
        yield

    def _do_stop_services(self, spec: StepSpec) -> Steps:
        for name in spec.services:
            self._world.services[name].stop()
        return True
        yield

    def _do_start_services(self, spec: StepSpec) -> Steps:
        for name in spec.services:
            self._world.start_service(name)
        return True
        yield

    def _do_scale_up(self, spec: StepSpec) -> Steps:
        database = self._world.database
        database.begin_scale_up(spec.duration_ms)
        yield self._sim.sleep(spec.duration_ms, "copy")
        database.end_scale_up()
        self._world.on_copy_complete()
        return True

    def _do_verify(self, spec: StepSpec) -> Steps:
        """Asks its gates again and again until they hold or the time is over; then ``on_fail`` decides."""
        give_up_ms, is_told = self._sim.now_ms + spec.timeout_ms, False
        while failing := [gate for gate in spec.gate if not self._holds(gate)]:
            if not is_told:
                is_told = True
                self._sim.emit(GateUnready(spec.label, " ".join(failing)))
            if self._decides(BY_THE_RUNBOOK) == GO_ON:
                return False
            if self._sim.now_ms >= give_up_ms and spec.on_fail != "wait":
                if spec.on_fail == "incident" and self._world.operators is not None:
                    self._world.operators.declare_now()
                    yield self._sim.sleep(self._world.night_ms, "aborted")
                return False
            yield self._sim.sleep(POLL_MS, "verify")
        return True

    def _decides(self, usual: str, choices: int = 1) -> str | int | None:
        """What the operators decide at this step, where there is something to decide, of so many choices."""
        if not self._decide:
            return usual
        return self._decide.through(Passage(choices, self._place, policy=usual)).policy

    def _do_rollback(self, spec: StepSpec) -> Steps:
        """Every store goes back to the newest snapshot, after the time that people need to decide."""
        world = self._world
        if world.operators is not None:
            yield self._sim.sleep(world.operators.decision_ms(), "decide")
        decision = self._decides(NEWEST, len(self._snapshots))
        if decision == NO_ROLLBACK or not self._snapshots:
            return False
        kept = self._snapshots[-2:][0] if decision == OLDER else self._snapshots[-1]
        world.rollback.back_to(*kept)
        self._sim.emit(world.rollback.told(kept.chain))
        return True

    # ---- gates -----------------------------------------------------------------------------------------------
    def _holds(self, gate: str) -> bool:
        world = self._world
        if gate == "processes_up":
            return all(service.state in ("up", "ready") for service in world.services.values())
        if gate == "ready":
            return all(service.is_ready for service in world.services.values())
        if gate == "prices_fresh":
            return self._oldest_price_age_ms() <= world.venue.declared.fill_price_age_ms
        if gate == "indices_present":
            return bool((np.minimum(world.chain.index_ms, world.cloud.index_ms) > self._restarted_ms()).all())
        return self._markets_apart() == 0

    def _restarted_ms(self) -> int:
        """When a service was last started: an index from before says nothing of the restarted engine."""
        restarted_ms = self._world.restarted_ms
        return -1 if restarted_ms is None else restarted_ms

    def _oldest_price_age_ms(self) -> int:
        return self._sim.now_ms - int(self._world.cloud.price_ms.min())

    def _markets_apart(self) -> int:
        """Markets whose index in the cloud and on the chain differ by more than the cap allows in the declared lag."""
        world = self._world
        lag_ms = world.venue.declared.copies_lag_ms
        bound = max_step(world.markets.rate_cap_ppm, world.chain.mark, lag_ms, world.markets.period_ms)
        return int((np.abs(world.cloud.index - world.chain.index) > bound).sum())

    def _check_resume(self) -> ResumeChecked:
        world = self._world
        down = sum(1 for service in world.services.values() if not service.is_ready)
        missing = int((world.cloud.index_ms < self._restarted_ms()).sum())
        thin = 0 if world.desk is None else len(world.desk.matching.thin())
        return ResumeChecked(self._oldest_price_age_ms(), missing, self._markets_apart(), down, thin)
