"""The venue as typed data: what a scenario file says about the build under test.

Fields end in their unit; a file may write ``5s`` or ``20%``. Every default is tagged: [S] documented by a source of
docs/provenance.md, [P] press, [A] an assumption of this project.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from drydock.harness.port import Range
from drydock.models.spec_units import Millis, Money, Period, Ppm

Readiness = Literal["process_up", "per_market_loaded", "all_loaded", "checksum_verified"]
OnMissing = Literal["default_zero", "skip", "raise"]
Mode = Literal["ok", "maintenance", "cancel_only", "post_only", "auction"]
Action = Literal["fill", "liquidate", "trigger", "withdraw", "cancel", "post"]
Monitor = Literal["alarm", "gate", "validation", "refusal", "process"]
OrderKind = Literal["limit", "take_profit", "stop_loss"]

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
    on_zero: Literal["take", "drop"] = "take"  # [A] whether what is not above zero is a price like others
    outlier_ppm_max: Ppm | None = None  # [A] G12: further from the last price no vote where another is nearer


@dataclass(frozen=True, slots=True)
class MessageSpec:
    """What a sender does without an acknowledgement, and a receiver with what it has had before."""

    submit_resend_ms: Annotated[int, Range(100, 86_400_000)] | None = None  # [A] cloud to sequencer; null: never again
    intent_resend_ms: Annotated[int, Range(100, 86_400_000)] | None = None  # [A] client to matching; null: never again
    drops_duplicates: bool = False  # [A] an idempotency key: what was had is not taken again


@dataclass(frozen=True, slots=True)
class OrderBookSpec:
    """The order book, and how the mark listens to it. A venue without one fills intents at mark.

    The venue's own votes: the median of bid, ask and last-trade averages, and the mid average ([S] paradex-docs
    mark-price-calculation.mdx, January 2026); the third vote is the median of the external venues.
    """

    two_votes: Literal["mean", "lower", "upper"] = "mean"  # [A] the median of an even number of votes
    empty_side: Literal["hold", "drop", "zero"] = "hold"  # [A] what the average of a side without orders does
    cold_start: Literal["keep", "last_trade", "forget"] = "keep"  # [A] which averages outlive a restart
    sample_closed: bool = False  # [A] whether the mark listens to a book in which nothing can trade
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
    rechecks: bool = False  # [A] whether who was found in an older state is looked at again before he is liquidated
    step_ppm: Ppm = 200_000  # [S]
    target_ppm: Ppm = 900_000  # [S]
    fee_ppm: Ppm = 700_000  # [S] 70 % in the text, 50 % in the table
    taker_fee_ppm: Ppm = 300  # [A] 3 bps; part of the maintenance margin [S]
    boot_ms: Millis = 1_500  # [A]


@dataclass(frozen=True, slots=True)
class ArtefactSpec:
    """The market parameters that services read at boot: how many entries each can hold, and what it does with more.

    200 entries and a process that dies of one more are Cloudflare's of 18 November 2025 [S].
    """

    market_data_max: Annotated[int, Range(1, 1_000_000)] = 200  # [S]
    funding_max: Annotated[int, Range(1, 1_000_000)] = 200  # [S]
    liquidator_max: Annotated[int, Range(1, 1_000_000)] = 200  # [S]
    on_excess: Literal["raise", "skip", "keep_last"] = "raise"  # [S]

    def entries_max(self, service: str) -> int:
        """How many entries a service can hold."""
        return {
            "market_data": self.market_data_max, "funding": self.funding_max, "liquidator": self.liquidator_max,
        }[service]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChainSpec:
    """The sequencer. Blocks are sealed at this interval while the venue trades, otherwise when something is pending."""

    block_ms: Period = 5_000  # [A]
    submit_ms: Millis = 60  # [A] cloud to sequencer
    order: Literal["arrival", "by_kind"] = "arrival"  # [A] in which a block does its operations
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
    """G1 to G3: a funding tick is refused whole if an index steps too far or a market with open interest is missing.

    So is one for a slot that is over: what was missed is not made up for.
    """

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
    copies_apart_quantums: Money = 1_000_000  # [A] of S7: so much money may cloud and chain differ about an account
    index_gap_cap_ms: Millis | None = None
    price_step_ppm_max: Annotated[int, Range(1, 100_000_000)] = 200_000  # [A] of P3: spot, from one mark to the next
    price_skew_ms_max: Millis = 60_000  # [S] of P4: GMX v2
    clock_skew_ms_max: Millis = 100  # [A] of P8: NTP holds servers of one site so near
    spot_sources_min: Annotated[int, Range(0, 9)] = 1  # [A] of P5
    proportion_window_ms: Period = 600_000  # [A] of L2: liquidated in this time ...
    proportion_base_quantums: Money = 2_000_000_000_000  # [A] ... $2 M need no explanation ...
    proportion_factor_ppm: Annotated[int, Range(0, 1_000_000_000)] = 20_000_000  # [A] ... 20 x OI x move explains
    mark_band_ppm: Ppm = 3_000  # [A] with a book: what it may add to a mark before a liquidation by it is wrong
    mark_off_ppm_max: Ppm = 10_000  # [A] of P6: further from the outside price no mark may be
    mark_per_order_ppm_max: Ppm = 10_000  # [A] of P7: by how much one order may move a mark: the smallest margin
    thin_markets_ppm_max: Ppm = 0  # [A] of M5: share of markets that may have lost a side of their book at OK
    post_only_band_ppm: Ppm | None = None  # [S] 5 bps since February 2026
    retained_orders: tuple[OrderKind, ...] = ("take_profit", "stop_loss")  # [P] what a rollback keeps
    monitors: tuple[Monitor, ...] = ()  # [A] of D1: which of its monitors have to notice a fault; none, none has to
    detect_ms_max: Period = 300_000  # [A] of D1: so soon
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
    artefact: ArtefactSpec | None = None
    chain: ChainSpec = field(default_factory=ChainSpec)
    messages: MessageSpec = field(default_factory=MessageSpec)
    database: DatabaseSpec = field(default_factory=DatabaseSpec)
    read_models: ReadModelSpec = field(default_factory=ReadModelSpec)
    safeguards: Safeguards = field(default_factory=Safeguards)
    declared: Declared = field(default_factory=Declared)
