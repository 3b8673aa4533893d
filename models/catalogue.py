"""What a venue has to show: safeguards as switches, and subjects to list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from drydock.harness.port import Switch
from drydock.harness.typed import to_plain
from drydock.models.regimes import REGIMES
from drydock.models.runbook_spec import SERVICES, Gate, StepKind
from drydock.models.seams import SEAM_SENTENCES
from drydock.models.venue import DataValidation, PriceFreshness, Venue

STEP_SENTENCES: Mapping[str, str] = {
    "announce": "tells people; nothing changes",
    "set_mode": "every running service acknowledges the mode, then the venue announces it",
    "drain": "lets what is under way reach the chain and a block",
    "snapshot": "keeps the chain's state to go back to, and proves that it restores",
    "stop_services": "ends service processes; what they had in memory is gone",
    "start_services": "starts service processes, which boot and load by themselves",
    "scale_up": "copies the database to a bigger instance, which answers before the copy is complete",
    "verify": "asks its gates until they hold or the time is over; then on_fail decides",
    "wait": "time passes",
    "rollback": "takes every store back to the snapshot, once people have decided to",
    "cancel_orders": "cancels orders in the books and triggers, all but the kinds to keep, and tells their owners",
    "resume": "sets the mode to OK and reconciles L1",
}
REGIME_SENTENCES: Mapping[str, str] = {
    "flat": "outside prices do not move: what goes wrong is the venue's own doing",
    "calm": "an ordinary night",
    "trend": "prices drift by a percent an hour",
    "crash": "majors fall 10 to 15 %, alts 50 to 80 %, beginning shortly before the window",
    "gap": "prices move during the halt, havens by 1.5 % and the rest by 0.5 %; before and after it they are flat",
}


def safeguards(venue: Venue) -> Sequence[Switch]:
    """The venue's safeguards with their values."""
    guards = venue.safeguards
    return (
        Switch(
            "readiness_gate", "venue.funding.readiness",
            "a restarted funding engine ticks only when its rows are loaded (and equal to the chain's)",
            venue.funding.readiness, "process_up", "checksum_verified",
        ),
        Switch(
            "data_validation", "venue.safeguards.data_validation",
            "a funding tick is refused whole if an index steps too far or a market is missing",
            to_plain(guards.data_validation), None, to_plain(DataValidation()),
        ),
        Switch(
            "full_downtime", "venue.safeguards.full_downtime",
            "no service process runs until the copy is complete and verified",
            guards.full_downtime, False, True,
        ),
        Switch(
            "mode_matrix", "venue.safeguards.mode_matrix",
            "services honour the declared mode matrix",
            guards.mode_matrix, False, True,
        ),
        Switch(
            "price_freshness", "venue.safeguards.price_freshness",
            "no action uses a price older than its limit",
            to_plain(guards.price_freshness), None, to_plain(PriceFreshness()),
        ),
        Switch(
            "funding_pause", "venue.safeguards.funding_pause_ms",
            "funding does not tick while the oracle is not good",
            guards.funding_pause_ms, None, 30_000,
        ),
    )  # fmt: skip


def subjects() -> Mapping[str, Sequence[tuple[str, str]]]:
    """Steps, gates, services, seams and regimes: name and sentence."""
    gates = {
        "processes_up": "every process exists: liveness, not readiness",
        "ready": "every service says that it is ready, by its own rule",
        "indices_present": "every market's index on the chain is younger than the restart",
        "copies_agree": "indices in the cloud and on the chain agree within the declared lag",
        "prices_fresh": "no price is older than declared for a fill",
    }
    assert set(gates) == set(get_args(Gate))
    assert set(STEP_SENTENCES) == set(get_args(StepKind))
    return {
        "steps": tuple(STEP_SENTENCES.items()),
        "gates": tuple(gates.items()),
        "services": tuple((name, "a process that runbook steps start and stop") for name in SERVICES),
        "seams": tuple(SEAM_SENTENCES.items()),
        "regimes": tuple((name, REGIME_SENTENCES[name]) for name in REGIMES),
    }
