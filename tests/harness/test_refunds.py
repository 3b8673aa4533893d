"""Refunds as CSV on the toy: they add up to the verdict, in one order, readable by their owner alone."""

from __future__ import annotations

import csv
import os
import stat
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from drydock.harness import registry
from drydock.harness.bundle import Ticket
from drydock.harness.event import parse_identity
from drydock.harness.mistakes import BadFile
from drydock.harness.money import accounts_owed, owed_by_kind, refunds
from drydock.harness.port import Case, Entry, Kit, Limit, Policy, Scenario
from drydock.harness.refunds import COLUMNS, RUN_COLUMNS, RefundFile, RefundsOfRuns
from drydock.harness.rehearsal import Options
from drydock.harness.result import Bundle, Money, Verdict
from drydock.harness.run import run_case
from drydock.harness.sweep import Bench
from drydock.harness.units import parse_quantity
from drydock.harness.verdict import rehearse

PAYING = Policy(limits=(Limit("T2", 1_000_000), Limit("T3", 1_000_000)), refunds=("lost",))
Row = dict[str, str]


def rows(path: Path) -> list[Row]:
    """The lines of a refund file, by column."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def rehearsed(path: Path, scenario: Scenario, kit: Kit, runs: int, **options: Any) -> Verdict:
    """A rehearsal whose refunds go to a file."""
    given_options = {"today": "2026-11-22", "runs": runs} | options
    seed = given_options.get("seed", 1)
    with RefundFile(str(path), of_runs=True) as file:
        owed = RefundsOfRuns(file, scenario, kit, seed, runs)
        verdict = rehearse(scenario, kit, Options(owed_to=owed, **given_options))
        owed.finish()
    return verdict


def quantums(row: Row) -> int:
    """The amount of a line in 1e-6 USD."""
    return parse_quantity(f"{row['amount_usd']} USD", "quantums")


def totals(lines: list[Row], bundle: str) -> tuple[dict[int, int], dict[int, set[str]]]:
    """run -> what it owes, and run -> whom."""
    amounts: dict[int, int] = defaultdict(int)
    accounts: dict[int, set[str]] = defaultdict(set)
    for row in lines:
        if row["bundle"] == bundle:
            amounts[int(row["run"])] += quantums(row)
            accounts[int(row["run"])].add(row["account"])
    return amounts, accounts


def assert_adds_up(lines: list[Row], bundle: Bundle | None) -> None:
    """The lines of a bundle are its ``refund_usd`` and its ``accounts``, to the last 1e-6 USD."""
    assert bundle is not None
    assert bundle.refund is not None
    amounts, accounts = totals(lines, bundle.name)
    money: Money = bundle.refund
    assert (money.mean, money.maximum) == (sum(amounts.values()) // bundle.runs, max(amounts.values(), default=0))
    assert bundle.accounts_max == max(map(len, accounts.values()), default=0)


# ---- what is owed ---------------------------------------------------------------------------------------------------
entries = st.lists(
    st.builds(
        Entry,
        st.integers(0, 4),
        st.sampled_from(("a", "b", "c")),
        st.integers(0, 10**15),
        st.lists(st.tuples(st.just("lane"), st.just("kind"), st.integers(1, 99)), max_size=2).map(tuple),
        st.integers(0, 10**15),
    ),
    max_size=12,
)


@given(entries, st.sets(st.sampled_from(("a", "b", "c"))))
def test_what_is_owed_is_the_net_of_each_account_and_kind(given_entries: list[Entry], kinds: set[str]) -> None:
    """Above zero only, in order, with all the evidence; and no kind that the policy leaves out."""
    owed = refunds(given_entries, sorted(kinds))
    assert all((one.account, one.kind) < (other.account, other.kind) for one, other in pairwise(owed))
    for refund in owed:
        own = [e for e in given_entries if (e.account, e.kind) == (refund.account, refund.kind)]
        assert refund.amount_quantums == sum(e.amount_quantums - e.restored_quantums for e in own) > 0
        assert refund.events == tuple(identity for e in own for identity in e.events)
        assert refund.kind in kinds
    assert sum(owed_by_kind(owed).values()) == sum(refund.amount_quantums for refund in owed)
    assert accounts_owed(owed) <= len(owed)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32), load_ms=st.integers(0, 250), runs=st.integers(1, 6))
def test_the_lines_add_up_to_the_verdict(
    toy: ModuleType, tmp_path_factory: pytest.TempPathFactory, seed: int, load_ms: int, runs: int
) -> None:
    """Mean, maximum and accounts of reported plan and sweep follow from the file, to the last 1e-6 USD."""
    path = tmp_path_factory.mktemp("refunds").joinpath("r.csv")
    built = toy.scenario(waits=False, load_ms=load_ms, policy=PAYING)
    verdict = rehearsed(path, built, registry.kit("toy"), runs, seed=seed)
    lines = rows(path)
    assert_adds_up(lines, verdict.reported)
    assert_adds_up(lines, verdict.sweep)


def test_a_night_without_harm_owes_nothing(toy: ModuleType, tmp_path: Path) -> None:
    """The header stands alone."""
    rehearsed(tmp_path / "r.csv", toy.scenario(policy=PAYING), registry.kit("toy"), 4)
    assert ",".join((*RUN_COLUMNS, *COLUMNS)) + "\n" == (tmp_path / "r.csv").read_text()


def test_a_fault_that_does_nothing_changes_no_line(toy: ModuleType, tmp_path: Path) -> None:
    """Beside a harmful fault, in every seed: the same bytes."""
    kit, harmful, idle = registry.kit("toy"), toy.SlowCount(), toy.SlowCount(delay_ms=0, target="first")
    built = toy.scenario(waits=False, policy=PAYING)
    texts = []
    for name, plan in (("without", (harmful,)), ("with", (harmful, idle)), ("before", (idle, harmful))):
        with RefundFile(str(tmp_path / name)) as file:
            for seed in range(20):
                result = run_case(Case(built, "flat", plan, seed), kit)
                file.write(refunds(result.entries, ("lost",)), built, kit)
        texts.append((tmp_path / name).read_bytes())
    assert texts[0] == texts[1] == texts[2]
    assert b"counter 1,lost" in texts[0]


def test_evidence_names_events_of_that_run(toy: ModuleType, tmp_path: Path) -> None:
    """Every identity occurs in the run that the line's seed plays again."""
    kit, built = registry.kit("toy"), toy.scenario(waits=False, load_ms=0, policy=PAYING)
    rehearsed(tmp_path / "r.csv", built, kit, 2)
    for row in rows(tmp_path / "r.csv"):
        if row["bundle"] == "reported":
            result = run_case(Case(built, "flat", built.reported, int(row["seed"])), kit, keep_trace=True)
            happened = {event.identity for event in result.events or ()}
            assert {parse_identity(text) for text in row["evidence"].split(";")} <= happened


# ---- order ----------------------------------------------------------------------------------------------------------
def test_workers_do_not_change_the_file(toy: ModuleType, tmp_path: Path) -> None:
    """The reported plan first, then the sweep, each by run number, from any number of workers."""
    kit, built = registry.kit("toy"), toy.scenario(waits=False, load_ms=0, policy=PAYING)
    for workers in (1, 2):
        rehearsed(tmp_path / f"{workers}.csv", built, kit, 40, workers=workers)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    places = [(row["bundle"] == "sweep", int(row["run"])) for row in rows(tmp_path / "1.csv")]
    assert places == sorted(places)
    assert 80 <= len(places)


def test_lines_come_only_where_somebody_asked(toy: ModuleType) -> None:
    """Ten thousand runs whose refunds nobody reads carry none of them."""
    kept: list[Any] = []
    built = toy.scenario(waits=False, load_ms=0, policy=PAYING)
    rehearse(built, registry.kit("toy"), Options(today="2026-11-22", runs=2, owed_to=kept.append))
    assert [2, 2] == [len(run.owed) for run in kept if run.ticket.bundle == "reported"]
    assert () == Bench(registry.kit("toy"), built, 1).play(Ticket("reported", 0)).owed
    assert () == Bench(registry.kit("toy"), built, 1, keeps_refunds=True).play(Ticket("baseline", 0)).owed


def test_a_rehearsal_that_is_stopped_leaves_the_runs_it_made(toy: ModuleType, tmp_path: Path) -> None:
    """What was judged is what is in the file."""

    def interrupt(done: int, total: int, violations: int) -> None:
        if violations == 3:
            raise KeyboardInterrupt

    built = toy.scenario(waits=False, load_ms=0, policy=PAYING)
    verdict = rehearsed(tmp_path / "r.csv", built, registry.kit("toy"), 9, progress=interrupt)
    assert ["0", "0", "1", "1", "2", "2"] == [row["run"] for row in rows(tmp_path / "r.csv")]
    assert_adds_up(rows(tmp_path / "r.csv"), verdict.reported)


# ---- the file -------------------------------------------------------------------------------------------------------
@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    """Customer data: 0600, also where a file lay there that everybody could read, and whatever the umask."""
    (tmp_path / "old.csv").write_text("old")
    (tmp_path / "old.csv").chmod(0o644)
    for name in ("old.csv", "new.csv"):
        with RefundFile(str(tmp_path / name)):
            pass
        assert 0o600 == stat.S_IMODE((tmp_path / name).stat().st_mode)
        assert "account,kind,amount_usd,evidence\n" == (tmp_path / name).read_text()


def test_a_file_that_cannot_be_opened_is_told_at_once(tmp_path: Path) -> None:
    """A folder is no file."""
    with pytest.raises(BadFile, match="cannot be written"):
        RefundFile(str(tmp_path))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told_when_all_else_is_done() -> None:
    """Inside the ``with`` nothing is raised: a verdict comes first."""
    done = []
    with pytest.raises(BadFile, match="cannot be written"), RefundFile("/dev/full"):
        done.append("the verdict")
    assert ["the verdict"] == done
