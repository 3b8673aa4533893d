"""Messages that are late, lost, doubled, overtaken or unanswered, and components that do not hear each other."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from drydock.faults.ack_lost import AckLost
from drydock.faults.message_delay import MessageDelay
from drydock.faults.message_duplicate import MessageDuplicate
from drydock.faults.message_loss import MessageLoss
from drydock.faults.message_reorder import MessageReorder
from drydock.faults.partition import Partition
from drydock.faults.partition_one_way import PartitionOneWay
from drydock.faults.swizzle import Swizzle
from drydock.harness.port import Fault
from drydock.harness.seam import Passage
from drydock.models.events import BlockSealed, Bust, Fill, IndexOnchain, IndexPublished, PageRefreshed
from drydock.models.inbox import ALL, Inbox
from drydock.models.links import CHANNELS, between, channels_of, components, directions, links
from tests.nights import Stage, bench, broken, of, play, told

FROM_MS, LASTS_MS = 20_500, 60_000
UNTIL_MS = FROM_MS + LASTS_MS
BUSY = ("population.fills_per_minute=120",)
PAYS = ("population.transfers_per_hour=3600", "population.accounts=100")
RESEND = ("venue.messages.submit_resend_ms=1s", "venue.messages.intent_resend_ms=1s")
KEYED = ("venue.messages.drops_duplicates=true",)
EVERY = 1_000_000


def struck(fault: type[Any], target: str, **fields: Any) -> Any:
    """The fault while the venue trades, for a minute."""
    return fault(step="maintenance", offset_ms=FROM_MS - 120_000, target=target, lasts_ms=LASTS_MS, **fields)


def stage(fault: Fault | None, *sets: str, until_ms: int = 110_000) -> Stage:
    """A busy venue before its maintenance, with the fault or without."""
    made = Stage(*BUSY, *sets, regime="calm").at(1)
    if fault is not None:
        made.sim.spawn("fault/0", fault.inject(made.world))
    return made.at(until_ms)


def accruals(at: Stage) -> list[tuple[int, int]]:
    """(when, index of the first market) of every index that the chain took."""
    return [(at_ms, int(e.indices[0])) for at_ms, e in told(at.events, IndexOnchain)]


def published(at: Stage) -> list[int]:
    """The indices of the first market as the engine published them."""
    return [int(e.indices[0]) for e in at.of(IndexPublished)]


# ---- channels and links ---------------------------------------------------------------------------------------------
def test_every_message_at_a_seam_belongs_to_exactly_one_channel() -> None:
    """No label that passes the seam of a channel is unknown, none is of two, and every channel carries something."""
    people = (
        "population.traders.limit_ppm=50%",
        "population.opportunists=4",
        "population.traders.harvests_per_hour=900",
    )
    night = Stage(*BUSY, *PAYS, *people, "venue.order_book={}", regime="calm", is_started=False)
    carried: Counter[str] = Counter()
    unknown = []

    def watch(seam: str) -> Any:
        def note(passage: Passage) -> bool:
            mine = [channel.name for channel in CHANNELS if channel.seam == seam and channel.carries(passage)]
            carried.update(mine)
            unknown.extend([(seam, passage.label)] * (len(mine) != 1))
            return False

        return note

    with ExitStack() as watched:
        for seam in dict.fromkeys(channel.seam for channel in CHANNELS):
            watched.enter_context(night.world.seams[seam].bend(watch(seam)))
        night.world.start()
        night.at(130_000)
    assert [] == unknown
    assert {channel.name for channel in CHANNELS} == set(carried)


def test_names_of_channels_directions_links_and_components_do_not_clash() -> None:
    """One name means one set of channels, whoever is asked."""
    for name in (*directions(CHANNELS), *links(CHANNELS), *components(CHANNELS)):
        assert between(name)
    for name in (channel.name for channel in CHANNELS):
        assert name in [channel.name for channel in between(name)]
        if name not in components(CHANNELS):
            assert [name] == [channel.name for channel in between(name)]
    assert len(links(CHANNELS)) < len(directions(CHANNELS)) < len(CHANNELS)


def test_channels_of_a_book_are_there_where_the_book_is() -> None:
    """A venue that fills at mark has no quotes to lose, and no makers to cut off."""
    with_book, without = bench("venue.order_book={}"), bench()
    assert {"orders", "quotes", "cancels"} == {c.name for c in set(channels_of(with_book)) - set(channels_of(without))}
    assert {"makers"} == set(Partition.targets(with_book)) - set(Partition.targets(without)) - {"makers|matching"}


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_cut_of_one_channel_leaves_the_others_of_its_seam(channel: Any) -> None:
    """A message of another channel passes the same seam untouched."""
    world = Stage(is_started=False).world
    fault = struck(MessageLoss, channel.name, share_ppm=EVERY)
    for _, bender in fault.benders(world):
        for other in CHANNELS:
            if other.seam == channel.seam:
                passage = Passage(3, other.label)
                assert bender(passage) == (other == channel)
                assert bool(passage.is_lost.all()) == (other == channel)


# ---- one fault each -------------------------------------------------------------------------------------------------
def test_lost_messages_do_not_arrive_and_later_ones_do() -> None:
    """Without indices the chain keeps its own; after the fault it follows again. The cloud never noticed."""
    bent = stage(struck(MessageLoss, "accruals", share_ppm=EVERY))
    at_ms = [at for at, _ in accruals(bent)]
    assert [] == [at for at in at_ms if FROM_MS + 5_000 < at < UNTIL_MS]
    assert [] != [at for at in at_ms if at > UNTIL_MS]
    assert published(bent) == published(stage(None))


def test_share_of_messages_is_that_of_the_dice_and_nests() -> None:
    """Half of them, more or less; what a tenth strikes is among them."""
    arrived = []
    for share_ppm in (100_000, 500_000):
        bent = stage(struck(MessageLoss, "fills", share_ppm=share_ppm))
        arrived.append(Counter(fill for block in bent.of(BlockSealed) for fill in block.view.fills))
    assert not arrived[1] - arrived[0]
    assert 0 < arrived[1].total() < arrived[0].total()


def test_late_messages_keep_their_order() -> None:
    """While it lasts every index arrives, in the order in which it was sent, two blocks later than it would have."""
    fault = struck(MessageDelay, "accruals", delay_ms=10_000)
    straight, bent = (
        [(at_ms, index) for at_ms, index in accruals(stage(each)) if at_ms < UNTIL_MS] for each in (None, fault)
    )
    assert [index for _, index in straight][:-2] == [index for _, index in bent]
    late_ms = [came_ms - at_ms for (at_ms, _), (came_ms, _) in zip(straight, bent, strict=False)]
    assert [0, 10_000] == sorted(set(late_ms))


def test_overtaken_messages_arrive_after_later_ones() -> None:
    """The chain takes an older index after a newer one: in its state funding goes back and forth."""
    bent = stage(struck(MessageReorder, "accruals", share_ppm=400_000, held_ms=12_000))
    sent, came = published(bent), [index for _, index in accruals(bent)]
    order = [sent.index(index) for index in came if index in sent]
    assert order != sorted(order)
    assert len(order) == len(set(order))


def test_doubled_messages_arrive_twice() -> None:
    """An index that comes twice is taken twice, and changes nothing the second time."""
    straight, bent = (
        stage(each) for each in (None, struck(MessageDuplicate, "accruals", share_ppm=EVERY, late_ms=100))
    )
    assert {1} == set(Counter(index for _, index in accruals(straight)).values())
    assert {1, 2} == set(Counter(index for _, index in accruals(bent)).values())
    assert straight.world.chain.index.tolist() == bent.world.chain.index.tolist()


def test_page_that_hears_nothing_shows_what_it_had() -> None:
    """The vault's page stands still while its reads are lost; the portfolio's goes on."""
    bent = stage(struck(MessageLoss, "vault", share_ppm=EVERY), "venue.read_models.refresh_ms=5s")
    shown = Counter(e.service for at_ms, e in told(bent.events, PageRefreshed) if FROM_MS < at_ms < UNTIL_MS)
    assert {"portfolio"} == set(shown)


# ---- doubled fills --------------------------------------------------------------------------------------------------
DOUBLES: list[tuple[Fault, tuple[str, ...], set[str]]] = [
    (MessageDuplicate(step="resume", target="fills", share_ppm=EVERY), (), {"S6", "S7"}),
    (MessageDuplicate(step="resume", target="intents", share_ppm=EVERY), (), {"O4"}),
    (AckLost(step="resume", target="fills", share_ppm=EVERY, lasts_ms=20_000), RESEND, {"S6", "S7"}),
    (AckLost(step="resume", target="intents", share_ppm=EVERY, lasts_ms=20_000), RESEND, {"O4"}),
]


@pytest.mark.parametrize("book", [(), ("venue.order_book={}",)], ids=["at mark", "book"])
@pytest.mark.parametrize(("fault", "sets", "laws"), DOUBLES, ids=lambda value: getattr(value, "kind", None))
def test_doubled_fill_is_told_by_its_law_and_stopped_by_a_key(
    fault: Fault, sets: tuple[str, ...], laws: set[str], book: tuple[str, ...]
) -> None:
    """Sums stay right, so conservation is silent; with an idempotency key the night is that without the fault."""
    assert laws == broken(play(*BUSY, *book, *sets, plan=(fault,)))
    keyed = play(*BUSY, *book, *sets, *KEYED, plan=(fault,))
    assert [True] == [evidence.exercised for evidence in keyed.evidence]
    assert play(*BUSY, *book, *sets, *KEYED).digest == keyed.digest


def test_doubled_fills_cost_people_money_where_prices_move() -> None:
    """The chain holds for richer, or poorer, whoever was filled twice, and pays out on it."""
    fault = MessageDuplicate(step="maintenance", offset_ms=-110_000, target="fills", share_ppm=EVERY, lasts_ms=100_000)
    assert {"S5", "S6"} <= broken(play(*BUSY, *PAYS, regime="crash", plan=(fault,)))


@pytest.mark.parametrize("fault", [MessageDuplicate, MessageLoss])
def test_transfer_that_the_cloud_hears_twice_or_never_is_told_by_the_law_of_both_ledgers(fault: Any) -> None:
    """The chain has credited it once; what the cloud makes of it stays until a restart takes the chain's word."""
    bent = fault(step="resume", target="news", share_ppm=EVERY)
    assert {"S7"} == broken(play(*PAYS, plan=(bent,)))
    healed = fault(step="maintenance", offset_ms=-110_000, target="news", share_ppm=EVERY, lasts_ms=100_000)
    assert "S7" not in broken(play(*PAYS, plan=(healed,)))


def test_payout_that_is_booked_twice_liquidates_people_who_were_healthy() -> None:
    """The cloud believes them poorer than they are, until its restart takes the chain's word: too late for them."""
    fault = MessageDuplicate(step="maintenance", offset_ms=-110_000, target="news", share_ppm=EVERY, lasts_ms=100_000)
    assert "L1" in broken(play(*PAYS, plan=(fault,)))


def test_sender_that_waits_for_an_answer_makes_good_what_was_lost() -> None:
    """Sent again until it arrives: late, and not lost."""
    fault = MessageLoss(step="resume", target="fills", share_ppm=500_000, lasts_ms=20_000)
    assert "S6" in broken(play(*BUSY, plan=(fault,)))
    made_good = play(*BUSY, *RESEND, plan=(fault,))
    assert set() == broken(made_good)
    fills = Counter(fill[:5] for fill in of(made_good.events, Fill))
    assert fills.total() == len(of(made_good.events, Bust)) + sum(
        len(block.view.fills) for block in of(made_good.events, BlockSealed)
    )


def test_lost_answer_needs_a_sender_that_waits_for_one() -> None:
    """Where nobody sends again the fault has nothing to strike."""
    assert () == AckLost.targets(bench())
    assert ("fills", "marks", "accruals") == AckLost.targets(bench(RESEND[0]))
    assert ("intents",) == AckLost.targets(bench(RESEND[1]))


def test_inbox_takes_each_part_once_where_it_has_a_key() -> None:
    """A batch may come in parts, and its parts again; without a key all of it is taken."""
    first, both = np.array([True, False]), np.array([True, True])
    keyed, plain = Inbox(drops_duplicates=True), Inbox(drops_duplicates=False)
    taken = [keyed.take(7, parts).tolist() for parts in (first, both, both)]
    assert [[True, False], [False, True], [False, False]] == taken
    assert [[True, True]] * 2 == [plain.take(7, both).tolist() for _ in range(2)]
    assert [True, False, True] == [bool(keyed.take(number, ALL).all()) for number in (1, 1, 2)]


# ---- partitions -----------------------------------------------------------------------------------------------------
def bent_channels(world: Any) -> set[str]:
    """The channels whose messages are lost now."""
    lost = set()
    for channel in CHANNELS:
        passage = Passage(1, channel.label)
        for bend in world.seams[channel.seam].bends:
            bend.bender(passage)
        lost |= {channel.name} if passage.is_lost.all() else set()
    return lost


@pytest.mark.parametrize(
    ("fault", "cut"),
    [
        (struck(PartitionOneWay, "cloud>chain"), {"fills", "marks", "accruals"}),
        (struck(PartitionOneWay, "chain>cloud"), {"news"}),
        (struck(Partition, "chain|cloud"), {"fills", "marks", "accruals", "news"}),
        (struck(Partition, "funding"), {"basis", "indices", "rows"}),
        (struck(Partition, "market_data"), {"spot", "external", "prices", "basis"}),
    ],
)
def test_partition_cuts_what_it_names_and_heals(fault: Any, cut: set[str]) -> None:
    """These channels and no others, for its time."""
    states = [bent_channels(stage(fault, until_ms=at_ms).world) for at_ms in (FROM_MS, FROM_MS + 1_000, UNTIL_MS + 1)]
    assert [set(), cut, set()] == states


def test_cloud_and_chain_that_do_not_hear_each_other_go_apart() -> None:
    """The cloud goes on filling, the chain seals blocks without a fill, and the law of both ledgers speaks."""
    bent = stage(struck(Partition, "chain|cloud"))
    sealed = [len(e.view.fills) for at_ms, e in told(bent.events, BlockSealed) if FROM_MS + 5_000 < at_ms < UNTIL_MS]
    assert 0 == sum(sealed)
    assert [] != [at_ms for at_ms, _ in told(bent.events, Fill) if FROM_MS + 5_000 < at_ms < UNTIL_MS]
    assert {"S6"} <= broken(play(*BUSY, plan=(Partition(step="resume", target="chain|cloud"),)))


def test_late_news_of_a_transfer_reach_the_cloud_late() -> None:
    """What the chain credits, the cloud hears of when the news come."""
    apart = []
    for fault in (None, struck(MessageDelay, "news", delay_ms=30_000)):
        world = stage(fault, *PAYS, "population.fills_per_minute=0", until_ms=75_100).world
        apart.append(int((world.chain.holdings.quote != world.cloud.holdings.quote).sum()))
    assert apart[0] == 0 < apart[1]


# ---- swizzle --------------------------------------------------------------------------------------------------------
def cuts(seed: int) -> tuple[list[set[str]], list[set[str]]]:
    """The channels cut, second by second, on the way down and on the way up."""
    fault = Swizzle(step="maintenance", offset_ms=FROM_MS - 120_000, cuts=4, gap_ms=1_000, lasts_ms=5_000)
    at = Stage(*BUSY, regime="calm", seed=seed).at(1)
    at.sim.spawn("fault/0", fault.inject(at.world))
    states = [bent_channels(at.at(FROM_MS + 500 + second * 1_000).world) for second in range(13)]
    return states[:4], states[9:]


@pytest.mark.parametrize("seed", range(4))
def test_swizzle_cuts_one_link_after_another_and_never_all(seed: int) -> None:
    """Down in one order, up again one by one, and in the end everything is well."""
    down, up = cuts(seed)
    assert all(before < after for before, after in pairwise(down))
    assert all(before > after for before, after in pairwise(up))
    assert len(down[-1]) < len(CHANNELS)
    assert set() == up[-1]


def test_swizzle_restores_in_another_order() -> None:
    """Over a few seeds the first that was cut is not always the last to come back, nor the first."""
    firsts = set()
    for seed in range(6):
        down, up = cuts(seed)
        firsts.add((down[0] <= up[0], down[0] <= up[-2]))
    assert len(firsts) > 1
