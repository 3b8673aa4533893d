"""S3 and S5: what may be taken out of a pool, and out of the venue."""

from __future__ import annotations

from typing import Any

import numpy as np

from drydock.harness.event import Event, Identity
from drydock.harness.report.words import count
from drydock.harness.units import format_usd
from drydock.models.events import BlockSealed, BlockView, L1Credited, L1Transferred
from drydock.models.invariants.base import VenueLaw
from drydock.models.perp.units import PPM


class Pools(VenueLaw):
    """S3: no transfer takes a balance below zero: of the bridge, of who is paid out, of who pays a penalty.

    These are all the pools that this venue pays out of. The Liquidator Vault only receives (penalties, and positions at
    mark); prices may take it below zero, which is S4's business. The socialised loss is a factor, no account: it may
    not charge anybody more than he has.
    """

    id, law_class = "S3", "safety"
    sentence = "no transfer takes more out of a pool than is in it"
    source = "dYdX, 10 October 2025: a transfer out of a pool that the insurance payment had not reached yet"
    hears = (L1Transferred, L1Credited, BlockSealed)

    def begin(self, truth: Any) -> None:
        """The bridge holds what was brought: the sum of all balances."""
        super().begin(truth)
        self._bridge = int(truth.start_holdings.quote.sum())
        self._paid: dict[int, int] = {}

    def observe(self, event: Event) -> None:
        """Judges the bridge at each transfer, accounts when the block that moved their money is sealed."""
        data = event.data
        if isinstance(data, BlockSealed):
            self._checks += 1
            view = data.view
            if view.socialised_ppm:
                told = f"the socialised loss factor is {view.socialised_ppm} ppm"
                self.check(event, 0 <= view.socialised_ppm <= PPM, told, role="factor")
            if self._paid:
                self._judge_paid(event, view)
            if view.liquidated:
                self._judge_fined(event, view)
        elif isinstance(data, L1Transferred):
            self._bridge += data.amount_quantums
            self.check(event, self._bridge >= 0, f"the bridge owes {format_usd(-self._bridge)} USD", role="bridge")
        elif data.amount_quantums < 0:
            self._paid[data.account] = self._paid.get(data.account, 0) - data.amount_quantums

    def _judge_paid(self, event: Event, view: BlockView) -> None:
        paid, self._paid = self._paid, {}
        for account, amount in paid.items():
            worth = int(view.equity[account])
            told = f"account {account} is paid {amount // PPM} USD and is worth {worth // PPM} USD after it"
            self.check(event, worth >= 0 or worth + amount < 0, told, role=self.who(account))

    def _judge_fined(self, event: Event, view: BlockView) -> None:
        """Accounts that were closed: no price moves what they are worth any more, so it is the penalty that did.

        Of an account that a block liquidates twice the last time counts: between the two, prices moved what was left.
        """
        held = view.layout.per_account(np.abs(view.size))
        last = np.zeros(view.layout.accounts, np.int64)
        for number, part in enumerate(view.liquidated):
            last[part.accounts] = number
        for number, part in enumerate(view.liquidated):
            worth, fine = view.equity[part.accounts], part.penalty_quantums
            over = (last[part.accounts] == number) & (held[part.accounts] == 0) & (worth < 0) & (worth + fine > 0)
            if over.any():
                first = int(np.flatnonzero(over)[0])
                told = (
                    f"{count(int(over.sum()), 'account')} fined more than they have; "
                    f"account {int(part.accounts[first])} is worth {format_usd(int(worth[first]))} USD after it"
                )
                self.find(event.at_ms, told, event.identity, role=self.who(int(part.accounts[first])))


class UnbackedGain(VenueLaw):
    """S5: nobody is paid out whom the venue holds for richer than prices and fills made him.

    Both are valued at the chain's own marks, at the block that follows the payout: what is left between them is
    funding that nobody owes, or a balance that nobody paid in.
    """

    id, law_class = "S5", "safety"
    sentence = "nobody withdraws while his gain is not explained by prices or fills"
    source = "Paradex, 19 January 2026 [P]: security lockdown limits withdrawals; here because winners of a fault leave"
    hears = (L1Transferred, BlockSealed)

    def begin(self, truth: Any) -> None:
        """Nobody was paid."""
        super().begin(truth)
        self._paid: list[tuple[int, int, Identity]] = []

    def observe(self, event: Event) -> None:
        """Notes payouts; judges them when the next block is sealed."""
        data = event.data
        if isinstance(data, L1Transferred):
            if data.amount_quantums < 0:
                self._paid.append((data.account, -data.amount_quantums, event.identity))
            return
        self._checks += 1
        if self._paid:
            self._judge(event, data.view)

    def _judge(self, event: Event, view: BlockView) -> None:
        truth, shadow = self.truth, self.truth.shadow
        shadow.value(event.at_ms)  # brings its holdings up to date
        right = shadow.holdings.value(
            view.mark, shadow.index(event.at_ms), truth.markets.mmf_ppm, truth.venue.liquidation.taker_fee_ppm
        )
        gain, band = view.equity - right.equity, shadow.band()
        for account, amount, identity in self._paid:
            told = (
                f"account {account} withdraws {amount // PPM} USD; the venue holds it for "
                f"{int(gain[account]) // PPM} USD richer than it is"
            )
            self.check(event, bool(gain[account] <= band[account]), told, identity, role=self.who(account))
        self._paid.clear()
