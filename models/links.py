"""Links: which component speaks to which, over which channel. What a partition cuts, and what a message fault bends.

A channel is a direction: a seam, and of its passages those whose label begins with a word. A read is a message of the
one who answers to the one who asks; where a lost answer would hang its reader for ever (the loading of rows, which is
a service's own business) it is no channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from drydock.harness.port import Scenario
from drydock.harness.seam import Bender, Passage
from drydock.models.model import model_of


class Channel(NamedTuple):
    """Messages of one component to another. A call is asked and answered at once: it can be lost, and nothing else.

    What is ``of_book`` there is only where the venue has an order book.
    """

    name: str
    sender: str
    receiver: str
    seam: str
    label: str
    sentence: str
    is_call: bool = False
    of_book: bool = False

    @property
    def link(self) -> str:
        """The two components, in the order of their names: both directions between them are one link."""
        return "|".join(sorted((self.sender, self.receiver)))

    @property
    def direction(self) -> str:
        """``cloud>chain``."""
        return f"{self.sender}>{self.receiver}"

    @property
    def names(self) -> tuple[str, ...]:
        """Whatever it is meant by: its own name, its direction, its link, and either component."""
        return (self.name, self.direction, self.link, self.sender, self.receiver)

    def carries(self, passage: Passage) -> bool:
        """Whether what passes the seam is a message of this channel."""
        return passage.label.startswith(self.label)


CHANNELS: tuple[Channel, ...] = (
    Channel("spot", "oracle", "market_data", "oracle.spot", "spot", "prices of the spot sources"),
    Channel("external", "oracle", "market_data", "oracle.external", "external", "rates of the external venues"),
    Channel("prices", "market_data", "cloud", "market_data.publish", "prices/cloud", "marks for trading and risk"),
    Channel("basis", "market_data", "funding", "market_data.publish", "prices/funding", "prices for the funding rate"),
    Channel("indices", "funding", "cloud", "funding.publish", "indices", "funding indices, tick by tick"),
    Channel("rows", "funding", "database", "funding.persist", "persist", "the write-behind of indices"),
    Channel("intents", "clients", "matching", "gateway.send", "intent", "what people want to trade"),
    Channel("orders", "clients", "matching", "gateway.send", "order", "orders of those who post far", of_book=True),
    Channel("quotes", "makers", "matching", "gateway.send", "quote", "what makers quote", of_book=True),
    Channel("cancels", "clients", "matching", "gateway.send", "cancel", "orders withdrawn", is_call=True, of_book=True),
    Channel("payouts", "clients", "cloud", "gateway.send", "withdrawal", "wishes to be paid out", is_call=True),
    Channel("fills", "cloud", "chain", "cloud.submit", "transaction", "fills and liquidations to be sealed"),
    Channel("marks", "cloud", "chain", "cloud.submit", "prices", "marks to be sealed"),
    Channel("accruals", "cloud", "chain", "cloud.submit", "index", "funding indices to be sealed"),
    Channel("news", "chain", "cloud", "chain.notify", "", "busts, refused liquidations, credited transfers"),
    Channel("portfolio", "chain", "portfolio", "portfolio.read", "refresh", "balances for the portfolio page"),
    Channel("vault", "chain", "vault", "vault.read", "refresh", "balances for the vault page"),
)
"""All of them, in the order in which a price travels."""

Hit = Callable[[Passage], bool]
"""What a fault does to one message; it says whether it touched it."""


def channels_of(scenario: Scenario) -> tuple[Channel, ...]:
    """The channels that its venue has."""
    has_book = model_of(scenario).venue.order_book is not None
    return tuple(channel for channel in CHANNELS if has_book or not channel.of_book)


def links(channels: Iterable[Channel]) -> tuple[str, ...]:
    """Every pair of components that speak, each once: ``chain|cloud``."""
    return tuple(dict.fromkeys(channel.link for channel in channels))


def directions(channels: Iterable[Channel]) -> tuple[str, ...]:
    """Every direction in which messages go: ``cloud>chain``."""
    return tuple(dict.fromkeys(channel.direction for channel in channels))


def components(channels: Iterable[Channel]) -> tuple[str, ...]:
    """Everybody who speaks or is spoken to."""
    return tuple(dict.fromkeys(name for channel in channels for name in (channel.sender, channel.receiver)))


def between(what: str) -> Sequence[Channel]:
    """The channels of a name: of a channel, a direction, a link, or of a component with all others."""
    return [
        channel
        for channel in CHANNELS
        if what
        in (channel.name, channel.link, f"{channel.sender}>{channel.receiver}", channel.sender, channel.receiver)
    ]


def benders_of(channels: Iterable[Channel], hit: Hit) -> Iterator[tuple[str, Bender]]:
    """(seam, bender) for each channel: its own messages are hit, those of others pass."""
    for channel in channels:
        yield channel.seam, _only(channel, hit)


def lose(passage: Passage) -> bool:
    """The whole message is lost."""
    passage.is_lost[:] = True
    return True


def _only(channel: Channel, hit: Hit) -> Bender:
    return lambda passage: channel.carries(passage) and hit(passage)
