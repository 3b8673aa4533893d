"""What a page shows of a night: steps, services, database, chain, prices, operators; index and mark against the truth.

Also what a story leans on beside causes: which index and which prices a liquidation has read, which rows the first tick
of a restarted engine found, which order a mark listened to. That is the flow of data as the parts of the venue have it;
an event is taken to have read the newest state that was published before its own instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drydock.harness.charts import Chart, Charts, Curve, Dot
from drydock.harness.event import Event, Identity
from drydock.harness.port import Finding
from drydock.models.accounts import VAULT
from drydock.models.chart_rows import Rows
from drydock.models.events import (
    BlockSealed,
    Fill,
    IndexPublished,
    Liquidation,
    LoadCompleted,
    PricesPublished,
    ResumeChecked,
)
from drydock.models.matching import OF_VAULT
from drydock.models.model import VenueModel
from drydock.models.order_events import MarkSampled, OrderPlaced, TriggerFired
from drydock.models.perp.funding import funding_pnl
from drydock.models.perp.units import INDEX_SHIFT, PPM

if TYPE_CHECKING:
    from drydock.models.truth import Truth
    from drydock.models.venue import Declared

Ints = NDArray[np.int64]
SOURCES = "oracle"
"""The component whose lanes are the price sources'."""
_CHARTED = 2
"""So many markets are shown of each kind, the worst first."""


class VenueCharts:
    """The fold. It keeps references to what events carry; curves are worked out at the end, for the worst markets."""

    def __init__(self, model: VenueModel) -> None:
        self._model = model
        self._rows = Rows(model)
        self._reads = Reads(model.venue.declared)
        self._indices: list[tuple[int, Ints, Ints]] = []
        self._prices: list[tuple[int, Ints]] = []
        self._equity: list[tuple[int, int, int]] = []
        self._cuts: list[tuple[int, int, int]] = []
        self._held: list[int] | None = None
        self._own = {IndexPublished: self._index, PricesPublished: self._price, BlockSealed: self._block}
        self.hears = tuple(dict.fromkeys((*self._rows.hears, *self._reads.hears, *self._own)))

    def begin(self, truth: Truth) -> None:
        """The truth is what curves are held against."""
        self._truth = truth
        self._reads.truth = truth

    def observe(self, event: Event) -> None:
        """Keeps what is drawn of one event."""
        self._rows.observe(event)
        self._reads.observe(event)
        if (keep := self._own.get(type(event.data))) is not None:
            keep(event)
        elif isinstance(event.data, Liquidation):
            self._cuts.append((event.at_ms, event.data.notional_quantums, event.data.account))

    def end(self, findings: Sequence[Finding], ended_ms: int) -> Charts:
        """Steps and rows of the whole run, and curves of the markets that were worst or that a finding names."""
        told = " ".join(finding.detail for finding in findings)
        charts = (*self._index_charts(told), *self._mark_charts(told), *self._money_charts(ended_ms))
        return Charts(
            self._rows.steps(ended_ms), self._rows.rows(ended_ms), charts, self._reads.found, self._reads.heard
        )

    def _index(self, event: Event) -> None:
        self._indices.append((event.at_ms, event.data.markets, event.data.indices))

    def _price(self, event: Event) -> None:
        self._prices.append((event.at_ms, event.data.mark_quantums))

    def _block(self, event: Event) -> None:
        """What people have by the chain's own indices and marks, and what the same positions are worth at the truth."""
        view, first = event.data.view, self._model.population.first_person
        slots, market = view.layout.account >= first, view.layout.market
        if self._held is None:
            self._held = view.layout.per_market(np.abs(view.size)).tolist()
        index, mark = self._truth.index(event.at_ms), self._truth.mark(event.at_ms)
        worth = view.size * mark[market] + funding_pnl(view.size, index[market], view.cached)
        at_truth = int(np.add.reduce(view.quote[first:])) + int(np.add.reduce(worth[slots]))
        self._equity.append((event.at_ms, int(np.add.reduce(view.equity[first:])), at_truth))

    # ---- curves ----------------------------------------------------------------------------------------------
    def _index_charts(self, told: str) -> list[Chart]:
        rows = _spread(self._indices, len(self._model.markets))
        if rows is None:
            return []
        at_ms, seen = rows
        true = np.array([self._truth.index(at) for at in at_ms])
        off = np.abs(seen - true) >> INDEX_SHIFT
        return [
            self._against_truth(market, "Funding index", at_ms, seen >> INDEX_SHIFT, true >> INDEX_SHIFT)
            for market in self._worst(off.max(axis=0), told)
        ]

    def _mark_charts(self, told: str) -> list[Chart]:
        if not self._prices:
            return []
        at_ms = [at for at, _ in self._prices]
        seen, true = np.array([mark for _, mark in self._prices]), np.array([self._truth.mark(at) for at in at_ms])
        off = np.where(seen > 0, np.abs(seen - true), 0)
        return [
            self._against_truth(market, "Mark price", at_ms, seen, true)
            for market in self._worst(off.max(axis=0), told)
        ]

    def _worst(self, off: Ints, told: str) -> list[int]:
        """The market in which the distance from the truth (in price quantums) cost or gave most, then the next of those
        that a finding names."""
        names, held = self._model.markets.names, self._held or [1] * len(off)
        order = sorted(range(len(names)), key=lambda m: (-int(off[m]) * held[m], m))
        named = [market for market in order if names[market] in told]
        return list(dict.fromkeys((*order[:1], *named, *order)))[:_CHARTED]

    def _against_truth(self, market: int, what: str, at_ms: Sequence[int], seen: Ints, true: Ints) -> Chart:
        name, facts = self._model.markets.names[market], self._model.markets[market]
        own, right = (tuple(zip(at_ms, values[:, market].tolist(), strict=True)) for values in (seen, true))
        return Chart(
            f"{what} of {name}",
            "USD",
            "What the venue published, against what it should have been",
            (Curve("published", own), Curve("truth", right, is_truth=True)),
            per_unit=10 ** max(0, 6 - facts.size_exponent),
        )

    def _money_charts(self, ended_ms: int) -> list[Chart]:
        charts = []
        if self._cuts:
            sums = np.cumsum([notional for _, notional, _ in self._cuts]).tolist()
            at_ms = [at for at, _, _ in self._cuts]
            points = ((0, 0), *zip(at_ms, sums, strict=True), (ended_ms, sums[-1]))
            dots = tuple(Dot(at, f"account {account} liquidated", "bad") for at, _, account in self._cuts)
            told = "Positions that the liquidator took over, added up"
            charts.append(Chart("Liquidated", "USD", told, (Curve("taken over", points),), dots))
        if self._equity:
            own = tuple((at, seen) for at, seen, _ in self._equity)
            right = tuple((at, true) for at, _, true in self._equity)
            told = "Equity of all people: by the chain's own indices and marks, and the same positions at the truth"
            curves = (Curve("by the chain", own), Curve("at the truth", right, is_truth=True))
            charts.append(Chart("Equity of people", "USD", told, curves))
        return charts


def _spread(published: Sequence[tuple[int, Ints, Ints]], markets: int) -> tuple[list[int], Ints] | None:
    """(times, [time, market]) of messages over some of the markets; a market not in a message keeps its value."""
    whole = next((number for number, (_, of, _) in enumerate(published) if len(of) == markets), None)
    if whole is None:
        return None
    rows = np.empty((len(published) - whole, markets), np.int64)
    row = np.zeros(markets, np.int64)
    for number, (_, of, indices) in enumerate(published[whole:]):
        row[of] = indices
        rows[number] = row
    return [at for at, _, _ in published[whole:]], rows


class Reads:
    """Which events wrote the state that others acted on."""

    hears = (
        IndexPublished, LoadCompleted, PricesPublished, Liquidation, TriggerFired, ResumeChecked, MarkSampled,
        OrderPlaced, Fill,
    )  # fmt: skip

    truth: Truth

    def __init__(self, declared: Declared) -> None:
        self._declared = declared
        self.found: dict[Identity, tuple[Identity, ...]] = {}
        self.heard: dict[Identity, tuple[str, ...]] = {}
        self._newest: dict[type, list[Event]] = {}
        self._loads: dict[int, list[Identity]] = {}
        self._orders: dict[tuple[int, int], Identity] = {}

    def observe(self, event: Event) -> None:
        """Notes what it read, then what it wrote."""
        match event.data:
            case IndexPublished(epoch=epoch):
                before = self._before(IndexPublished, event.at_ms)
                is_next = before is not None and before.data.epoch == epoch
                self._note(event, [before.identity] if before and is_next else self._loads.get(epoch, []))
            case LoadCompleted(service="funding", epoch=epoch) if epoch > 1:
                self._loads.setdefault(epoch, []).append(event.identity)
            case Liquidation():
                self._note_newest(event, *([PricesPublished] if self._is_off(event) else []), IndexPublished)
            case TriggerFired():
                self._note_newest(event, PricesPublished)
            case ResumeChecked():
                self._note_newest(event, IndexPublished)
            case Fill(origin=origin, taker=taker) if origin == OF_VAULT and taker == VAULT:
                self._note_newest(event, Liquidation)
            case Fill() if self._is_off(event):
                self._note_newest(event, PricesPublished)
            case PricesPublished():
                self.heard[event.identity] = (SOURCES,)
            case OrderPlaced(market=market, price_quantums=price_quantums):
                self._orders[market, price_quantums] = event.identity
            case MarkSampled():
                self._note(event, self._heard_by_the_mark(event.data))
        if isinstance(event.data, IndexPublished | PricesPublished | Liquidation):
            self._newest[type(event.data)] = [*self._newest.get(type(event.data), [])[-1:], event]

    def _is_off(self, event: Event) -> bool:
        """Whether the newest marks were wrong or old: prices that were right explain nothing."""
        newest = self._before(PricesPublished, event.at_ms)
        if newest is None:
            return False
        true, prices = np.maximum(self.truth.mark(newest.at_ms), 1), newest.data
        off_ppm = np.abs(prices.mark_quantums - true) * PPM // true
        age_ms = prices.age_ms.max() + event.at_ms - newest.at_ms
        return bool((off_ppm > self._declared.mark_band_ppm).any() or age_ms > self._declared.fill_price_age_ms)

    def _before(self, payload: type, at_ms: int) -> Event | None:
        """The newest event of a kind from before an instant, as far as the last two tell."""
        return next((one for one in reversed(self._newest.get(payload, [])) if one.at_ms < at_ms), None)

    def _note_newest(self, event: Event, *payloads: type) -> None:
        newest = (self._before(payload, event.at_ms) for payload in payloads)
        self._note(event, [one.identity for one in newest if one is not None])

    def _note(self, event: Event, read: Sequence[Identity]) -> None:
        if read:
            self.found[event.identity] = tuple(read)

    def _heard_by_the_mark(self, data: Any) -> list[Identity]:
        """The resting order whose price is the touch, in the market whose mark is farthest from the outside price."""
        fair = np.maximum(data.fair_quantums, 1)
        market = int((np.abs(data.mark_quantums - fair) * PPM // fair).argmax())
        touch = (int(side[market]) for side in (data.bid_quantums, data.ask_quantums))
        return [self._orders[market, price] for price in touch if (market, price) in self._orders]
