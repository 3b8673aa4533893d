"""What a venue has to show: safeguards as switches, and subjects to list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from drydock.harness.port import Switch
from drydock.harness.typed import to_plain
from drydock.models.links import CHANNELS
from drydock.models.regimes import REGIMES
from drydock.models.runbook_spec import SERVICES, Gate, StepKind
from drydock.models.seams import SEAM_SENTENCES
from drydock.models.venue import (
    Auction,
    CircuitBreaker,
    DataValidation,
    ExternalMark,
    LiquidationSpec,
    PriceFreshness,
    Venue,
    WithdrawalGate,
)

STEP_SENTENCES: Mapping[str, str] = {
    "announce": "tells people; nothing changes",
    "set_mode": "every running service acknowledges the mode, then the venue announces it",
    "drain": "lets what is under way reach the chain and a block",
    "snapshot": "keeps the chain's state and the order store to go back to, and proves that the state restores",
    "stop_services": "ends service processes; what they had in memory is gone",
    "start_services": "starts service processes, which boot and load by themselves",
    "scale_up": "copies the database to a bigger instance, which answers before the copy is complete",
    "verify": "asks its gates until they hold or the time is over; then on_fail decides",
    "wait": "time passes",
    "rollback": "takes every store back to the snapshot, once people have decided to",
    "cancel_orders": "cancels orders in the books and triggers, all but the kinds to keep, and tells their owners",
    "resume": "holds the auction where one is due, sets the mode to OK and reconciles L1",
}
REGIME_SENTENCES: Mapping[str, str] = {
    "flat": "outside prices do not move: what goes wrong is the venue's own doing",
    "calm": "an ordinary night",
    "trend": "prices drift by a percent an hour",
    "crash": "majors fall 10 to 15 %, alts 50 to 80 %, beginning shortly before the window",
    "gap": "prices move between minutes 100 and 125 of the night, havens by 1.5 % and the rest by 0.5 %; else flat",
}
A_TAPE = ("NAME", "a night that was recorded, under a name of your own: `tapes: {NAME: file.csv}` beside the scenario")
GATE_SENTENCES: Mapping[str, str] = {
    "processes_up": "every process exists: liveness, not readiness",
    "ready": "every service says that it is ready, by its own rule",
    "indices_present": "every market's index, in the cloud and on the chain, is younger than the restart",
    "copies_agree": "indices in the cloud and on the chain agree within the declared lag",
    "prices_fresh": "no price is older than declared for a fill",
}
SERVICE_SENTENCES: Mapping[str, str] = {
    "market_data": "takes prices from outside and publishes spot and mark; the averages of its books live in it",
    "funding": "loads the funding indices from the database, ticks them, publishes them, and writes them back",
    "liquidator": "checks every account's health, takes positions over, and unwinds what it took",
    "portfolio": "the page that shows people what they have; follows the chain at a distance",
    "vault": "the page of the Liquidator Vault; follows the chain at a distance",
    "front_page": "the page that shows prices; has none until market data has some",
    "gateway": "takes people's orders; without it nobody reaches the books",
}
NOTIONAL_MAX_QUANTUMS = 1_000_000_000_000  # [A] $1 M a check: what switching the rate limit on means


def safeguards(venue: Venue) -> Sequence[Switch]:
    """The venue's safeguards with their values: against wrong indices, for modes and prices, and for reopenings."""
    return (*_of_data(venue), *_of_modes(venue), *_of_reopening(venue), *_of_liquidations(venue))


def _of_data(venue: Venue) -> Iterator[Switch]:
    guards = venue.safeguards
    yield Switch(
        "readiness_gate", "venue.funding.readiness",
        "a restarted funding engine ticks only when its rows are loaded (and equal to the chain's)",
        venue.funding.readiness, "process_up", "checksum_verified",
    )  # fmt: skip
    yield Switch(
        "data_validation", "venue.safeguards.data_validation",
        "a funding tick is refused whole if an index steps too far, a market is missing, or its slot is over",
        to_plain(guards.data_validation), None, to_plain(DataValidation()),
    )  # fmt: skip
    yield Switch(
        "full_downtime", "venue.safeguards.full_downtime",
        "no service process runs until the copy is complete and verified",
        guards.full_downtime, False, True,
    )  # fmt: skip
    yield Switch(
        "funding_pause", "venue.safeguards.funding_pause_ms",
        "funding does not tick while the oracle is not good",
        guards.funding_pause_ms, None, 30_000,
    )  # fmt: skip


def _of_modes(venue: Venue) -> Iterator[Switch]:
    guards = venue.safeguards
    yield Switch(
        "mode_matrix", "venue.safeguards.mode_matrix",
        "services honour the declared mode matrix: no fill, liquidation, trigger or payout in a mode without it",
        guards.mode_matrix, False, True,
    )  # fmt: skip
    yield Switch(
        "price_freshness", "venue.safeguards.price_freshness",
        "no action uses a price older than its limit",
        to_plain(guards.price_freshness), None, to_plain(PriceFreshness()),
    )  # fmt: skip
    yield Switch(
        "post_only_band", "venue.safeguards.post_only_band_ppm",
        "in POST_ONLY every order, resting ones too, lies in a narrow band around the outside price (with a book)",
        guards.post_only_band_ppm, None, 500,
    )  # fmt: skip
    yield Switch(
        "external_mark", "venue.safeguards.external_mark",
        "the mark follows outside prices until the book has been liquid for a while (with a book)",
        to_plain(guards.external_mark), None, to_plain(ExternalMark()),
    )  # fmt: skip


def _of_reopening(venue: Venue) -> Iterator[Switch]:
    guards = venue.safeguards
    yield Switch(
        "grace", "venue.safeguards.grace_ms",
        "nobody is liquidated, no trigger fires and nothing is unwound for a while after OK",
        guards.grace_ms, None, 300_000,
    )  # fmt: skip
    yield Switch(
        "auction", "venue.safeguards.auction",
        "after a gap orders are collected and met at one price before the venue goes to OK (with a book)",
        to_plain(guards.auction), None, to_plain(Auction()),
    )  # fmt: skip
    yield Switch(
        "withdrawal_gate", "venue.safeguards.withdrawal_gate",
        "after a long closure nothing is paid out for a while",
        to_plain(guards.withdrawal_gate), None, to_plain(WithdrawalGate()),
    )  # fmt: skip


def _of_liquidations(venue: Venue) -> Iterator[Switch]:
    spec = venue.liquidation
    yield Switch(
        "circuit_breaker", "venue.safeguards.circuit_breaker",
        "liquidations halt when more was liquidated than prices explain",
        to_plain(venue.safeguards.circuit_breaker), None, to_plain(CircuitBreaker()),
    )  # fmt: skip
    yield Switch(
        "rate_limit", "venue.liquidation.notional_max_quantums",
        "one check takes over positions of at most this worth, or of one account",
        spec.notional_max_quantums, None, NOTIONAL_MAX_QUANTUMS,
    )  # fmt: skip
    yield Switch(
        "recheck", "venue.liquidation.rechecks",
        "who was found under margin in an older state is looked at again before he is liquidated",
        spec.rechecks, False, True,
    )  # fmt: skip
    yield Switch(
        "partial_liquidation", "venue.liquidation.step_ppm",
        "a liquidation takes shares of the positions, only as many as the account needs",
        spec.step_ppm, 1_000_000, LiquidationSpec().step_ppm,
    )  # fmt: skip


def subjects() -> Mapping[str, Sequence[tuple[str, str]]]:
    """Steps, gates, services, seams, channels and regimes: name and sentence."""
    assert set(GATE_SENTENCES) == set(get_args(Gate))
    assert set(STEP_SENTENCES) == set(get_args(StepKind))
    return {
        "steps": tuple(STEP_SENTENCES.items()),
        "gates": tuple(GATE_SENTENCES.items()),
        "services": tuple((name, SERVICE_SENTENCES[name]) for name in SERVICES),
        "seams": tuple(SEAM_SENTENCES.items()),
        "channels": tuple((channel.name, f"{channel.direction}: {channel.sentence}") for channel in CHANNELS),
        "regimes": (*((name, REGIME_SENTENCES[name]) for name in REGIMES), A_TAPE),
    }
