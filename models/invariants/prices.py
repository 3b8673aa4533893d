"""P1, P2: prices."""

from __future__ import annotations

from typing import Any

from drydock.harness.event import Event
from drydock.harness.report.words import count
from drydock.models.events import Fill, IndexPublished, Liquidation, PricesPublished
from drydock.models.invariants.base import VenueLaw
from drydock.models.perp.units import PPM, greatest, least, none_true

_ACTIONS = {Fill: "a fill", Liquidation: "a liquidation", IndexPublished: "a funding tick"}

NEXT_PPM = 10
"""So near to the prices of a time a price may have been made of them: it is no evidence of another time [A]."""


class Positive(VenueLaw):
    """P1: ``S, M > 0``."""

    id, law_class, role = "P1", "safety", "market"
    sentence = "every published price is positive"
    source = "Paradex front page, 19 January 2026 [P]: a BTC price of 0"
    hears = (PricesPublished,)

    def observe(self, event: Event) -> None:
        """Judges spot and mark of every market."""
        data = event.data
        self._checks += 1
        if least(data.spot_quantums) <= 0 or least(data.mark_quantums) <= 0:
            bad = int(((data.spot_quantums <= 0) | (data.mark_quantums <= 0)).sum())
            self.find(
                event.at_ms, f"{count(bad, 'market')} with a published price that is not positive", event.identity
            )


class FreshAtUse(VenueLaw):
    """P2: ``age(price) <= limit(action)`` when it is used, and the age that a price claims is true.

    The claim is held against the outside world: a price that is said to be at most so old lies between the lowest and
    the highest spot since then, or next to them. One that does not is older than it says, or never was a price at all.
    """

    id, law_class = "P2", "safety"
    sentence = "no price is used for an action when it is older than the venue declares for that action"
    source = "Drift, GMX and Synthetix limit the age of a price per action"
    hears = (Fill, Liquidation, IndexPublished, PricesPublished)

    def begin(self, truth: Any) -> None:
        """Takes the declared limits."""
        super().begin(truth)
        declared = truth.venue.declared
        self._step_ms = truth.venue.oracle.tick_ms
        self._limits_ms: dict[type, int] = {
            Fill: declared.fill_price_age_ms,
            Liquidation: declared.liquidation_price_age_ms,
            IndexPublished: declared.funding_price_age_ms,
        }

    def observe(self, event: Event) -> None:
        """Judges the age that an action reports, and that published prices claim."""
        self._checks += 1
        data = event.data
        limit_ms = self._limits_ms.get(data.__class__)
        if limit_ms is None:
            self._judge_claim(event, data)
        elif data.price_age_ms > limit_ms:
            told = f"{_ACTIONS[data.__class__]} uses a price {data.price_age_ms} ms old; {limit_ms} ms are allowed"
            self.find(event.at_ms, told, event.identity, role=_ACTIONS[data.__class__])

    def _judge_claim(self, event: Event, data: PricesPublished) -> None:
        outside, age_ms, spot = self.truth.outside, greatest(data.age_ms), data.spot_quantums
        if spot.tolist() in (outside.spot(event.at_ms).tolist(), outside.spot(event.at_ms - age_ms).tolist()):
            return  # the price of either end of that time: what sources that were heard at once come to
        low, high = outside.spot_range(event.at_ms - age_ms - self._step_ms, event.at_ms)
        is_false = (spot < low - low * NEXT_PPM // PPM) | (spot > high + high * NEXT_PPM // PPM)
        if not none_true(is_false):
            markets = count(int(is_false.sum()), "market")
            told = f"{markets} with a price that claims to be {age_ms} ms old and is older, or never was one"
            self.find(event.at_ms, told, event.identity, role="market")
