"""Market data: oracle feeds in, spot and mark prices out.

Every spot source sends all markets at each oracle tick; every external venue sends its rates every five seconds. The
service holds the newest value per source with the time at which it was made, takes the median, and publishes
``mark = spot * (1 + fair basis)``. Without an order book the fair basis is the median external rate; with one, the
venue's own votes join (``mark_engine.py``).

It believes what a source says, number and time, as far as its integers can hold it; whether a zero is a price and how
far one source may be from the last price are two decisions of the venue (``on_zero``, ``outlier_ppm_max``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drydock.harness.seam import Mask, Passage, Seam
from drydock.models.beat import Beat
from drydock.models.chain import PriceTx
from drydock.models.events import PricesPublished
from drydock.models.mark_engine import MarkEngine
from drydock.models.perp.mark import mark_price, median_of_all, median_of_votes
from drydock.models.perp.units import PPM, PRICE_QUANTUMS_MAX, greatest
from drydock.models.phase import to_phase_ms
from drydock.models.seams import new_seam
from drydock.models.service import RAISE_RESTART_MS, Service

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]
NEVER = -(1 << 40)
PUBLISH_MS = 5
OracleMessage = tuple[int, int, int | Ints, Ints, Mask | None]
"""(epoch, source, when made, values, for which markets or None for all); a time each where they differ."""


class PriceMessage(NamedTuple):
    """What market data tells its subscribers: prices, basis, and when their oldest input was made, per market."""

    spot: Ints
    basis_ppm: Ints
    mark: Ints
    made_ms: Ints


class Inputs(NamedTuple):
    """Medians of what the sources say: spot, external rate and where one is known (None: everywhere), and how old."""

    spot: Ints
    rate_ppm: Ints
    rate_known: Mask | None
    made_ms: Ints


def fair_prices(inputs: Inputs) -> Ints:
    """The external fair price, spot * (1 + median external rate), of every market; 0 where no rate is known."""
    fair = mark_price(inputs.spot, inputs.rate_ppm)
    return fair if inputs.rate_known is None else np.where(inputs.rate_known, fair, 0)


class Feed:
    """Newest value of each source for each market, with its time; an overtaken message changes nothing."""

    def __init__(self, sources: int, markets: int) -> None:
        self.value = np.zeros((sources, markets), np.int64)
        self.made_ms = np.full((sources, markets), NEVER, np.int64)
        self._newest_ms = [NEVER] * sources
        self._is_even = [False] * sources

    def forget(self) -> None:
        """Nothing was ever heard."""
        self.made_ms[:] = NEVER
        self._is_even = [False] * len(self._is_even)

    def even_ms(self) -> int | None:
        """The age of the oldest value where each source's newest message was about all markets; else None."""
        return min(self._newest_ms) if all(self._is_even) else None

    def take(self, source: int, made_ms: int | Ints, value: Ints, mask: Mask | None) -> None:
        """A message of ``source`` arrives, over all markets or those of the mask; each value may have its own time."""
        if not isinstance(made_ms, int):
            self._take_each(source, made_ms, value, np.ones(len(value), np.bool_) if mask is None else mask)
            return
        if mask is None and self._newest_ms[source] < made_ms:  # newer than all that is there: no need to look
            self._newest_ms[source], self._is_even[source] = made_ms, True
            self.value[source] = value
            self.made_ms[source] = made_ms
            return
        newer = self.made_ms[source] < made_ms
        if mask is not None:
            newer &= mask
        self._newest_ms[source] = max(self._newest_ms[source], made_ms)
        self._is_even[source] = False
        self.value[source][newer] = value[newer]
        self.made_ms[source][newer] = made_ms

    def _take_each(self, source: int, made_ms: Ints, value: Ints, mask: Mask) -> None:
        newer = mask & (self.made_ms[source] < made_ms)
        self._newest_ms[source] = max(self._newest_ms[source], greatest(made_ms))
        self._is_even[source] = False
        self.value[source][newer] = value[newer]
        self.made_ms[source][newer] = made_ms[newer]


class MarketData(Service):
    """The service. Its readiness: every market has a spot price and an external rate from at least one source."""

    name = "market_data"
    boot_steps = ("process_up", "connect", "first_prices")

    def __init__(self, world: VenueWorld) -> None:
        super().__init__(world)
        spec, markets = world.venue.oracle, len(world.markets.names)
        self._spot_seam = new_seam(world.seams, "oracle.spot")
        self._external_seam = new_seam(world.seams, "oracle.external")
        self._publish_seam = new_seam(world.seams, "market_data.publish")
        self._spot_lanes = [self.sim.lane_of(f"oracle/spot-{n + 1}") for n in range(spec.spot_sources)]
        self._external_lanes = [self.sim.lane_of(f"oracle/external-{n + 1}") for n in range(spec.external_venues)]
        self._ticker = self.sim.lane_of("market_data/ticker")
        self._bus = self.sim.lane_of("market_data/bus")
        self._beat = Beat(self, "tick", self._ticker, self._publish_tick, spec.mark_ms, spec.mark_phase_ms)
        self.spot = Feed(spec.spot_sources, markets)
        self.rates = Feed(spec.external_venues, markets)
        self._all_live = np.full(markets, spec.spot_sources)
        self.last: PriceMessage | None = None
        book = world.venue.order_book
        self._engine = None if book is None else MarkEngine(world, book)
        self._needs_external = book is None or book.needs_external
        self._fair = [0] * markets
        self._is_fair_old = True

    def fair_one(self, market: int) -> int:
        """The external fair price of one market by the newest of its feeds (price quantums); 0 where it knows none."""
        if self._is_fair_old:
            self._is_fair_old = False
            inputs = self._aggregate()
            self._fair = [0] * len(self._fair) if inputs is None else fair_prices(inputs).tolist()
        return self._fair[market]

    # ---- life ------------------------------------------------------------------------------------------------
    def begin_ready(self) -> None:
        """Before the night: feeds connected and a first price known."""
        for source in range(len(self._spot_lanes)):
            self.spot.take(source, 0, self.world.outside.spot(0), None)
        for venue in range(len(self._external_lanes)):
            self.rates.take(venue, 0, self.world.outside.rates(0, venue), None)
        self.epoch += 1
        self.state = "ready"
        self._connect()
        self.on_ready()

    def boot_step(self, step: str):  # type: ignore[no-untyped-def]
        """Connects to the feeds; the first prices decide that it is ready."""
        yield from super().boot_step(step)
        if step == "connect":
            self._connect()
        epoch = self.epoch
        while step == "first_prices" and self._inputs() is None and self.is_current(epoch):
            yield self.sim.sleep(self.world.venue.oracle.tick_ms, "first_prices")

    def on_ready(self) -> None:
        """Publishes at the next instant of its phase, at once where it has none, and then with every tick."""
        spec = self.world.venue.oracle
        wait_ms = 0 if spec.mark_phase_ms is None else to_phase_ms(self.clock_ms(), spec.mark_ms, spec.mark_phase_ms)
        if wait_ms:
            self._beat.begin(wait_ms)
        else:
            self._beat.begin_now()

    def forget(self) -> None:
        """Feeds and last prices are memory."""
        self.spot.forget()
        self.rates.forget()
        self.last = None
        self._is_fair_old = True
        if self._engine is not None:
            self._engine.forget()

    # ---- feeds -----------------------------------------------------------------------------------------------
    def _connect(self) -> None:
        spec, now_ms = self.world.venue.oracle, self.sim.now_ms
        for source, lane in enumerate(self._spot_lanes):
            at_ms = -(-(now_ms + 1) // spec.tick_ms) * spec.tick_ms
            self.sim.call_at(at_ms, self._spot_tick, (self.epoch, source), lane, "tick")
        for venue, lane in enumerate(self._external_lanes):
            self.sim.call_in(0, self._external_tick, (self.epoch, venue), lane, "tick")

    def _spot_tick(self, arg: tuple[int, int]) -> None:
        epoch, source = arg
        if not self.is_current(epoch):
            return
        spec, lane, now_ms = self.world.venue.oracle, self._spot_lanes[source], self.sim.now_ms
        self.sim.call_in(spec.tick_ms, self._spot_tick, arg, lane, "tick")
        row = self.world.outside.spot(now_ms)
        if not self._spot_seam.bends:
            self.sim.call_in(spec.send_ms, self._take_spot, (epoch, source, now_ms, row, None), lane, "message")
            return
        for late_ms, made_ms, said, mask in self._as_sent(self._spot_seam, f"spot-{source + 1}", row.copy()):
            message = (epoch, source, made_ms, said, mask)
            self.sim.call_in(spec.send_ms + late_ms, self._take_spot, message, lane, "message")

    def _take_spot(self, message: OracleMessage) -> None:
        epoch, source, made_ms, row, mask = message
        if self.known is not None:  # of markets without parameters no price is taken
            mask = self.known if mask is None else self.known & mask
        heard = (self.spot, source, made_ms, row, mask)
        if self.is_current(epoch) and not self.is_held("feed", self._take, heard, self._bus):
            self._take(heard)

    def _external_tick(self, arg: tuple[int, int]) -> None:
        epoch, venue = arg
        if not self.is_current(epoch):
            return
        spec, lane, now_ms = self.world.venue.oracle, self._external_lanes[venue], self.sim.now_ms
        self.sim.call_in(spec.external_tick_ms, self._external_tick, arg, lane, "tick")
        row = self.world.outside.rates(now_ms, venue)
        if not self._external_seam.bends:
            self.sim.call_in(spec.send_ms, self._take_rates, (epoch, venue, now_ms, row, None), lane, "message")
            return
        for late_ms, made_ms, said, mask in self._as_sent(self._external_seam, f"external-{venue + 1}", PPM + row):
            message = (epoch, venue, made_ms, said - PPM, mask)
            self.sim.call_in(spec.send_ms + late_ms, self._take_rates, message, lane, "message")

    def _take_rates(self, message: OracleMessage) -> None:
        epoch, venue, made_ms, row, mask = message
        heard = (self.rates, venue, made_ms, row, mask)
        if self.is_current(epoch) and not self.is_held("feed", self._take, heard, self._bus):
            self._take(heard)

    def _take(self, arg: tuple[Feed, int, int | Ints, Ints, Mask | None]) -> None:
        feed, source, made_ms, row, mask = arg
        self._is_fair_old = True
        feed.take(source, made_ms, row, mask)

    def _as_sent(self, seam: Seam, label: str, value: Ints) -> Iterator[tuple[int, int | Ints, Ints, Mask]]:
        """(late by, when made, values, for which markets) of each delivery of a message that passes a bent seam.

        A spot source says price quantums, an external venue its mark over its index in ppm. What the venue's integers
        cannot hold is no number and is not taken; nor is, where the venue says so, what is not above zero.
        """
        now_ms = self.sim.now_ms
        passage = seam.through(Passage(len(value), label, value=value, stamp_ms=np.full(len(value), now_ms)))
        said, stamp_ms = passage.value, passage.stamp_ms
        assert said is not None
        assert stamp_ms is not None
        is_number = np.abs(said) < PRICE_QUANTUMS_MAX
        if self.world.venue.oracle.on_zero == "drop":
            is_number &= said > 0
        made_ms = now_ms if (stamp_ms == now_ms).all() else stamp_ms
        for late_ms, mask in passage.groups():
            yield late_ms, made_ms, said, mask & is_number

    # ---- publishing ------------------------------------------------------------------------------------------
    def _publish_tick(self, at_ms: int) -> None:
        inputs = self._inputs()
        message = None if inputs is None else self._price(inputs)
        if message is not None and greatest(message.mark) < PRICE_QUANTUMS_MAX:
            self.last = message
            age_ms = self.sim.now_ms - message.made_ms
            self.sim.emit(PricesPublished(message.spot, message.mark, age_ms, self._live_sources()), self._ticker)
            self._send(message)

    def _price(self, inputs: Inputs) -> PriceMessage | None:
        """The marks of these inputs, by the venue's method; None where it knows no mark."""
        spot, rate_ppm, known, made_ms = inputs
        if self._engine is None:
            return PriceMessage(spot, rate_ppm, mark_price(spot, rate_ppm), made_ms)
        try:
            marked = self._engine.tick(spot, rate_ppm, known, fair_prices(inputs))
        except OverflowError:  # checked arithmetic: what cannot be computed is not published
            return None
        return None if marked is None else PriceMessage(spot, marked[1], marked[0], made_ms)

    def _inputs(self) -> Inputs | None:
        """What there is to publish; of a market that no source carries, what the policy makes of it: not a word."""
        heard = self._aggregate()
        does = "skip" if heard is not None else self.policy("on_missing", "skip")
        if does == "raise":
            self.crash(RAISE_RESTART_MS)
        return self._medians(self._voters(self.spot), self._voters(self.rates)) if does == "default_zero" else heard

    def _aggregate(self) -> Inputs | None:
        """Medians of the sources that vote; they are as old as the oldest value in them."""
        return self._aggregate_evenly() or self._aggregate_by_market()

    def _aggregate_evenly(self) -> Inputs | None:
        """The usual case at a fraction of its price: every source is there for every market and fresh, so all vote."""
        spot_ms, rate_ms = self.spot.even_ms(), self.rates.even_ms()
        if spot_ms is None or rate_ms is None or self.world.venue.oracle.outlier_ppm_max is not None:
            return None
        made_ms = min(spot_ms, rate_ms)
        freshness = self.world.venue.safeguards.price_freshness
        if freshness is not None and made_ms < self.clock_ms() - freshness.liquidation_ms:
            return None
        spot, rate = median_of_all(self.spot.value), median_of_all(self.rates.value)
        return Inputs(spot, rate, None, np.full(len(spot), made_ms))

    def _aggregate_by_market(self) -> Inputs | None:
        spot_votes, rate_votes = self._near(self._voters(self.spot)), self._voters(self.rates)
        if not spot_votes.any(axis=0).all() or (self._needs_external and not rate_votes.any(axis=0).all()):
            return None
        return self._medians(spot_votes, rate_votes)

    def _medians(self, spot_votes: Mask, rate_votes: Mask) -> Inputs:
        """Medians over these votes: 0, as of now, where there is none."""
        spot, _ = median_of_votes(self.spot.value, spot_votes)
        rate, known = median_of_votes(self.rates.value, rate_votes)
        now_ms = self.sim.now_ms
        made_ms = np.minimum(
            np.where(spot_votes, self.spot.made_ms, now_ms).min(axis=0),
            np.where(rate_votes, self.rates.made_ms, now_ms).min(axis=0),
        )
        return Inputs(spot, rate, None if known.all() else known, made_ms)

    def _voters(self, feed: Feed) -> Mask:
        """Sources that were heard; with price freshness on, those within its strictest limit where there are any."""
        present: Mask = feed.made_ms > NEVER
        freshness = self.world.venue.safeguards.price_freshness
        if freshness is not None:
            fresh = feed.made_ms >= self.clock_ms() - freshness.liquidation_ms
            present &= fresh | ~fresh.any(axis=0)
        return present

    def _near(self, votes: Mask) -> Mask:
        """With an outlier limit: of the spot sources, those within it of the last price, where there are any.

        Where all of them are away it is the price that moved. The external rates' median of three needs no such rule.
        """
        limit_ppm, last = self.world.venue.oracle.outlier_ppm_max, self.last
        if limit_ppm is None or last is None:
            return votes
        near: Mask = votes & (np.abs(self.spot.value - last.spot) * PPM <= last.spot * limit_ppm)
        return np.where(near.any(axis=0), near, votes)

    def _live_sources(self) -> Ints:
        """How many spot sources of each market were heard in the time that the venue declares for a fill."""
        since_ms = self.sim.now_ms - self.world.venue.declared.fill_price_age_ms
        even_ms = self.spot.even_ms()
        if even_ms is not None and even_ms >= since_ms:
            return self._all_live
        live: Ints = (self.spot.made_ms >= since_ms).sum(axis=0)
        return live

    def _send(self, message: PriceMessage) -> None:
        if not self._publish_seam.bends:
            self.sim.call_in(PUBLISH_MS, self._deliver, message, self._bus, "prices")
            return
        for label, hear in (("prices/cloud", self._to_cloud), ("prices/funding", self.world.funding.on_prices)):
            for late_ms, _ in self._publish_seam.through(Passage(1, label)).groups():
                self.sim.call_in(PUBLISH_MS + late_ms, hear, message, self._bus, "prices")

    def _deliver(self, message: PriceMessage) -> None:
        self.world.funding.on_prices(message)
        self._to_cloud(message)

    def _to_cloud(self, message: PriceMessage) -> None:
        world = self.world
        world.cloud.on_prices(message.mark, message.made_ms)
        world.cloud.send(PriceTx(message.mark))
        world.after_prices()
