"""What the faults of messages share: they strike a channel, and of its messages a drawn share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from drydock.harness.port import Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.links import Hit, benders_of, between, channels_of
from drydock.models.perp.units import PPM
from drydock.models.venue_fault import LastingFault

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld


class MessageFault(LastingFault):
    """A fault of the messages of one channel. A batch over many markets is one message."""

    __slots__ = ()

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Every channel whose messages can be late, doubled and overtaken."""
        return tuple(channel.name for channel in channels_of(scenario) if not channel.is_call)

    @abstractmethod
    def hit(self, passage: Passage) -> bool:
        """What happens to a message; whether anything does."""

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Bends the messages of the target's channels."""
        yield from benders_of(between(self.target), self.hit)


class SharedMessageFault(MessageFault):
    """One that strikes ``share_ppm`` of the messages, each by the run's seed."""

    __slots__ = ()

    share_ppm: int

    def benders(self, world: VenueWorld) -> Iterable[tuple[str, Bender]]:
        """Throws its dice for each message that passes."""
        yield from benders_of(between(self.target), some(self.hit, self.share_ppm, self.stream_name(), world))


def some(hit: Hit, share_ppm: int, stream_name: str, world: VenueWorld) -> Hit:
    """A hit of a share of the messages: those of a smaller share are among those of a greater one."""
    rng = world.sim.rng(stream_name)
    return lambda passage: rng.below(PPM) < share_ppm and hit(passage)
