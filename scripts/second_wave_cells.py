"""What the tables of docs/incidents/paradex-second-wave.md compare: each cell a scenario with settings, and its seeds.

The night itself is played whole; everything else starts from the rolled-back state (``paradex-reopening``): less work,
the same parts. Set R is the file as it stands. Set D is a price that moved during the halt and nobody with bad intent;
B an external vote that is missing for a quarter of an hour; C averages that a restart has lost.
"""

from __future__ import annotations

from dataclasses import dataclass

NIGHT, REOPENING = "paradex-2026-01-19", "paradex-reopening"
POST_ONLY_MS = "runbook.steps.9.duration_ms"
TRADERS = "population.traders"
NO_SQUEEZE = f"{TRADERS}.squeezes_per_hour=0"
SET_D = (NO_SQUEEZE, f"{TRADERS}.harvests_per_hour=240", f"{TRADERS}.maker_return_ms=15m", f"{POST_ONLY_MS}=20m")
NO_TRIGGERS = (f"{TRADERS}.take_profit_ppm=0", f"{TRADERS}.stop_loss_ppm=0")


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of a table. ``band_pct`` is another band for the market whose band is widest over its margin."""

    table: str
    name: str
    sets: tuple[str, ...] = ()
    scenario: str = REOPENING
    regime: str = "flat"
    late_votes: bool = False
    band_pct: int | None = None
    seeds: int = 30

    @property
    def key(self) -> str:
        """Its name in the results."""
        return f"{self.table}: {self.name}"


def _shape(table: str, name: str, *sets: str) -> Cell:
    return Cell(table, name, sets)


CELLS: tuple[Cell, ...] = (
    Cell("night", "as reported: set R, the whole night", scenario=NIGHT, seeds=200),
    Cell("night", "set R, the reopening alone", seeds=200),
    Cell("origin", "an empty book alone: nobody quotes far", (NO_SQUEEZE, f"{TRADERS}.harvests_per_hour=0")),
    Cell("origin", "an empty book and opportunists, no squeezer", (NO_SQUEEZE,)),
    Cell("origin", "set R: squeezers, outside prices flat"),
    Cell("origin", "set D: prices moved during the halt, no squeezer", SET_D, regime="gap", seeds=60),
    Cell("origin", "set D with flat prices", SET_D),
    Cell("origin", "set B: external votes late, no squeezer", (NO_SQUEEZE,), late_votes=True),
    Cell("origin", "set B, two votes: the lower", (NO_SQUEEZE, "venue.order_book.two_votes=lower"), late_votes=True),
    Cell("origin", "set B with squeezers", (), late_votes=True),
    Cell("origin", "set C: averages lost, no squeezer", (NO_SQUEEZE, "venue.order_book.cold_start=forget")),
    Cell("origin", "set C with squeezers", ("venue.order_book.cold_start=forget",)),
    *(Cell("band", f"{pct} %", band_pct=pct) for pct in (20, 15, 10, 5, 2)),
    *(_shape("window", f"{m} min", f"{POST_ONLY_MS}={m}m") for m in (2, 5, 10, 20, 30)),
    *(_shape("phase", f"{s} s", f"venue.liquidation.check_phase_ms={s}s") for s in (0, 1, 2, 3, 4)),
    _shape("triggers", "25 % take-profit, 25 % stop-loss"),
    _shape("triggers", "none", *NO_TRIGGERS),
    _shape("triggers", "50 % and 50 %", f"{TRADERS}.take_profit_ppm=50%", f"{TRADERS}.stop_loss_ppm=50%"),
    _shape("triggers", "cancelled with all other orders", "runbook.steps.7.keep=[]"),
    _shape("people", "squeezes half as often", f"{TRADERS}.squeezes_per_hour=125"),
    _shape("people", "squeezes twice as often", f"{TRADERS}.squeezes_per_hour=500"),
    _shape("people", "squeezers weigh band over margin once", f"{TRADERS}.squeeze_power=1"),
    _shape("people", "makers back after 5 min (median)", f"{TRADERS}.maker_return_ms=5m"),
    _shape("people", "makers back after 15 min", f"{TRADERS}.maker_return_ms=15m"),
    _shape("people", "the vault unwinds nothing", "venue.order_book.unwind_ppm=0"),
    _shape("people", "the vault unwinds 20 % each time", "venue.order_book.unwind_ppm=20%"),
    _shape("people", "5,000 accounts", "population.accounts=5000"),
    _shape("people", "half of the open interest", "population.open_interest_usd=320000000 USD"),
    *(
        Cell("safeguards", f"{name}, set {wave}", sets + (SET_D if wave == "D" else ()), regime=regime)
        for name, sets in (
            ("none", ()),
            ("post-only band 5 bps", ("venue.safeguards.post_only_band_ppm=5bps",)),
            ("post-only band 100 bps", ("venue.safeguards.post_only_band_ppm=100bps",)),
            ("external mark", ("venue.safeguards.external_mark={}",)),
            (
                "mode matrix, no grace",
                ("venue.safeguards.mode_matrix=true", "venue.declared.post_only=[cancel, post]",
                 "venue.declared.cancel_only=[cancel]"),
            ),
            (
                "mode matrix, 5 min of grace",
                ("venue.safeguards.mode_matrix=true", "venue.declared.post_only=[cancel, post]",
                 "venue.declared.cancel_only=[cancel]", "venue.safeguards.grace_ms=5m"),
            ),
            ("circuit breaker", ("venue.safeguards.circuit_breaker={}",)),
            ("auction of 5 min", ("venue.safeguards.auction={scale_ppm: 83333}",)),
        )
        for wave, regime in (("R", "flat"), ("D", "gap"))
    ),
)  # fmt: skip
