"""L2, L5, L6: how much is liquidated, and what a liquidation does to the account."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from drydock.harness.event import Event
from drydock.harness.units import format_usd
from drydock.models.accounts import Ints
from drydock.models.events import BlockSealed, BlockView, HealthChecked, Liquidation
from drydock.models.invariants.base import VenueLaw
from drydock.models.perp.units import PPM


class Proportion(VenueLaw):
    """L2: liquidated notional of a window ``<= a + b * sum of OI * (highest - lowest true price of the window)``.

    A window reaches back over the time in which nobody was checked: what a halt put off comes at once when it ends.
    The price is the outside one: a venue whose own mark ran away has no move to show for its liquidations.
    """

    id, law_class = "L2", "safety"
    sentence = "no more is liquidated in a window than the market's move explains"
    source = "Paradex, 19 January 2026 [P]: mass liquidations in a flat market"
    hears = (BlockSealed, HealthChecked)

    def begin(self, truth: Any) -> None:
        """Nothing is liquidated, and everybody was just checked."""
        super().begin(truth)
        declared = truth.venue.declared
        self._window_ms: int = declared.proportion_window_ms
        self._base: int = declared.proportion_base_quantums
        self._factor_ppm: int = declared.proportion_factor_ppm
        self._taken: deque[tuple[int, int]] = deque()
        self._sum = 0
        self._checked_ms = 0
        self._halt_ms = (0, 0)

    def observe(self, event: Event) -> None:
        """Adds up what blocks liquidate; judges once it is more than needs no explanation."""
        if isinstance(event.data, HealthChecked):
            self._checks += 1
            if event.at_ms - self._checked_ms > self.truth.venue.declared.missed_after_ms:
                self._halt_ms = (self._checked_ms, event.at_ms)
            self._checked_ms = event.at_ms
        elif event.data.view.liquidated:
            self._add(event.at_ms, event.data.view)
            if self._sum > self._base:
                self._judge(event, event.data.view)

    def _add(self, at_ms: int, view: BlockView) -> None:
        notional = sum(int((np.abs(part.sizes) * part.prices).sum()) for part in view.liquidated)
        self._taken.append((at_ms, notional))
        self._sum += notional
        while self._taken[0][0] <= at_ms - self._window_ms:
            self._sum -= self._taken.popleft()[1]

    def _judge(self, event: Event, view: BlockView) -> None:
        since_ms = event.at_ms - self._window_ms
        if self._halt_ms[1] > since_ms:
            since_ms = min(since_ms, self._halt_ms[0])
        since_ms -= self.truth.venue.declared.staleness_ms_max  # prices may be so old when they are used
        low, high = self.truth.outside.spot_range(since_ms, event.at_ms)
        interest = view.layout.per_market(np.abs(view.size)) // 2
        moved = int((interest * (high - low)).sum())
        allowed = self._base + self._factor_ppm * moved // PPM
        if self._sum > allowed:
            told = (
                f"{self._sum // PPM:,} USD are liquidated within {self._window_ms // 1000} s; the moves of the market "
                f"explain {allowed // PPM:,} USD"
            )
            self.find(event.at_ms, told, event.identity)
            self._taken.clear()  # what follows is another wave
            self._sum = 0


class Settled(NamedTuple):
    """One account that a block liquidated and did nothing else to: before and after at the liquidation's own prices."""

    account: int
    share_ppm: int
    penalty: int
    taken: list[int]
    before: list[int]
    margin_before: int
    margin_after: int
    is_priced: bool
    """Whether the block's last marks are those of the liquidation, so that its equity compares."""


def settled(view: BlockView, ratio_ppm: Ints) -> Iterator[Settled]:
    """The liquidations of a block, of accounts that it touched once; ``ratio_ppm`` is the requirement by market."""
    account_of = view.layout.account_of
    touched = {account_of[slot] for fill in view.fills for slot in (fill.taker_slot, fill.maker_slot)}
    for part in view.liquidated:
        columns = (part.accounts, part.share_ppm, part.penalty_quantums)
        for account, share_ppm, penalty in zip(*(column.tolist() for column in columns), strict=True):
            if account in touched or sum(account in other.accounts for other in view.liquidated) > 1:
                continue
            slots = view.layout.slots_of_one(account)
            first = int(np.searchsorted(part.slots, slots.start))
            rows = slice(first, first + len(slots))
            market = view.layout.market[slots.start : slots.stop]
            taken, price, left = part.sizes[rows], part.prices[rows], view.size[slots.start : slots.stop]
            ratio = ratio_ppm[market]
            yield Settled(
                account, share_ppm, penalty, taken.tolist(), (left + taken).tolist(),
                _margin(left + taken, price, ratio), _margin(left, price, ratio),
                bool((price == view.mark[market]).all()),
            )  # fmt: skip


def _margin(size: Ints, price: Ints, ratio_ppm: Ints) -> int:
    rows = zip(size.tolist(), price.tolist(), ratio_ppm.tolist(), strict=True)
    return sum(-(-abs(q) * p * ratio // PPM) for q, p, ratio in rows)


def _due(margin: int, share_ppm: int, fee_ppm: int) -> int:
    """``s * fee * MMR``, rounded up, before the cap."""
    return -(-margin * -(-share_ppm * fee_ppm // PPM) // PPM)


class Outcome(VenueLaw):
    """L5: the share is the smallest step that leaves a ratio below the target, or all; the penalty is s * fee * MMR.

    The cloud's account of it is recomputed in full. On the chain, which has prices of its own, so much is certain: each
    position was cut by the share, rounded up, and the penalty is at most what the requirement there gives.
    """

    id, law_class = "L5", "safety"
    sentence = "a liquidation takes the documented share for the documented penalty"
    source = "paradex-docs liquidations.mdx, commit 132b388d"
    hears = (Liquidation, BlockSealed, HealthChecked)

    def begin(self, truth: Any) -> None:
        """Takes the rule's parameters."""
        super().begin(truth)
        self._spec = truth.venue.liquidation
        self._ratio_ppm = truth.markets.mmf_ppm + self._spec.taker_fee_ppm

    def observe(self, event: Event) -> None:
        """Judges what the cloud says, and what the chain did."""
        data = event.data
        if isinstance(data, HealthChecked):
            self._checks += 1
        elif isinstance(data, Liquidation):
            self._judge_share(event, data)
            self._judge_penalty(event, data)
        elif data.view.liquidated:
            for done in settled(data.view, self._ratio_ppm):
                self._judge_cut(event, done)

    def _judge_share(self, event: Event, data: Liquidation) -> None:
        step, share = self._spec.step_ppm, data.share_ppm
        is_step = share == PPM or (0 < share < PPM and (PPM - share) % step == 0)
        who, role = f"account {data.account}", self.who(data.account)
        self.check(event, is_step, f"{who} loses {share} ppm of its positions: no step of the rule", role=role)
        enough = share == PPM or self._is_enough(data, share)
        self.check(event, enough, f"{who} is still near liquidation after losing {share} ppm", role=role)
        if is_step and share > step and self._is_enough(data, share - step):
            self.find(event.at_ms, f"{who} loses {share} ppm; less would do", event.identity, role=role)

    def _is_enough(self, data: Liquidation, share_ppm: int) -> bool:
        """``MMR * (1 - s) / (AV - penalty) < target``, the requirement rounded up and the value down."""
        value = data.equity_quantums - self._penalty(data, share_ppm)
        left = -(-data.margin_quantums * (PPM - share_ppm) // PPM)
        return bool(left < -(-value * self._spec.target_ppm // PPM))

    def _penalty(self, data: Liquidation, share_ppm: int) -> int:
        due = _due(data.margin_quantums, share_ppm, self._spec.fee_ppm)
        return min(due, max(data.equity_quantums, 0))

    def _judge_penalty(self, event: Event, data: Liquidation) -> None:
        due = self._penalty(data, data.share_ppm)
        paid, owed = format_usd(data.penalty_quantums), format_usd(due)
        told = f"account {data.account} pays {paid} USD for a liquidation that costs {owed} USD"
        self.check(event, data.penalty_quantums == due, told, role=self.who(data.account))

    def _judge_cut(self, event: Event, done: Settled) -> None:
        cut = [-(-abs(q) * done.share_ppm // PPM) * (-1 if q < 0 else 1) for q in done.before]
        told = f"account {done.account} is cut by another share than {done.share_ppm} ppm"
        self.check(event, cut == done.taken, told, role=self.who(done.account))
        due = _due(done.margin_before, done.share_ppm, self._spec.fee_ppm)
        paid, owed = format_usd(done.penalty), format_usd(due)
        told = f"account {done.account} pays {paid} USD on the chain; at most {owed} USD are due"
        self.check(event, 0 <= done.penalty <= due, told, role=self.who(done.account))


class Healthier(VenueLaw):
    """L6: ``AV' / MMR' >= AV / MMR`` on the chain, at the block's own prices.

    Accounts that the block also did other things to are left out, and blocks whose marks changed after the liquidation.
    """

    id, law_class = "L6", "safety"
    sentence = "a liquidation leaves an account no sicker than it was"
    source = "StarkWare perpetuals, spec.md: after an operation a position is healthy or healthier"
    hears = (BlockSealed, HealthChecked)

    def begin(self, truth: Any) -> None:
        """Takes the margin requirement."""
        super().begin(truth)
        self._ratio_ppm = truth.markets.mmf_ppm + truth.venue.liquidation.taker_fee_ppm

    def observe(self, event: Event) -> None:
        """Judges the accounts that a block liquidated."""
        if isinstance(event.data, HealthChecked):
            self._checks += 1
        elif event.data.view.liquidated:
            for done in settled(event.data.view, self._ratio_ppm):
                if done.is_priced and done.margin_after:
                    self._judge(event, done, int(event.data.view.equity[done.account]))

    def _judge(self, event: Event, done: Settled, after: int) -> None:
        """Compared crosswise, exactly; each position's funding may lose less than 1e-6 USD to rounding."""
        before = after + done.penalty
        slack = len(done.taken) * (done.margin_before + abs(before))
        holds = after * done.margin_before + slack >= before * done.margin_after
        told = (
            f"account {done.account} had {before // PPM} USD for a requirement of {done.margin_before // PPM} USD, and "
            f"after its liquidation {after // PPM} USD for {done.margin_after // PPM} USD"
        )
        self.check(event, holds, told, role=self.who(done.account))
