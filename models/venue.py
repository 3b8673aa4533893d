"""The venue as typed data: what a scenario file says about the build under test.

Fields end in their unit; a file may write ``5s`` or ``20%``. Every default is tagged: [S] documented by a source of
docs/provenance.md, [P] press, [A] an assumption of this project.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from drydock.harness.port import Range

Readiness = Literal["process_up", "per_market_loaded", "all_loaded", "checksum_verified"]
OnMissing = Literal["default_zero", "skip", "raise"]
Mode = Literal["ok", "maintenance", "cancel_only", "post_only", "auction"]
Action = Literal["fill", "liquidate", "trigger", "withdraw", "cancel", "post"]
OrderKind = Literal["limit", "take_profit", "stop_loss"]

Millis = Annotated[int, Range(0, 86_400_000)]
Period = Annotated[int, Range(1, 86_400_000)]
Ppm = Annotated[int, Range(0, 1_000_000)]
Money = Annotated[int, Range(0, 1_000_000_000_000_000)]
Count = Annotated[int, Range(0, 1_000_000)]

MODES: tuple[Mode, ...] = ("ok", "maintenance", "cancel_only", "post_only", "auction")
LEGAL_MODE_CHANGES = frozenset(
    {
        ("ok", "cancel_only"), ("ok", "maintenance"), ("ok", "post_only"),
        ("cancel_only", "maintenance"), ("cancel_only", "post_only"), ("cancel_only", "ok"),
        ("post_only", "ok"), ("post_only", "maintenance"), ("post_only", "cancel_only"),
        ("maintenance", "cancel_only"), ("maintenance", "post_only"), ("maintenance", "ok"),
        ("maintenance", "auction"), ("cancel_only", "auction"), ("post_only", "auction"),
        ("auction", "ok"), ("auction", "maintenance"),
    }
)  # fmt: skip
"""A venue may leave MAINTENANCE in steps or at once; what it must not do is announce the mode that it is already in."""


@dataclass(frozen=True, slots=True)
class MarketsSpec:
    """Which markets: a packaged or own CSV, prices and open interest from a second one, and optionally only some."""

    file: str = "paradex_markets_2026-01-16.csv"
    reference: str | None = None
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OracleSpec:
    """Prices from outside. Two spot sources (Pyth, Stork [S]), three external venues (Binance, Bybit, OKX [S])."""

    spot_sources: Annotated[int, Range(1, 9)] = 2
    external_venues: Annotated[int, Range(1, 9)] = 3
    tick_ms: Period = 1_000  # [A]
    external_tick_ms: Period = 5_000  # [A] at least as often as marks are computed
    mark_ms: Period = 5_000  # [S] marks are computed and published every 5 s
    mark_phase_ms: Millis | None = None  # [A] at t mod mark_ms; null: counted from the service's start
    send_ms: Millis = 40  # [A]


@dataclass(frozen=True, slots=True)
class OrderBookSpec:
    """The order book, and how the mark listens to it. A venue without one fills intents at mark.

    The venue's own votes: the median of bid, ask and last-trade averages, and the mid average ([S] paradex-docs
    mark-price-calculation.mdx, January 2026); the third vote is the median of the external venues.
    """

    two_votes: Literal["mean", "lower", "upper"] = "mean"  # [A] the median of an even number of votes
    empty_side: Literal["hold", "drop", "zero"] = "hold"  # [A] what the average of a side without orders does
    cold_start: Literal["keep", "last_trade", "forget"] = "keep"  # [A] which averages outlive a restart
    needs_external: bool = False  # [A] whether a mark is published without any external vote
    unwind_ms: Period = 5_000  # [A] the Liquidator Vault sells what it took over this often ...
    unwind_phase_ms: Millis = 1_500  # [A] ... at t mod unwind_ms ...
    unwind_ppm: Ppm = 1_000_000  # [A] ... this share of its inventory
    resync_ms: Millis = 2_000  # [A] an account whose fill was bust is closed for so long
    trigger_ms: Millis = 5  # [A] from a mark to the market order of a trigger


@dataclass(frozen=True, slots=True)
class FundingSpec:
    """The funding engine: when a restarted one may tick, and what a market is to it without its row."""

    readiness: Readiness = "checksum_verified"
    on_missing: OnMissing = "skip"
    tick_ms: Period = 5_000  # [S]
    clamp_ppm: Ppm = 500  # [S]
    gap_cap_ms: Millis | None = None  # [S] 30 s since April 2026; none documented before
    persist_ms: Millis = 200  # [A] write-behind
    load_mean_ms: Millis = 500  # [A] a usual day
    load_sigma_ppm: Ppm = 600_000  # [A]
    compare_and_set: bool = False  # [A]


@dataclass(frozen=True, slots=True)
class LiquidationSpec:
    """The liquidator: health check, shares, penalty ([S] paradex-docs liquidations.mdx)."""

    check_ms: Period = 5_000  # [S]
    check_phase_ms: Millis | None = None  # [A] at t mod check_ms; null: counted from the service's start
    notional_max_quantums: Money | None = None  # [A] G20: no more than this is taken over in one check
    step_ppm: Ppm = 200_000  # [S]
    target_ppm: Ppm = 900_000  # [S]
    fee_ppm: Ppm = 700_000  # [S] 70 % in the text, 50 % in the table
    taker_fee_ppm: Ppm = 300  # [A] 3 bps; part of the maintenance margin [S]
    boot_ms: Millis = 1_500  # [A]


@dataclass(frozen=True, slots=True)
class ChainSpec:
    """The sequencer. Blocks are sealed at this interval while the venue trades, otherwise when something is pending."""

    block_ms: Period = 5_000  # [A]
    submit_ms: Millis = 60  # [A] cloud to sequencer
    l1_confirm_ms: Millis = 60_000  # [A]


@dataclass(frozen=True, slots=True)
class DatabaseSpec:
    """The database: replica lag, recovery after a crash, and how a scale-up copies."""

    replica_lag_ms: Millis = 500  # [A]
    recovery_ms: Millis = 8_000  # [A]
    retry_ms: Period = 1_000  # [A] a client whose statement was refused tries again
    connect_after_ppm: Ppm = 400_000  # [A] share of a scale-up after which the bigger instance accepts connections


@dataclass(frozen=True, slots=True)
class ReadModelSpec:
    """Portfolio and vault pages."""

    refresh_ms: Period = 15_000  # [A]
    lag_ms_max: Millis = 60_000  # [A] declared: how far a page may be behind
    after_rollback: Literal["reread", "newest_height"] = "reread"  # [A] what a page does with a lower height
    before_load: Literal["blank", "default_zero"] = "blank"  # [A] what the front page shows before prices


@dataclass(frozen=True, slots=True)
class DataValidation:
    """G1 to G3: a funding tick is refused whole if an index steps too far or a market with open interest is missing."""

    rate_ppm_max: Ppm = 50_000  # [S] the widest cap of the venue, per funding period
    gap_cap_ms: Millis = 30_000  # [S] Paradex, April 2026


@dataclass(frozen=True, slots=True)
class PriceFreshness:
    """G8: how old a price may be for each action."""

    fill_ms: Period = 30_000  # [A]
    liquidation_ms: Period = 15_000  # [A] strict, as Synthetix and Perennial
    funding_ms: Period = 30_000  # [A]


@dataclass(frozen=True, slots=True)
class ExternalMark:
    """G13: ``(1 - w) * external + w * own book``; w grows over ``ramp_ms`` of ticks with both sides and a spread."""

    ramp_ms: Period = 1_800_000  # [S] Paradex, 2026
    spread_ppm_max: Ppm = 10_000  # [S]


@dataclass(frozen=True, slots=True)
class Auction:
    """G18: after a gap the venue collects orders and uncrosses once ([S] Vega 0094-PRAC).

    Gap from, auction length: 10 s, 1 min; 1 min, 5 min; 10 min, 1 h; 1 h, 1 h; 6 h, 3 h; 24 h, 6 h, each times
    ``scale_ppm``; the largest threshold below the gap counts.
    """

    scale_ppm: Annotated[int, Range(1, 1_000_000)] = 1_000_000

    def length_ms(self, gap_ms: int) -> int:
        """How long the auction lasts after a closure of this length; 0 for a short one."""
        lengths = [length for gap, length in AUCTION_TABLE_MS if gap_ms >= gap]
        return lengths[-1] * self.scale_ppm // 1_000_000 if lengths else 0


AUCTION_TABLE_MS = (
    (10_000, 60_000), (60_000, 300_000), (600_000, 3_600_000), (3_600_000, 3_600_000), (21_600_000, 10_800_000),
    (86_400_000, 21_600_000),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """G21: liquidations halt for ``halt_ms`` when more was liquidated than the price move of the window explains.

    limit = base + factor * open interest * largest move of a mark in the window ([I] no venue documents one).
    """

    window_ms: Period = 60_000
    base_quantums: Money = 1_000_000_000_000
    factor_ppm: Annotated[int, Range(0, 100_000_000)] = 2_000_000
    halt_ms: Period = 300_000


@dataclass(frozen=True, slots=True)
class WithdrawalGate:
    """G22: after a closure of ``gap_ms`` nothing is paid out for ``hold_ms`` ([S] dYdX: 50 blocks after 5 min)."""

    gap_ms: Period = 300_000
    hold_ms: Period = 600_000


@dataclass(frozen=True, slots=True)
class Safeguards:
    """Named switches, each with its value; off is null or false."""

    data_validation: DataValidation | None = None
    full_downtime: bool = False
    mode_matrix: bool = True
    price_freshness: PriceFreshness | None = None
    funding_pause_ms: Period | None = None
    post_only_band_ppm: Ppm | None = None
    external_mark: ExternalMark | None = None
    grace_ms: Period | None = None
    auction: Auction | None = None
    circuit_breaker: CircuitBreaker | None = None
    withdrawal_gate: WithdrawalGate | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """What the venue declares of itself and is judged by, whether or not its services honour it."""

    fill_price_age_ms: Millis = 30_000  # [A]
    liquidation_price_age_ms: Millis = 15_000  # [A]
    funding_price_age_ms: Millis = 30_000  # [A]
    staleness_ms_max: Millis = 15_000  # [A] of L1: healthy at every instant of this window
    missed_after_ms: Millis = 60_000  # [A] of L4
    grace_ms: Millis = 0  # [A] no liquidation so soon after OK
    copies_lag_ms: Millis = 15_000  # [A] of F4
    index_gap_cap_ms: Millis | None = None
    mark_band_ppm: Ppm = 0  # [A] how far a right mark may be from the outside price: what the own book adds
    post_only_band_ppm: Ppm | None = None  # [S] 5 bps since February 2026
    retained_orders: tuple[OrderKind, ...] = ("take_profit", "stop_loss")  # [P] what a rollback keeps
    ok: tuple[Action, ...] = ("fill", "liquidate", "trigger", "withdraw", "cancel", "post")
    cancel_only: tuple[Action, ...] = ("liquidate", "cancel")
    post_only: tuple[Action, ...] = ("liquidate", "trigger", "cancel", "post")
    auction: tuple[Action, ...] = ("cancel", "post")
    maintenance: tuple[Action, ...] = ()

    def allows(self, mode: str, action: Action) -> bool:
        """Whether the declared matrix allows the action in the mode."""
        actions: tuple[Action, ...] = getattr(self, mode)
        return action in actions


@dataclass(frozen=True, slots=True)
class Venue:
    """The build under test."""

    markets: MarketsSpec = field(default_factory=MarketsSpec)
    oracle: OracleSpec = field(default_factory=OracleSpec)
    order_book: OrderBookSpec | None = None
    funding: FundingSpec = field(default_factory=FundingSpec)
    liquidation: LiquidationSpec = field(default_factory=LiquidationSpec)
    chain: ChainSpec = field(default_factory=ChainSpec)
    database: DatabaseSpec = field(default_factory=DatabaseSpec)
    read_models: ReadModelSpec = field(default_factory=ReadModelSpec)
    safeguards: Safeguards = field(default_factory=Safeguards)
    declared: Declared = field(default_factory=Declared)


@dataclass(frozen=True, slots=True)
class Traders:
    """How those behave who quote, and who left orders behind. It means something only with an order book."""

    maker_levels_ppm: tuple[Ppm, ...] = (300, 1_200, 3_000)  # [A] 3, 12 and 30 bps from the outside price
    maker_level_usd: Money = 60_000_000_000  # [A] $60,000 a level
    maker_inventory_usd: Money = 1_000_000_000_000  # [A] $1 M: beyond it a maker quotes one side only
    maker_quote_ms: Period = 5_000  # [A] looks at outside prices so often
    maker_requote_ppm: Ppm = 200  # [A] and quotes anew where they moved by 2 bps, or where a level was taken
    maker_return_ms: Millis = 600_000  # [A] median, after a closure that nobody had announced
    maker_return_sigma_ppm: Ppm = 800_000  # [A]
    maker_return_planned_ms: Millis = 5_000  # [A] after a closure within the announced window
    arbitrage_ppm: Ppm = 1_000  # [A] quotes 10 bps off the outside price are taken, in OK
    harvests_per_hour: Annotated[int, Range(0, 100_000)] = 90  # [A] in each market, while its book is thin
    squeezes_per_hour: Annotated[int, Range(0, 100_000)] = 600  # [A] in all markets together
    thin_spread_ppm: Ppm = 10_000  # [A] a book is thin where a side is empty or the spread above 1 %
    offset_ppm_min: Ppm = 50_000  # [A] how far from the anchor, in ppm of the price band
    offset_ppm_max: Ppm = 950_000  # [A]
    order_usd: Money = 20_000_000_000  # [A] median of an opportunist's order
    order_sigma_ppm: Annotated[int, Range(0, 3_000_000)] = 1_200_000  # [A]
    both_sides_ppm: Ppm = 400_000  # [A] harvests that quote both sides
    at_mark_ppm: Ppm = 500_000  # [A] harvests that are anchored at the mark; the others at the outside price
    squeeze_width_ppm: Ppm = 10_000  # [A] half of the distance between a squeezer's bid and ask
    take_profit_ppm: Ppm = 250_000  # [A] share of positions with a take-profit order ...
    take_profit_distance_ppm: Ppm = 30_000  # [A] ... and its median distance
    stop_loss_ppm: Ppm = 250_000  # [A]
    stop_loss_distance_ppm: Ppm = 20_000  # [A]
    trigger_sigma_ppm: Annotated[int, Range(0, 3_000_000)] = 600_000  # [A]
    limit_ppm: Ppm = 50_000  # [A] share of intents that are limit orders in the book ...
    limit_distance_ppm: Ppm = 20_000  # [A] ... and their median distance from the mark


@dataclass(frozen=True, slots=True)
class Population:
    """People: how many, how large, how levered, how active ([A] where docs/provenance.md has no source).

    ``file`` names a CSV of positions beside the scenario; its people then stand in the place of the drawn ones.
    """

    file: str | None = None
    accounts: Annotated[int, Range(2, 200_000)] = 2_000
    makers: Annotated[int, Range(1, 64)] = 4
    opportunists: Annotated[int, Range(0, 64)] = 0  # [A] quote far from mark where a book is thin
    squeezers: Annotated[int, Range(0, 64)] = 0  # [A] quote both sides of a displaced price
    opportunist_usd: Money = 5_000_000_000_000  # [A] $5 M: what each opportunist and squeezer begins with
    open_interest_usd: Money = 640_000_000_000_000  # [P] $640 M, in 1e-6 USD
    vault_usd: Money = 20_000_000_000_000  # [A] $20 M
    markets_each: Annotated[int, Range(1, 16)] = 3  # [A] at most
    size_alpha_ppm: Annotated[int, Range(1_050_000, 5_000_000)] = 1_200_000  # [A] Pareto
    fills_per_minute: Annotated[int, Range(0, 60_000)] = 300  # [I] 5 fills/s, the low end of 8-23
    transfers_per_hour: Annotated[int, Range(0, 100_000)] = 60  # [A] L1 deposits and withdrawals
    withdraw_ppm: Ppm = 500_000  # [A] share of transfers that are withdrawals
    traders: Traders = field(default_factory=Traders)

    @property
    def first_person(self) -> int:
        """The account number of the first person: vault, makers, opportunists and squeezers come before."""
        return 1 + self.makers + self.opportunists + self.squeezers


# ---- the runbook ------------------------------------------------------------------------------------------
StepKind = Literal[
    "announce", "set_mode", "drain", "snapshot", "stop_services", "start_services", "scale_up", "verify", "wait",
    "rollback", "cancel_orders", "resume",
]  # fmt: skip
Gate = Literal["processes_up", "ready", "indices_present", "copies_agree", "prices_fresh"]
SERVICES = ("market_data", "funding", "liquidator", "portfolio", "vault", "front_page", "gateway")


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One step of a runbook: its planned length, and fields that belong to the kind that needs them.

    ``gate`` (of verify) names what must hold; it is asked again until ``timeout_ms`` is over, and then ``on_fail``
    decides: go on as if nothing were, abort to the incident branch, or wait on.
    """

    step: StepKind
    name: str = ""
    duration_ms: Millis = 0
    mode: Mode | None = None
    services: tuple[str, ...] = ()
    keep: tuple[OrderKind, ...] = ()
    gate: tuple[Gate, ...] = ()
    timeout_ms: Millis = 60_000
    on_fail: Literal["continue", "incident", "wait"] = "continue"

    @property
    def label(self) -> str:
        """Its name, or what it does where it has none."""
        return self.name or self.step.replace("_", "-")


@dataclass(frozen=True, slots=True)
class Alarm:
    """What the operators' monitors ring at."""

    index_step_ppm: Annotated[int, Range(1, 1_000_000)] = 10_000  # [A] an index moves by 1 % of the price at once
    liquidations_per_minute: Annotated[int, Range(1, 1_000_000)] = 60  # [A]


@dataclass(frozen=True, slots=True)
class Incident:
    """What happens once the operators have understood: after a drawn delay, these steps instead of the rest."""

    alarm: Alarm = field(default_factory=Alarm)
    detect_ms_min: Millis = 2_040_000  # [S] Paradex's status page: 34 to 66 minutes
    detect_ms_max: Millis = 3_960_000
    decide_ms_min: Millis = 3_600_000  # [P] rollback announced 2 to 2.5 h after the start
    decide_ms_max: Millis = 5_400_000
    steps: tuple[StepSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Runbook:
    """The operators' script. ``before_ms`` of trading come first; ``window_ms`` is the announced length."""

    steps: tuple[StepSpec, ...]
    before_ms: Millis = 600_000
    window_ms: Millis = 1_800_000
    watch_ms: Millis = 300_000
    settle_ms: Millis = 120_000
    night_ms: Period = 28_800_000
    on_incident: Incident | None = None
