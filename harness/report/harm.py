"""What a run cost, and whom: harm by kind and by account, refunds, and the twin's second opinion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.text import Text

from drydock.harness.money import accounts_owed, harm_by_kind, owed_by_kind, refunds, restored
from drydock.harness.port import Case, Entry, Kit
from drydock.harness.report import console as out
from drydock.harness.report.words import count, kinds_text, usd
from drydock.harness.result import Refund, RunResult
from drydock.harness.twin import Twin

ACCOUNTS_SHOWN = 10
_NAMED = 5
_CAVEAT = (
    "It holds what the market did to people while one night traded and the other did not; refunds are the ledger's."
)


def harm(result: RunResult, case: Case, kit: Kit) -> Iterator[RenderableType]:
    """The section on harm; nothing where there was none."""
    by_kind = harm_by_kind(result.entries)
    if not any(by_kind.values()):
        return
    owed = refunds(result.entries, case.scenario.policy.refunds)
    of_accounts = by_account(result.entries)
    yield out.heading(f"Harm  {usd(sum(by_kind.values()))} USD to {count(len(of_accounts), 'account')}")
    yield out.indented(kinds_text(by_kind))
    if given_back := restored(result.entries):
        yield out.indented(f"of this {usd(given_back)} USD were given back by a rollback")
    yield out.indented(_refund_text(owed, case.scenario.policy.refunds))
    yield Text("")
    yield out.indented(_table(of_accounts, owed, case, kit))
    if len(of_accounts) > ACCOUNTS_SHOWN:
        yield out.indented(f"... {len(of_accounts) - ACCOUNTS_SHOWN:,} more; --refunds FILE writes what each is owed")


def by_account(entries: Sequence[Entry]) -> dict[int, dict[str, int]]:
    """account -> harm by kind, in 1e-6 USD, before anything was given back; the account with the most comes first."""
    found: dict[int, dict[str, int]] = {}
    for entry in entries:
        if entry.amount_quantums > 0:
            kinds = found.setdefault(entry.account, {})
            kinds[entry.kind] = kinds.get(entry.kind, 0) + entry.amount_quantums
    return dict(sorted(found.items(), key=lambda item: (-sum(item[1].values()), item[0])))


def _refund_text(owed: Sequence[Refund], kinds: Sequence[str]) -> str:
    if not kinds:
        return "to refund: the policy refunds no kind of harm"
    if not owed:
        return f"to refund: nothing of what the policy refunds ({', '.join(kinds)})"
    by_kind = owed_by_kind(owed)
    total = f"{usd(sum(by_kind.values()))} USD to {count(accounts_owed(owed), 'account')}"
    return f"to refund: {total} ({kinds_text(by_kind)})"


def _table(
    of_accounts: Mapping[int, Mapping[str, int]], owed: Sequence[Refund], case: Case, kit: Kit
) -> RenderableType:
    owed_to: dict[int, int] = {}
    for refund in owed:
        owed_to[refund.account] = owed_to.get(refund.account, 0) + refund.amount_quantums
    table = out.grid(False, True, True, False)
    table.columns[0].no_wrap = True
    table.columns[3].ratio = 1
    table.add_row(*(Text(title, style="dim") for title in ("account", "harm", "to refund", "by kind")))
    for account, by_kind in list(of_accounts.items())[:ACCOUNTS_SHOWN]:
        label, to_refund = kit.account_label(case.scenario, account), owed_to.get(account)
        table.add_row(label, usd(sum(by_kind.values())), usd(to_refund), kinds_text(by_kind))
    return table


def second_opinion(twin: Twin, case: Case, kit: Kit) -> Iterator[RenderableType]:
    """The twin in a few lines: what it says is missing, and how far that can be trusted."""
    gap, floor = twin.gap, twin.floor
    yield out.heading("Second opinion  the same night without its faults")
    yield out.indented(
        f"refund need {usd(gap.need)} USD to {count(gap.accounts, 'account')}; others have {usd(gap.windfall)} USD more"
    )
    if floor is None:
        yield out.indented("noise floor unknown: no client sent a message that could be lost")
    else:
        yield out.indented(
            f"noise floor {usd(floor.need)} USD to {count(floor.accounts, 'account')}: so much one lost message of a "
            f"client moves without any fault (the most of {len(twin.noise)} tried)"
        )
    if floor is not None and 0 < gap.need <= floor.need:
        yield out.indented("The need is within the noise: the twin says nothing here; the attributed harm stands.")
    largest = [(kit.account_label(case.scenario, account), usd(amount)) for account, amount in largest_needs(twin)]
    if largest:
        yield out.indented(f"most is missing to: {' · '.join(map(' '.join, largest[:_NAMED]))}")
        yield out.indented(Text(_CAVEAT, style="dim"))


def largest_needs(twin: Twin) -> list[tuple[int, int]]:
    """The accounts that have most less than in the twin: (account, 1e-6 USD), the largest first."""
    needs = [(account, amount) for account, amount in twin.gap.differences.items() if amount > 0]
    return sorted(needs, key=lambda item: (-item[1], item[0]))[:ACCOUNTS_SHOWN]
