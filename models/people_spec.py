"""People as typed data: how many, how large, how levered, how active, and how those behave who quote."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from drydock.harness.port import Range
from drydock.models.spec_units import Millis, Money, Period, Ppm


@dataclass(frozen=True, slots=True)
class Traders:
    """How those behave who quote, and who left orders behind. It means something only with an order book."""

    maker_levels_ppm: tuple[Ppm, ...] = (300, 1_200, 3_000)  # [A] 3, 12 and 30 bps from the outside price
    maker_level_usd: Money = 60_000_000_000  # [A] $60,000 a level
    maker_inventory_usd: Money = 1_000_000_000_000  # [A] $1 M: beyond it a maker quotes one side only
    maker_quote_ms: Period = 5_000  # [A] looks at outside prices so often ...
    maker_phase_ms: Millis = 3_500  # [A] ... at t mod maker_quote_ms
    maker_post_only_ms: Period = 1_000  # [A] the same in POST_ONLY
    maker_hedge_ppm: Ppm = 500_000  # [A] share of his inventory that he hedges elsewhere at each look
    maker_requote_ppm: Ppm = 200  # [A] and quotes anew where they moved by 2 bps, or where a level was taken
    maker_return_ms: Millis = 600_000  # [A] median, after a closure that nobody had announced
    maker_return_sigma_ppm: Ppm = 800_000  # [A]
    maker_patience_ppm: Annotated[int, Range(0, 10_000_000)] = 1_000_000  # [A] they wait on, in ppm of the window
    maker_return_planned_ms: Millis = 250  # [A] mean, after a closure within the announced window
    arbitrage_ppm: Ppm = 1_000  # [A] quotes 10 bps off the outside price are taken, in OK
    arbitrage_ms: Millis = 500  # [A] so much later than makers have moved their own
    harvests_per_hour: Annotated[int, Range(0, 100_000)] = 90  # [A] in each market, while its book is thin
    squeezes_per_hour: Annotated[int, Range(0, 100_000)] = 250  # [A] in all markets together
    squeeze_power: Annotated[int, Range(0, 3)] = 2  # [A] how much band over margin counts when one is chosen
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
    limit_distance_ppm: Ppm = 20_000  # [A] ... their median distance from the mark ...
    limit_stays_ms: Annotated[int, Range(1, 86_400_000)] = 900_000  # [A] ... and how long (mean)


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

    @property
    def crowd(self) -> tuple[tuple[str, int], ...]:
        """Who comes before the first person, in order of account numbers: role, and how many."""
        return (
            ("vault", 1),
            ("maker", self.makers),
            ("opportunist", self.opportunists),
            ("squeezer", self.squeezers),
        )

    def role_of(self, account: int) -> str:
        """What an account is: ``vault``, ``maker``, ``opportunist``, ``squeezer`` or ``person``."""
        return self.place_of(account)[0]

    def place_of(self, account: int) -> tuple[str, int]:
        """The role of an account, and its number among those of that role, from 1."""
        number = account
        for role, count in self.crowd:
            if number < count:
                return role, number + 1
            number -= count
        return "person", number + 1
