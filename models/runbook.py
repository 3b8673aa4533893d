"""The runbook player: takes the operators' typed steps and does them, one after another, at their virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from simpy import Interrupt

from drydock.harness.seam import Passage
from drydock.harness.sim import Steps
from drydock.models.chain import Snapshot
from drydock.models.events import (
    ModeAcked,
    ModeChanged,
    ResumeChecked,
    RollbackDone,
    StepEnded,
    StepStarted,
    WindowClosed,
)
from drydock.models.perp.funding import max_step
from drydock.models.runbook_spec import StepSpec
from drydock.models.seams import new_seam
from drydock.models.service import Service

if TYPE_CHECKING:
    from drydock.models.order_desk import OrderStore
    from drydock.models.world import VenueWorld

ACK_MS = 20
ACK_MS_MAX = 5_000
POLL_MS = 1_000


class Player:
    """Plays the main branch, and the incident's branch once an incident is declared."""

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._sim = world.sim
        self._runbook = world.runbook
        self._lane = world.sim.lane_of("runbook")
        self._operate = new_seam(world.seams, "operator.act")
        self._snapshot: Snapshot | None = None
        self._orders: OrderStore | None = None
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
            for spec in steps:
                passage = self._operate.through(Passage(1, f"{branch}/{spec.label}"))
                if passage.delay_ms[0]:
                    yield self._sim.sleep(int(passage.delay_ms[0]), "operator")
                yield from self._play(spec, branch)
        except Interrupt:
            return

    def _play(self, spec: StepSpec, branch: str) -> Steps:
        begun_ms = self._sim.now_ms
        self._sim.emit(StepStarted(spec.label, spec.step, branch))
        self._world.note_step_started(spec.label)
        is_ok = yield from getattr(self, f"_do_{spec.step}")(spec)
        rest_ms = begun_ms + spec.duration_ms - self._sim.now_ms
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
        yield from self._wait_for_acks(mode)
        before = world.set_mode(mode)
        self._sim.emit(ModeChanged(before, mode, len(self._waiting())))
        world.on_mode_changed()

    def _wait_for_acks(self, mode: str) -> Steps:
        """Asks again whoever has not answered, also who started meanwhile; but nobody is waited for without end."""
        give_up_ms = self._sim.now_ms + ACK_MS_MAX
        while (waiting := self._waiting()) and self._sim.now_ms < give_up_ms:
            for service in waiting:
                self._sim.call_in(ACK_MS // 2, self._ack, (service.name, mode), service.lane, "ack")
            yield self._sim.sleep(ACK_MS, "ack")

    def _waiting(self) -> list[Service]:
        """Running services that have not acknowledged the mode under way."""
        return [s for s in self._world.services.values() if s.is_running and s.name not in self._world.acked_modes]

    def _ack(self, arg: tuple[str, str]) -> None:
        service, mode = arg
        if self._world.services[service].is_running:
            self._world.acked_modes[service] = mode
            self._sim.emit(ModeAcked(service, mode))

    def _do_snapshot(self, spec: StepSpec) -> Steps:
        self._snapshot = self._world.chain.snapshot()
        if self._world.desk is not None:
            self._orders = self._world.desk.keep()
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
        give_up_ms = self._sim.now_ms + spec.timeout_ms
        while not all(self._holds(gate) for gate in spec.gate):
            if self._sim.now_ms >= give_up_ms and spec.on_fail != "wait":
                if spec.on_fail == "incident" and self._world.operators is not None:
                    self._world.operators.declare_now()
                    yield self._sim.sleep(self._world.night_ms, "aborted")
                return False
            yield self._sim.sleep(POLL_MS, "verify")
        return True

    def _do_rollback(self, spec: StepSpec) -> Steps:
        """Every store goes back to the snapshot, after the time that people need to decide."""
        world = self._world
        if world.operators is not None:
            yield self._sim.sleep(world.operators.decision_ms(), "decide")
        if self._snapshot is None:
            return False
        world.restore(self._snapshot)
        if self._orders is not None and world.desk is not None:
            world.desk.restore(self._orders)
        high, low = world.chain.root()
        kept = self._snapshot.root
        self._sim.emit(
            RollbackDone(
                self._snapshot.height, high, low, kept[0], kept[1], world.chain.height, world.cloud.height,
                world.index_rows_height(), max(page.height for page in world.pages), world.chain.sequence,
                0 if world.desk is None else world.desk.matching.height(),
            )
        )  # fmt: skip
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
            return bool((world.chain.index_ms > self._restarted_ms()).all())
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
