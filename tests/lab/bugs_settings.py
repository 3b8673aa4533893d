"""Mistakes of a venue's settings and of its runbook: one place of ``lab.yaml`` is other than it should be."""

from __future__ import annotations

from tests.lab.planted import Bug

CHECK = "runbook.steps.9"
GATES = "ready, prices_fresh, indices_present, copies_agree"

BUGS = (
    Bug(
        "ticks-before-rows-zero",
        "the funding timer starts with the process, and a row that is not there yet counts as zero",
        "F3",
        1,
        ("venue.funding.readiness=process_up", "venue.funding.on_missing=default_zero"),
    ),
    Bug(
        "ticks-before-rows-skip",
        "the funding timer starts with the process, and a market without its row is left out of the tick",
        "F2",
        1,
        ("venue.funding.readiness=process_up",),
    ),
    Bug(
        "ticks-market-by-market",
        "the funding engine ticks each market as soon as its own row is there",
        "F2",
        1,
        ("venue.funding.readiness=per_market_loaded",),
    ),
    Bug(
        "rows-not-verified",
        "the funding engine takes its rows as they come, without comparing them with the chain",
        "F3",
        1,
        ("venue.funding.readiness=all_loaded",),
    ),
    Bug(
        "no-compare-and-set",
        "the write-behind overwrites rows, whoever wrote them last",
        "F4",
        1,
        ("venue.funding.compare_and_set=false",),
    ),
    Bug(
        "gap-not-capped",
        "funding accrues over a gap of any length; a planned closure is just short enough",
        "F7",
        1,
        ("venue.funding.gap_cap_ms=null",),
    ),
    Bug(
        "prices-of-any-age",
        "a price may be an hour old, whatever it is used for: longer than the night",
        "P2",
        1,
        ("venue.safeguards.price_freshness={fill_ms: 1h, liquidation_ms: 1h, funding_ms: 1h}",),
    ),
    Bug(
        "prices-of-two-minutes",
        "a fill may use a price of two minutes, where 30 s are declared",
        "P2",
        1,
        ("venue.safeguards.price_freshness={fill_ms: 2m}",),
    ),
    Bug(
        "two-sources-no-limit",
        "two spot sources are averaged, and nothing says how far they may be apart",
        "P2",
        1,
        ("venue.oracle.spot_sources=2", "venue.oracle.outlier_ppm_max=null"),
    ),
    Bug(
        "one-source-takes-zero",
        "there is one spot source, and its zero is a price like others",
        "P1",
        1,
        ("venue.oracle.spot_sources=1", "venue.oracle.on_zero=take", "venue.oracle.outlier_ppm_max=null"),
    ),
    Bug(
        "one-source-any-unit",
        "there is one spot source, and no limit to how far it is from its last price",
        "P3",
        1,
        ("venue.oracle.spot_sources=1", "venue.oracle.outlier_ppm_max=null"),
    ),
    Bug(
        "fills-sent-once",
        "the cloud sends again what nobody confirmed, after an hour: not in this night",
        "S6",
        1,
        ("venue.messages.submit_resend_ms=1h",),
    ),
    Bug(
        "fills-sent-again-late",
        "the cloud sends again what nobody confirmed, after half a minute: longer than the copies may lag",
        "S6",
        1,
        ("venue.messages.submit_resend_ms=30s",),
    ),
    Bug(
        "no-idempotency-key",
        "who sends again does so without a key, and who receives takes whatever comes",
        "S6",
        1,
        ("venue.messages.drops_duplicates=false",),
    ),
    Bug(
        "artefact-too-long-skipped",
        "the engine holds five entries of the market parameters, and leaves out what is more",
        "F2",
        1,
        ("venue.artefact={funding_max: 5, on_excess: skip}",),
    ),
    Bug(
        "no-last-check",
        "the gates are asked after the start, and not again before OK, twenty seconds later",
        "M5",
        1,
        (CHECK + "={step: wait, name: check}",),
    ),
    Bug(
        "last-check-gives-up",
        "the last check asks for five seconds and then goes on as if nothing were",
        "M5",
        1,
        (CHECK + f"={{step: verify, name: check, gate: [{GATES}], timeout_ms: 5s, on_fail: continue}}",),
    ),
    Bug(
        "check-without-indices",
        "the last check does not ask for new indices: the first one is skipped, and the engine is late",
        "M5",
        2,
        (CHECK + "={step: verify, name: check, gate: [ready, prices_fresh, copies_agree], on_fail: wait}",),
    ),
    Bug(
        "check-asks-processes",
        "the last check asks whether processes are up, not whether they are ready",
        "M5",
        1,
        (CHECK + "={step: verify, name: check, gate: [processes_up, prices_fresh, copies_agree], on_fail: wait}",),
    ),
)
