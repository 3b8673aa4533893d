"""The laws of an order book, as functions of one step of a night of operations, and how such a night is played."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from drydock.models.book import Book
from drydock.models.orders import BUY, SELL, Fields, Level, Order
from tests.models.naive_book import NaiveBook

KINDS = (*["post"] * 4, "limit", "limit", "take", "market", "cancel", "quote", "cancel_all", "restore")
TAKING = ("limit", "take", "market")
OWNERS, MIDDLE = 4, 100
PRICE_RANGE = range(MIDDLE - 6, MIDDLE + 7)


class Op(NamedTuple):
    """One operation; each kind reads what it needs."""

    kind: str
    owner: int
    side: int
    price: int
    size: int
    is_reduce_only: bool
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class Step(NamedTuple):
    """An operation, what it did, and the book before and after: everything as it was then."""

    op: Op
    id: int  # of the order, or of the first level
    before: list[Order]
    after: list[Order]
    views: tuple[Any, ...]
    matches: Sequence[tuple[int, int, int]] = ()  # order id, size, price
    left: int = 0
    gone: Sequence[tuple[int, int]] = ()  # cancelled or refused: order id, what was left of it
    answer: Any = None


def draw_op(below: Callable[[int], int]) -> Op:
    """An operation, from dice that give a number below a limit."""

    def ladder(side: int) -> tuple[Level, ...]:
        return tuple((MIDDLE + side * (below(6) - 4), 1 + below(5)) for _ in range(below(4)))

    kind, owner, side = KINDS[below(len(KINDS))], below(OWNERS), (BUY, SELL)[below(2)]
    price = MIDDLE + side * (below(8) - (2 if kind in TAKING else 6))  # mostly aggressive, or mostly passive
    return Op(kind, owner, side, price, 1 + below(9), below(3) == 0, ladder(BUY), ladder(SELL))


def reducible(order: Order) -> int:
    """A position of its own for every owner: none, 2, 4, 6."""
    return 2 * order.owner


# ---- playing a night ------------------------------------------------------------------------------------------------
def cancel_twice(book: Book | NaiveBook, order_id: int) -> dict[str, Any]:
    first = book.cancel(order_id)
    return {"gone": [(first.id, first.left)] if first else [], "answer": (order_id, book.cancel(order_id))}


def perform(book: Book | NaiveBook, op: Op, order_id: int) -> dict[str, Any]:
    order = Order(order_id, op.owner, 0, op.side, op.price, op.size, op.is_reduce_only)
    if op.kind == "post":
        return {"answer": book.post(order)}
    if op.kind == "cancel":
        known = [0, 1, *ids(list(book))]  # one that never was, one that is mostly gone, or one that rests
        return cancel_twice(book, known[op.price * op.size % len(known)])
    if op.kind in TAKING:
        limit_price = None if op.kind == "market" else op.price
        taken = book.limit(order) if op.kind == "limit" else book.take(op.owner, op.side, op.size, limit_price)
        matches = [(match.order.id, match.size, match.price) for match in taken.matches]
        return {"matches": matches, "left": taken.left, "gone": [(o.id, o.left) for o in taken.cancelled]}
    if op.kind == "restore":
        return {"answer": book.restore(book.snapshot())}
    if op.kind == "cancel_all":
        gone = book.cancel_all(lambda o: is_kept(o, op))
    else:
        gone = book.quote(op.owner, 0, op.bids, op.asks, order_id)
    return {"gone": [(o.id, o.left) for o in gone]}


def views(book: Book | NaiveBook) -> tuple[Any, ...]:
    """What a book says when asked; the ratios are one tick's, in the middle and beside it."""
    sides = [(book.second(side), [book.depth(side, price) for price in PRICE_RANGE]) for side in (BUY, SELL)]
    crossing = [book.would_cross(side, price) for side in (BUY, SELL) for price in PRICE_RANGE]
    thin = [book.is_thin(ppm) for ppm in (0, 10_000, 10_050, 21_000, 50_000)]
    known = [book.get(order.id) is order for order in book]
    return book.best_bid, book.best_ask, sides, crossing, thin, len(book), known, book.get(-7)


def play(book: Book | NaiveBook, night: list[Op]) -> list[Step]:
    """The night, step by step."""
    steps = []
    for number, op in enumerate(night):
        order_id = 1 + 10 * number  # a ladder uses up to six
        before = book.snapshot()
        done = perform(book, op, order_id)
        steps.append(Step(op, order_id, orders(before), orders(book.snapshot()), views(book), **done))
    return steps


# ---- what laws ask of a step ----------------------------------------------------------------------------------------
def orders(snapshot: tuple[Fields, ...]) -> list[Order]:
    return [Order(*fields) for fields in snapshot]


def fields(resting: list[Order]) -> list[Fields]:
    return [order.fields for order in resting]


def ids(resting: list[Order]) -> list[int]:
    return [order.id for order in resting]


def size(resting: list[Order]) -> int:
    return sum(order.left for order in resting)


def is_kept(order: Order, op: Op) -> bool:
    return order.owner != op.owner or order.is_reduce_only


def is_quote_of(order: Order, op: Op) -> bool:
    return order.is_quote and order.owner == op.owner


def matched(step: Step) -> list[tuple[Order, int]]:
    """The resting orders that were met, as they were before, and how much of each."""
    there = {order.id: order for order in step.before}
    return [(there[order_id], traded) for order_id, traded, _ in step.matches]


# ---- laws -----------------------------------------------------------------------------------------------------------
def nothing_crosses_at_rest(step: Step) -> bool:
    """The best bid is below the best ask."""
    bids = [order.price for order in step.after if order.side == BUY]
    asks = [order.price for order in step.after if order.side == SELL]
    return max(bids, default=0) < min(asks, default=1_000)


def everyone_keeps_their_place(step: Step) -> bool:
    """Price, then time: what stays keeps its place at its price, and what is new queues behind."""
    there = {order.id: order for order in step.after}
    stayed = [there.pop(order.id) for order in step.before if order.id in there]
    new = [there[order_id] for order_id in sorted(there)]
    expected = sorted(stayed + new, key=lambda order: (-order.side, -order.side * order.price))
    return ids(expected) == ids(step.after)


def the_first_is_met_first(step: Step) -> bool:
    """Who is met is the head of the queue, in its order and at its prices; all of it but the last is done with."""
    if step.op.kind not in TAKING:
        return not step.matches
    queue = [order for order in step.before if order.side == -step.op.side]
    met = {order_id for order_id, *_ in [*step.matches, *step.gone]}
    head = queue[: len(met)]
    in_order = [(order.id, order.price) for order in head if order.id in {match[0] for match in step.matches}]
    is_done_with = not set(ids(head[:-1])) & set(ids(step.after))
    return met == set(ids(head)) and in_order == [(i, price) for i, _, price in step.matches] and is_done_with


def a_taker_takes_all_it_may(step: Step) -> bool:
    """Where something is left of an order, nobody is left within its limit."""
    op = step.op
    if op.kind not in TAKING or step.left == 0:
        return True
    others = [order.price for order in step.after if order.side == -op.side]
    return [] == [price for price in others if op.kind == "market" or op.side * price <= op.side * op.price]


def an_ioc_leaves_nothing(step: Step) -> bool:
    """An immediate-or-cancel or market order adds nothing to the book."""
    return step.op.kind not in ("take", "market") or set(ids(step.after)) <= set(ids(step.before))


def post_only_never_takes(step: Step) -> bool:
    """A post-only order that would cross changes nothing; one that would not rests whole and touches nobody."""
    op = step.op
    if op.kind != "post":
        return True
    is_crossing = any(o.side == -op.side and o.side * (o.price - op.price) >= 0 for o in step.before)
    own = [order.left for order in step.after if order.id == step.id]
    others = [order for order in step.after if order.id != step.id]
    rested = [] if is_crossing else [op.size]
    return step.answer != is_crossing and own == rested and fields(others) == fields(step.before)


def quantity_is_conserved(step: Step) -> bool:
    """What rested and what came is what rests, was traded (on both sides), was cancelled or expired."""
    op = step.op
    came = {"post": op.size * bool(step.answer), "quote": sum(level[1] for level in op.bids + op.asks)}
    came |= dict.fromkeys(TAKING, op.size)
    expired = {"take": step.left, "market": step.left, "quote": size([o for o in step.before if is_quote_of(o, op)])}
    traded, cancelled = sum(match[1] for match in step.matches), sum(left for _, left in step.gone)
    before, after = size(step.before) + came.get(op.kind, 0), size(step.after) + expired.get(op.kind, 0)
    return before == after + 2 * traded + cancelled


def a_cancel_happens_once(step: Step) -> bool:
    """Cancelling takes out that order and no other, and the second time there is nothing to cancel."""
    if step.op.kind != "cancel":
        return True
    order_id, second = step.answer
    is_there = order_id in ids(step.before)
    others = [order for order in step.before if order.id != order_id]
    return second is None and len(step.gone) == is_there and fields(others) == fields(step.after)


def a_mass_quote_is_cancels_and_posts(step: Step) -> bool:
    """A mass quote equals cancelling the owner's quotes and posting its levels one by one."""
    op = step.op
    if op.kind != "quote":
        return True
    book = NaiveBook(reducible)
    book.restore(tuple(fields([order for order in step.before if not is_quote_of(order, op)])))
    levels = [(side, level) for side, ladder in ((BUY, op.bids), (SELL, op.asks)) for level in ladder]
    posts = [Order(step.id + n, op.owner, 0, side, *level, is_quote=True) for n, (side, level) in enumerate(levels)]
    refused = [(order.id, order.left) for order in posts if not book.post(order)]
    return refused == step.gone and list(book.snapshot()) == fields(step.after)


def nobody_trades_with_oneself(step: Step) -> bool:
    """Who is met is somebody else."""
    return all(order.owner != step.op.owner for order, _ in matched(step))


def reduce_only_reduces_only(step: Step) -> bool:
    """A reduce-only order is met for no more than its owner can reduce, after what was met of the same owner before."""
    given = dict.fromkeys(range(OWNERS), 0)
    for order, traded in matched(step):
        given[order.owner] += traded
        if order.is_reduce_only and given[order.owner] > reducible(order):
            return False
    return True


def cancelling_all_spares_what_is_kept(step: Step) -> bool:
    """What is to be kept stays as it was and where it was; the rest is gone and told."""
    if step.op.kind != "cancel_all":
        return True
    leaving = [(order.id, order.left) for order in step.before if not is_kept(order, step.op)]
    return leaving == step.gone and fields(step.after) == [o.fields for o in step.before if is_kept(o, step.op)]


def a_snapshot_holds_everything(step: Step) -> bool:
    """A book restored from its snapshot is as it was."""
    return step.op.kind != "restore" or fields(step.before) == fields(step.after)


LAWS: tuple[Callable[[Step], bool], ...] = (
    nothing_crosses_at_rest,
    everyone_keeps_their_place,
    the_first_is_met_first,
    a_taker_takes_all_it_may,
    an_ioc_leaves_nothing,
    post_only_never_takes,
    quantity_is_conserved,
    a_cancel_happens_once,
    a_mass_quote_is_cancels_and_posts,
    nobody_trades_with_oneself,
    reduce_only_reduces_only,
    cancelling_all_spares_what_is_kept,
    a_snapshot_holds_everything,
)


def broken(steps: list[Step]) -> set[str]:
    return {law.__name__ for law in LAWS for step in steps if not law(step)}


def plain(steps: list[Step]) -> list[tuple[Any, ...]]:
    """Steps that can be compared."""
    return [(*step[:2], fields(step.before), fields(step.after), *step[4:]) for step in steps]
