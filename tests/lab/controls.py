"""Right builds that look like planted bugs: the same place is other than in ``lab.yaml``, and rightly so."""

from __future__ import annotations

from drydock.harness.sim import Steps
from drydock.models.accounts import Ints
from drydock.models.chain import Transaction
from drydock.models.cloud import Cloud
from drydock.models.funding_engine import FundingEngine
from drydock.models.invariants.canaries.build import venue_with
from drydock.models.runbook import ACK_MS, Player
from tests.lab.bugs_settings import CHECK, GATES
from tests.lab.planted import Control


class LastRowBeforeTheFirstTick(FundingEngine):
    """The last row is put into the cache a millisecond before the first tick."""

    def on_ready(self) -> None:
        """No order of one instant can change that."""
        self._is_cached[-1] = False
        self.sim.call_in(self._spec.tick_ms - 1, self._cache_last, self.epoch, self._loader, "last row")
        super().on_ready()

    def _cache_last(self, epoch: int) -> None:
        if self.is_current(epoch):
            self._is_cached[-1] = True


class WaitsForEverybody(Player):
    """Acknowledgements take as long as the operators wait for them; who has not answered is waited for again."""

    def _wait_for_acks(self, mode: str) -> Steps:
        while waiting := self._waiting():
            for service in waiting:
                self._sim.call_in(ACK_MS, self._ack, (service.name, mode), service.lane, "ack")
            yield self._sim.sleep(ACK_MS, "ack")


class SendsEverythingTwice(Cloud):
    """A message goes out a second time, under its own number, whether or not somebody confirmed it."""

    def _send_bent(self, transaction: Transaction) -> None:
        super()._send_bent(transaction)
        self._send_numbered((self._sent, transaction))


class VerifiesTwice(FundingEngine):
    """Rows are compared with the chain once more than they need be."""

    def _differs_from_chain(self) -> Ints:
        super()._differs_from_chain()
        return super()._differs_from_chain()


class WatchdogOnlyLooks(FundingEngine):
    """Somebody looks in the instant of each tick whether there was one, and does nothing about it."""

    def on_ready(self) -> None:
        """After the timer."""
        super().on_ready()
        self.sim.call_in(self._spec.tick_ms, self._watch, self.epoch, self._writer, "watch")

    def _watch(self, epoch: int) -> None:
        if self.is_current(epoch):
            self.sim.call_in(self._spec.tick_ms, self._watch, epoch, self._writer, "watch")


CONTROLS: tuple[Control, ...] = (
    Control("as-it-is", "nothing is changed: the right build itself", ""),
    Control(
        "ticks-early-and-validated",
        "the timer starts with the process, and a tick that does not continue from the chain is refused whole",
        "ticks-before-rows-skip",
        ("venue.funding.readiness=process_up", "venue.safeguards.data_validation={}"),
    ),
    Control(
        "gap-capped-sooner",
        "the engine's cap is 30 s, the declared one three minutes",
        "gap-not-capped",
        ("venue.funding.gap_cap_ms=30s",),
    ),
    Control(
        "prices-of-twenty-seconds",
        "a fill may use a price of 20 s, where 30 s are declared",
        "prices-of-two-minutes",
        ("venue.safeguards.price_freshness={fill_ms: 20s}",),
    ),
    Control(
        "three-sources-no-limit",
        "nothing says how far a source may be away, and there are three: the median does",
        "two-sources-no-limit",
        ("venue.oracle.outlier_ppm_max=null",),
    ),
    Control(
        "three-sources-take-zero",
        "a zero is a price like others, and the median leaves it out",
        "one-source-takes-zero",
        ("venue.oracle.on_zero=take",),
    ),
    Control(
        "fills-sent-again-soon",
        "the cloud sends again after half a second",
        "fills-sent-once",
        ("venue.messages.submit_resend_ms=500",),
    ),
    Control(
        "fills-sent-again-in-time",
        "the cloud sends again after five seconds: still within the declared lag",
        "fills-sent-again-late",
        ("venue.messages.submit_resend_ms=5s",),
    ),
    Control(
        "artefact-as-long-as-it-gets",
        "the engine holds sixty entries and leaves out what is more; there are never more",
        "artefact-too-long-skipped",
        ("venue.artefact={funding_max: 60, on_excess: skip}",),
    ),
    Control(
        "artefact-too-long-refused",
        "the engine holds five entries and dies of more, until the artefact is good again",
        "artefact-too-long-skipped",
        ("venue.artefact={funding_max: 5, on_excess: raise}",),
    ),
    Control(
        "only-the-last-check",
        "the gates are not asked after the start, but right before OK",
        "no-last-check",
        ("runbook.steps.6={step: wait, name: verify}",),
    ),
    Control(
        "last-check-short-and-waits",
        "the last check's time is over after five seconds, and then it waits on",
        "last-check-gives-up",
        (CHECK + f"={{step: verify, name: check, gate: [{GATES}], timeout_ms: 5s, on_fail: wait}}",),
    ),
    Control(
        "check-asks-more",
        "the last check asks every gate that there is, in another order",
        "check-without-indices",
        (
            CHECK + "={step: verify, name: check, gate: [copies_agree, indices_present, prices_fresh, ready, "
            "processes_up], on_fail: wait}",
        ),
    ),
    Control(
        "first-check-gives-up",
        "the check after the start goes on as if nothing were; the last one does not",
        "last-check-gives-up",
        (f"runbook.steps.6={{step: verify, gate: [{GATES}], timeout_ms: 5s, on_fail: continue}}",),
    ),
    Control(
        "rows-come-slowly",
        "every row takes ten seconds to load, two ticks; the engine waits",
        "ticks-before-rows-zero",
        ("venue.funding.load_mean_ms=10s",),
    ),
    Control(
        "last-row-before-first-tick",
        "the last row comes a millisecond before the first tick",
        "last-row-with-first-tick",
        world=venue_with(funding=LastRowBeforeTheFirstTick),
    ),
    Control(
        "waits-on-the-dot",
        "operators wait as long as an acknowledgement takes, and again for whoever has not answered",
        "announced-on-the-dot",
        world=venue_with(player=WaitsForEverybody),
    ),
    Control(
        "sends-everything-twice",
        "the cloud sends everything twice under one number, which the sequencer knows",
        "resent-under-a-new-number",
        world=venue_with(cloud=SendsEverythingTwice),
    ),
    Control(
        "verifies-twice",
        "rows are compared with the chain once more than they need be",
        "verified-once",
        world=venue_with(funding=VerifiesTwice),
    ),
    Control(
        "watchdog-only-looks",
        "a watchdog looks in the instant of the tick, and does nothing",
        "watchdog-in-the-instant",
        world=venue_with(funding=WatchdogOnlyLooks),
    ),
)
