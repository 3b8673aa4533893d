"""The venue alive under a Sim: its parts, wired together, with their seams."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from simpy.events import Event as SimpyEvent

from drydock.harness.port import Case
from drydock.harness.seam import Seams
from drydock.harness.sim import Sim
from drydock.models import regimes
from drydock.models.artefact import Artefact
from drydock.models.chain import Chain, Snapshot
from drydock.models.cloud import Cloud
from drydock.models.database import DatabaseDoor
from drydock.models.databases import Databases, SimulatedDatabases
from drydock.models.events import BlockSealed
from drydock.models.funding_engine import FundingEngine
from drydock.models.guards import Guards
from drydock.models.index_rows import AT_MS, HEIGHT, INDEX, TABLE, genesis_rows
from drydock.models.liquidator import Liquidator
from drydock.models.makers import Makers
from drydock.models.market_data import MarketData
from drydock.models.matching import OPEN_MODES, Matching
from drydock.models.model import model_of
from drydock.models.operators import Operators, Pace
from drydock.models.order_desk import OrderDesk
from drydock.models.pages import FrontPage, Page, totals
from drydock.models.people import Gateway, People
from drydock.models.population import draw_intents, draw_start, draw_transfers
from drydock.models.rollback import Rollback
from drydock.models.runbook import Player
from drydock.models.runbook_spec import Runbook
from drydock.models.seams import new_seam
from drydock.models.service import Service
from drydock.models.shadow import Shadow
from drydock.models.traders import TriggerOrders, triggers_of
from drydock.models.triggers import Triggers
from drydock.models.truth import Outside, Truth
from drydock.models.venue import Action
from drydock.models.watch import IndexWatch

Ints = NDArray[np.int64]
BOOT_MS = {"process_up": 400, "connect": 100, "load": 0, "verify": 50, "first_prices": 0}
"""How long each named boot step takes by itself ([A]); loading takes what its rows take."""
SIMULATED = SimulatedDatabases()
FIRST_DRAW_MS = 3_600_000
"""Of the outside world so much is drawn at first; a longer night draws the rest when it gets there."""
FOR_EVER_MS = 1 << 40
BULK_ROWS = 4
"""The accounts table of the database stands for bulk data: so many rows per market are copied before the indices."""


class VenueWorld:
    """All parts of one venue in one run. Parts reach each other through this object, and only through it."""

    def __init__(self, case: Case, sim: Sim, databases: Databases = SIMULATED) -> None:
        model = model_of(case.scenario)
        self._databases = databases
        runbook = model.runbook
        self.sim = sim
        self.case = case
        self.venue = model.venue
        self.population = model.population
        self.runbook = runbook
        self.markets = model.markets
        self.night_ms = runbook.night_ms
        self.settle_ms = runbook.settle_ms
        self.window_closed: SimpyEvent = sim.event()
        self.mode = "ok"
        self.ok_since_ms = -FOR_EVER_MS
        self.closed_since_ms: int | None = None
        self.withdrawals_from_ms = 0
        self.acked_modes: dict[str, str] = {}
        self.restarted_ms: int | None = None
        self.seams = Seams()
        for seam in ("service.boot", "service.act", "clock.read", "policy.read", "maker.return"):
            new_seam(self.seams, seam)
        self.guards = Guards(self)
        self.artefact = Artefact(self)
        self._steps_started: dict[str, SimpyEvent] = {}
        self._deferred_starts: list[str] = []
        self._history: list[tuple[int, int, int, int, int]] = []
        self._build_state()
        self._build_parts()

    # ---- construction ----------------------------------------------------------------------------------------
    def _build_state(self) -> None:
        seed, spec, markets = self.sim.seed, self.venue.oracle, self.markets
        model = model_of(self.case.scenario)
        regime = model.regime(self.case.regime)
        if regime.crash is not None:
            regime = replace(regime, crash=replace(regime.crash, start_ms=self.runbook.before_ms // 2))

        def draw(until_ms: int) -> tuple[Ints, Ints]:
            steps, rate_steps = until_ms // spec.tick_ms + 1, until_ms // spec.external_tick_ms + 1
            rates = regimes.external_rates_ppm(
                regime, seed, markets, spec.external_venues, spec.external_tick_ms, rate_steps
            )
            return regimes.paths(regime, seed, markets, spec.tick_ms, steps), rates

        is_long = self.night_ms > FIRST_DRAW_MS
        self.outside = Outside(
            *draw(min(self.night_ms, FIRST_DRAW_MS)),
            spec.tick_ms,
            spec.external_tick_ms,
            (lambda: draw(self.night_ms)) if is_long else None,
        )
        mark = self.outside.mark(0)
        start = draw_start(self.population, markets, mark, seed, model.positions)
        self.layout = start.holdings.layout
        self.truth = Truth(
            self.venue, self.runbook, self.population, markets, self.outside, start.holdings, start.index
        )
        self.truth.shadow = Shadow(self.truth, self.sim)
        self.truth.watch = IndexWatch(self.truth, self.sim)
        self._start = start
        self._mark = mark

    def _build_parts(self) -> None:
        start, mark, seed = self._start, self._mark, self.sim.seed
        self.database = self.make_database()
        self.cloud = self.make_cloud(start.holdings.copy(), start.index, mark)
        self.chain = self.make_chain(start.holdings, start.index, mark)
        self.chain.on_bust = self.cloud.on_bust
        self.chain.on_refused = self.cloud.on_refused
        self.chain.on_sealed = self._on_sealed
        self.gateway = Gateway(self)
        book = self.venue.order_book
        self.desk = None if book is None else OrderDesk(self, book, triggers_of(start, self.population, mark, seed))
        self.market_data = self.make_market_data()
        self.funding = self.make_funding()
        self.liquidator = self.make_liquidator()
        self.pages = [Page(self, "portfolio"), Page(self, "vault")]
        self.front_page = FrontPage(self)
        parts: list[Service] = [
            self.market_data, self.funding, self.liquidator, *self.pages, self.front_page, self.gateway
        ]  # fmt: skip
        self.services = {service.name: service for service in parts}
        intents = draw_intents(self.population, self.layout, mark, self.night_ms, seed)
        self.truth.intents = intents
        transfers = draw_transfers(self.population, self.layout, self.night_ms, seed)
        self.people = People(self, intents, transfers)
        incident = self.runbook.on_incident
        self.pace = Pace(self)
        self.operators = None if incident is None else Operators(self, incident)
        self.rollback = Rollback(self)
        self.player = self.make_player()

    # A canary is a wrong build: it overrides one of these, or one method of a part.
    def make_database(self) -> DatabaseDoor:
        """The database, holding the bulk table first and then the funding indices, with older copies of these."""
        database = self._databases.make(self.sim, self.venue.database, self.seams)
        database.create("accounts", np.zeros((BULK_ROWS * len(self.markets), 1), np.int64))
        rows = np.zeros((len(self.markets), 4), np.int64)
        rows[:, INDEX] = self._start.index
        rows[:, AT_MS] = 0
        database.create(TABLE, rows)
        database.keep("nightly", TABLE, rows)
        database.keep("genesis", TABLE, genesis_rows(len(self.markets)))
        return database

    def make_cloud(self, holdings: Any, index: Ints, mark: Ints) -> Cloud:
        """The cloud's copy of the state."""
        return Cloud(self, holdings, index, mark)

    def make_chain(self, holdings: Any, index: Ints, mark: Ints) -> Chain:
        """The chain's copy of the state."""
        return Chain(self, holdings, index, mark)

    def make_matching(self) -> Matching:
        """The order books and their rules."""
        return Matching(self)

    def make_triggers(self, orders: TriggerOrders) -> Triggers:
        """Take-profit and stop-loss orders."""
        return Triggers(self, orders)

    def make_market_data(self) -> MarketData:
        """The market data service."""
        return MarketData(self)

    def make_funding(self) -> FundingEngine:
        """The funding engine."""
        return FundingEngine(self)

    def make_liquidator(self) -> Liquidator:
        """The liquidator."""
        return Liquidator(self)

    def make_player(self) -> Player:
        """The runbook player."""
        return Player(self)

    # ---- running ---------------------------------------------------------------------------------------------
    def start(self) -> None:
        """A venue that has been running since long, and its runbook."""
        self.note_state()
        for service in self.services.values():
            self.sim.cause = None  # each has been running since long, and none because of another
            service.begin_ready()
        self.sim.cause = None
        if self.market_data.last is not None:
            self.cloud.on_prices(self.market_data.last.mark, self.market_data.last.made_ms)
        if self.operators is not None:
            self.operators.start()
        self.people.start()
        self.people.open()
        self.cloud.refresh_free()
        self.chain.arm()
        if self.desk is not None:
            self.desk.makers.start()
        self.sim.spawn("runbook", self.player.play())

    def close(self) -> None:
        """Gives the database back: it may be a server."""
        self.database.close()

    def until(self, step: str, offset_ms: int) -> SimpyEvent:
        """An event at that distance from a step: from its plan if negative, else from its start.

        A step of the incident's branch alone has no plan: before it is at its start.
        """
        planned = dict(planned_steps(self.runbook))
        if offset_ms < 0 and step in planned:
            return self.sim.sleep(max(0, planned[step] + offset_ms - self.sim.now_ms), "anchor")
        moment = self.sim.event()
        lane = self.sim.lane

        def arrive(_: object) -> None:
            moment.succeed()

        wait_ms = max(0, offset_ms)
        self._step_event(step).callbacks.append(lambda _: self.sim.call_in(wait_ms, arrive, None, lane, "anchor"))
        return moment

    def note_step_started(self, label: str) -> None:
        """The runbook player says that a step begins."""
        event = self._step_event(label)
        if not event.triggered:  # a label of both branches means the main one's: it comes first
            event.succeed()

    def _step_event(self, label: str) -> SimpyEvent:
        if label not in self._steps_started:
            self._steps_started[label] = self.sim.event()
        return self._steps_started[label]

    @property
    def matching(self) -> Matching:
        """The order books of a venue that has some."""
        assert self.desk is not None
        return self.desk.matching

    @property
    def makers(self) -> Makers:
        """Those who quote them."""
        assert self.desk is not None
        return self.desk.makers

    # ---- mode ------------------------------------------------------------------------------------------------
    @property
    def is_trading(self) -> bool:
        """Whether people's fills are possible: mode OK."""
        return self.mode == "ok"

    @property
    def takes_orders(self) -> bool:
        """Whether orders can be entered: with a book also while only post-only ones are taken."""
        return self.mode == "ok" or (self.venue.order_book is not None and self.mode in ("post_only", "auction"))

    @property
    def is_withdrawal_held(self) -> bool:
        """G22: whether nothing is paid out because the venue was closed for long."""
        is_on = self.venue.safeguards.withdrawal_gate is not None
        return self.sim.now_ms < self.withdrawals_from_ms or (is_on and self.guards.misfires("withdrawal_gate"))

    def may(self, action: Action) -> bool:
        """Whether services do this now: they honour the declared matrix only where it is switched on."""
        is_free = not self.venue.safeguards.mode_matrix or self.venue.declared.allows(self.mode, action)
        return is_free or self.guards.ignores(action)

    def may_act(self, action: Action, now_ms: int | None = None) -> bool:
        """:meth:`may` of what the venue does to people by itself; with G17 on only when the grace after OK is over.

        What needs the books needs them open, matrix or not. ``now_ms`` is the time as who asks believes.
        """
        if action != "liquidate" and self.mode not in OPEN_MODES:
            return False
        grace_ms = self.venue.safeguards.grace_ms
        now_ms = self.sim.now_ms if now_ms is None else now_ms
        is_early = grace_ms is not None and self.is_trading and now_ms < self.ok_since_ms + grace_ms
        return not is_early and self.may(action)

    def set_mode(self, mode: str) -> str:
        """The venue is in a mode from now on; returns the one before."""
        before, self.mode, now_ms = self.mode, mode, self.sim.now_ms
        if before == "ok":
            self.closed_since_ms = now_ms
        if mode == "ok":
            self.ok_since_ms = now_ms
            gate, gap_ms = self.venue.safeguards.withdrawal_gate, now_ms - (self.closed_since_ms or now_ms)
            if gate is not None and gap_ms >= gate.gap_ms:
                self.withdrawals_from_ms = now_ms + gate.hold_ms
        return before

    def on_mode_changed(self) -> None:
        """People follow the status page, the sequencer the trade."""
        self.cloud.refresh_free()
        if self.is_trading:
            self.people.open()
            self.chain.arm()
        else:
            self.people.close()
        if self.desk is not None:
            self.desk.on_mode(self.mode)

    def after_prices(self) -> None:
        """New marks are in the cloud."""
        if self.desk is not None:
            self.desk.after_prices()

    # ---- services --------------------------------------------------------------------------------------------
    def boot_ms(self, service: str, step: str) -> int:
        """How long a boot step takes by itself."""
        if service == "liquidator" and step == "load":
            return self.venue.liquidation.boot_ms
        return BOOT_MS[step]

    def start_service(self, name: str) -> bool:
        """Starts a service. Under full downtime nothing runs until the copy is complete; such a start waits for it."""
        if self.venue.safeguards.full_downtime and self.database.is_copying:
            self._deferred_starts.append(name)
            return False
        self.restarted_ms = self.sim.now_ms
        return self.services[name].start()

    def on_copy_complete(self) -> None:
        """The scale-up's copy is complete: deferred starts happen."""
        deferred, self._deferred_starts = self._deferred_starts, []
        for name in deferred:
            self.start_service(name)

    # ---- state -----------------------------------------------------------------------------------------------
    def _on_sealed(self, sealed: BlockSealed) -> None:
        self.cloud.height = sealed.height
        if self.desk is not None:
            self.desk.resync.on_sealed()
        view = sealed.view
        self._history.append(
            (self.sim.now_ms, sealed.height, sealed.sequence, view.people_quantums, view.vault_quantums)
        )

    def note_state(self) -> None:
        """What pages can show of now: the chain as it is."""
        people, vault = totals(self.chain.holdings.quote)
        self._history.append((self.sim.now_ms, self.chain.height, self.chain.sequence, people, vault))

    def history_at(self, at_ms: int) -> tuple[int, int, int, int, int]:
        """(time, height, sequence, people's total, vault's total) of the last sealed state at or before a time."""
        place = bisect_right(self._history, at_ms, key=lambda row: row[0])
        return self._history[max(0, place - 1)]

    # ---- rollback ----------------------------------------------------------------------------------------------
    def restore(self, snapshot: Snapshot) -> None:
        """Rolls every store back but the orders: chain, cloud, index rows, pages. L1 and the block sequence go on."""
        self.rollback.back_to(snapshot)

    def restore_index_rows(self) -> None:
        """Writes the chain's indices into the database, as of now."""
        keys = np.arange(len(self.markets))
        values = np.zeros((len(keys), 4), np.int64)
        values[:, INDEX], values[:, AT_MS], values[:, HEIGHT] = self.chain.index, self.sim.now_ms, self.chain.height
        self.chain.index_ms[:] = self.sim.now_ms
        self.database.overwrite(TABLE, keys, values)

    def index_rows_height(self) -> int:
        """The greatest height that an index row in the database refers to."""
        return self.database.greatest(TABLE, HEIGHT)


def planned_steps(runbook: Runbook) -> list[tuple[str, int]]:
    """(label, planned start in ms from the start of the run) of the main branch."""
    at_ms, planned = runbook.before_ms, []
    for spec in runbook.steps:
        planned.append((spec.label, at_ms))
        at_ms += spec.duration_ms
    return planned
