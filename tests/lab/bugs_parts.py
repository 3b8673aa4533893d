"""Mistakes in one part of the venue, each a line or two in a subclass, shown by one fault."""

from __future__ import annotations

from typing import Any

from drydock.models.accounts import Holdings, Ints
from drydock.models.beat import Beat
from drydock.models.chain import Chain, FillTx, Transaction
from drydock.models.cloud import Cloud
from drydock.models.database import Rows
from drydock.models.funding_engine import FundingEngine
from drydock.models.inbox import Inbox
from drydock.models.index_rows import AT_MS
from drydock.models.invariants.canaries.build import venue_with
from drydock.models.market_data import MarketData, OracleMessage
from drydock.models.world import VenueWorld
from tests.lab.planted import Bug


class UnfencedBeat(Beat):
    """A timer that looks whether its service is ready, and not whether it is still the one that set it."""

    __slots__ = ()

    def _fire(self, epoch: int) -> None:
        if self._service.is_ready:
            super()._fire(self._service.epoch)


class OldTimersGoOn(FundingEngine):
    """Restarted within a period, it has two timers."""

    def __init__(self, world: VenueWorld) -> None:
        super().__init__(world)
        self._beat = UnfencedBeat(self, "tick", self._ticker, self._tick, self._spec.tick_ms)


class StampsOnArrival(MarketData):
    """A spot price bears the time at which it came, not the one at which it was made."""

    def _take_spot(self, message: OracleMessage) -> None:
        epoch, source, _, row, mask = message
        super()._take_spot((epoch, source, self.sim.now_ms, row, mask))


class ResendsUnderANewNumber(Cloud):
    """What is sent again is a new message to whoever receives it."""

    def _send_numbered(self, message: tuple[int, Transaction]) -> None:
        self._sent += 1
        super()._send_numbered((self._sent, message[1]))


class TakesIntentsTwice(VenueWorld):
    """The key of an intent is not looked at."""

    def _build_parts(self) -> None:
        super()._build_parts()
        self.people._inbox = Inbox(drops_duplicates=False)


class ForgetsWhatIsLate(Chain):
    """A block is what had arrived at its boundary; what comes between that and a late sealing is dropped."""

    _due_ms = 0

    def arm(self) -> None:
        """Notes the boundary."""
        if not self._is_armed:
            block_ms = self._world.venue.chain.block_ms
            self._due_ms = (self._sim.now_ms // block_ms + 1) * block_ms
        super().arm()

    def submit(self, transaction: Transaction) -> None:
        """Nobody is told."""
        if not (self._is_armed and self._sim.now_ms > self._due_ms and isinstance(transaction, FillTx)):
            super().submit(transaction)


class StampsRefusedRows(FundingEngine):
    """A row that comes with a refusal is taken as of now."""

    def _overtaken(self, epoch: int, markets: Ints, rows: Rows) -> None:
        super()._overtaken(epoch, markets, rows)
        self._at_ms[markets[~rows.found & (rows.version > 0)]] = self.clock_ms()


class StampsRetriedRows(FundingEngine):
    """A row that had to be asked for again is taken as of now."""

    _is_retrying = False

    def _ask_again(self, arg: tuple[int, Ints, int]) -> None:
        self._is_retrying = True
        super()._ask_again(arg)

    def _take_rows(self, markets: Ints, values: Ints, version: Ints) -> None:
        if self._is_retrying:
            values[:, AT_MS] = self.clock_ms()
        super()._take_rows(markets, values, version)

    def forget(self) -> None:
        """The next start begins anew."""
        super().forget()
        self._is_retrying = False


class VerifiesOnce(FundingEngine):
    """Rows that differ from the chain are loaded again, and then believed."""

    _was_asked = False

    def _differs_from_chain(self) -> Ints:
        suspects = super()._differs_from_chain()
        if self._was_asked:
            return suspects[:0]
        self._was_asked = True
        return suspects

    def forget(self) -> None:
        """The next start asks again."""
        super().forget()
        self._was_asked = False


class LeavesOutTheLate(FundingEngine):
    """What has to be asked for again is left for later: the engine is ready without it."""

    def _ask_again(self, arg: tuple[int, Ints, int]) -> None:
        super()._ask_again(arg)
        self._is_loaded[arg[1]] = True

    def _differs_from_chain(self) -> Ints:
        suspects = super()._differs_from_chain()
        return suspects[self._is_cached[suspects]]


def _chain(part: Any) -> Any:
    def make(world: VenueWorld, holdings: Holdings, index: Ints, mark: Ints) -> Chain:
        made: Chain = part(world, holdings, index, mark)
        return made

    return venue_with(chain=make)


BUGS = (
    Bug(
        "old-funding-timer-goes-on",
        "a funding timer of before a restart goes on beside the new one",
        "F8",
        1,
        world=venue_with(funding=OldTimersGoOn),
    ),
    Bug(
        "prices-stamped-on-arrival",
        "a spot price bears the time of its arrival",
        "P2",
        1,
        world=venue_with(market_data=StampsOnArrival),
    ),
    Bug(
        "resent-under-a-new-number",
        "a fill that is sent again has another idempotency key",
        "S6",
        1,
        world=venue_with(cloud=ResendsUnderANewNumber),
    ),
    Bug("intents-taken-twice", "an intent that is sent again is filled again", "O4", 1, world=TakesIntentsTwice),
    Bug(
        "late-block-forgets",
        "a block that is sealed late drops the fills that came after its boundary",
        "S6",
        1,
        world=_chain(ForgetsWhatIsLate),
    ),
    Bug(
        "refused-rows-stamped-now",
        "the row that comes with a refused write is taken as of now",
        "P8",
        1,
        world=venue_with(funding=StampsRefusedRows),
    ),
    Bug(
        "retried-rows-stamped-now",
        "a row that had to be asked for twice is taken as of now",
        "P8",
        1,
        world=venue_with(funding=StampsRetriedRows),
    ),
    Bug(
        "verified-once",
        "rows that were loaded again are not compared with the chain again",
        "F3",
        1,
        world=venue_with(funding=VerifiesOnce),
    ),
    Bug(
        "retried-rows-left-out",
        "the engine is ready without the rows that it has to ask for again",
        "F2",
        1,
        world=venue_with(funding=LeavesOutTheLate),
    ),
)
