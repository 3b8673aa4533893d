"""The second wave of the Paradex night: it emerges, what it needs, what ends it, and what is owed for it."""

from __future__ import annotations

import csv
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from drydock.faults.oracle_delay import OracleDelay
from drydock.harness.cli.main import answer
from drydock.harness.money import refunds
from drydock.harness.port import Case, Fault, Scenario
from drydock.harness.result import Refund, RunResult
from drydock.harness.run import run_case
from drydock.harness.sim import Sim
from drydock.models.events import Fill, Liquidation, PricesPublished, RollbackDone
from drydock.models.kit import VenueKit
from drydock.models.matching import OF_TRIGGER
from drydock.models.model import model_of
from drydock.models.order_events import REJECTED_BAND, IntentRejected, MarkSampled, OrdersKept, TriggerFired
from drydock.models.world import VenueWorld
from tests.golden import REDUCED
from tests.nights import of, scenario, told

ROOT = Path(__file__).resolve().parents[2]
NIGHT, HARDENED, REOPENING = "paradex-2026-01-19", "paradex-2026-01-19-hardened", "paradex-reopening"
TRADERS = "population.traders"
NOBODY_QUOTES = (f"{TRADERS}.squeezes_per_hour=0", f"{TRADERS}.harvests_per_hour=0")
BAND = "venue.safeguards.post_only_band_ppm=5bps"
FEWER = ("population.accounts=2000", "runbook.watch_ms=10s")
"""A fifth of the people, who are looked at until the venue is back and hardly longer."""
CANARIES = "canaries"
"""Wrong builds that are put together for one law: each is a scenario of its own, and may say which markets it has."""


@cache
def play(
    name: str, *sets: str, seed: int = 1, regime: str = "flat", plan: tuple[Fault, ...] | None = None
) -> RunResult:
    """One run with its events and without laws; the plan is the reported one unless another is given."""
    night = scenario(name, *sets)
    case = Case(night, regime, night.reported if plan is None else plan, seed)
    result = run_case(case, VenueKit(), keep_trace=True, laws=())
    assert "" == result.error
    return result


def owed(result: RunResult, name: str = REOPENING) -> Sequence[Refund]:
    """What the scenario's policy refunds of this run."""
    return refunds(result.entries, scenario(name).policy.refunds)


# ---- it emerges -----------------------------------------------------------------------------------------------------
def test_second_wave_emerges_in_the_reported_night() -> None:
    """After the rollback accounts are liquidated and stopped out in POST_ONLY, at prices that nowhere else exist."""
    result = play(NIGHT)
    (back,) = [at_ms for at_ms, _ in told(result.events, RollbackDone)]
    late = [data for at_ms, data in told(result.events, Liquidation) if at_ms > back]
    stopped = [data for at_ms, data in told(result.events, TriggerFired) if at_ms > back]
    assert {"post_only"} == {data.mode for data in late} == {data.mode for data in stopped}
    assert 1 == len({prices.spot_quantums.tobytes() for prices in of(result.events, PricesPublished)})


def test_second_wave_is_owed_for() -> None:
    """What the rollback gave back is not owed again: all evidence is of the time after it."""
    result = play(NIGHT)
    (back,) = [at_ms for at_ms, _ in told(result.events, RollbackDone)]
    before = {event.identity for event in result.events or () if event.at_ms <= back}
    assert owed(result, NIGHT)
    assert all(set(refund.events) - before for refund in owed(result, NIGHT))


def test_triggers_trade_although_the_venue_is_post_only() -> None:
    """The reported trades in POST_ONLY: kept stops take what the thin book offers them."""
    book = model_of(scenario(REOPENING)).venue.order_book
    assert book is not None
    fired = {at_ms for at_ms, data in told(play(REOPENING).events, TriggerFired) if data.mode == "post_only"}
    filled = {at_ms for at_ms, data in told(play(REOPENING).events, Fill) if data.origin == OF_TRIGGER}
    assert filled & {at_ms + book.trigger_ms for at_ms in fired}


# ---- what it needs --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", [1, 2])
def test_an_empty_book_alone_hurts_nobody(seed: int) -> None:
    """Books that nobody quotes far in are as empty; the double median holds the mark where it was."""
    result = play(REOPENING, *NOBODY_QUOTES, seed=seed)
    thin = [data for data in of(result.events, MarkSampled) if data.is_sampled and not data.bid_quantums.any()]
    assert thin
    assert ([], []) == (of(result.events, Liquidation), list(owed(result)))


def test_without_its_market_s_wide_band_little_is_owed_there(script: ModuleType) -> None:
    """The market whose band is widest over its margin is owed less with a tenth of the band, over six seeds."""
    wide, narrow = (owed_in_widest(script, band_pct) for band_pct in (20, 2))
    assert 10 * sum(narrow) < sum(wide)
    assert 0 not in wide


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    """scripts/second_wave.py, which knows how to change one market's band, and where an account was hit."""
    sys.path.append(str(ROOT / "scripts"))
    yield importlib.import_module("second_wave")
    sys.path.remove(str(ROOT / "scripts"))


def owed_in_widest(script: ModuleType, band_pct: int) -> list[int]:
    """By seed: refunds of accounts that were hit in the market with the widest band over margin, in 1e-6 USD."""
    night = script.scenario_of(script.Cell("", "", FEWER, band_pct=band_pct))
    packaged = model_of(scenario(REOPENING)).markets
    market = int((packaged.band_ppm / packaged.imf_ppm).argmax())
    return [owed_in(script, night, market, seed) for seed in range(1, 7)]


def owed_in(script: ModuleType, night: Scenario, market: int, seed: int) -> int:
    """One seed of it."""
    seen: list[Any] = []

    def make(case: Case, sim: Sim) -> VenueWorld:
        world = VenueWorld(case, sim)
        seen.append(script.Watch(world))
        return world

    result = run_case(Case(night, "flat", (), seed), VenueKit(), laws=(), world_maker=make)
    assert "" == result.error
    hit = seen[0].market_of
    return sum(refund.amount_quantums for refund in owed(result) if hit[refund.account] == market)


# ---- what ends it ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", [1, 2])
def test_a_band_of_5_bps_ends_it(seed: int) -> None:
    """Far orders are refused, and nothing is owed; without the band it is, in the same seeds."""
    result = play(REOPENING, BAND, seed=seed)
    assert [] == list(owed(result))
    assert REJECTED_BAND in {data.reason for data in of(result.events, IntentRejected)}
    assert owed(play(REOPENING, seed=seed))


# ---- what a rollback does to orders ---------------------------------------------------------------------------------
def test_rollback_keeps_the_triggers_that_waited_at_the_snapshot_and_cancels_the_rest() -> None:
    """Those that fired since then wait again, both kinds; of limit orders none is left; the root is the snapshot's."""
    result = play(NIGHT, *REDUCED, regime="calm", seed=4)
    kept = {data.moment: data for data in reversed(of(result.events, OrdersKept))}
    snapshot, back, cancelled = (kept[moment] for moment in ("snapshot", "rollback", "cancel"))
    assert len(kept["resume"].triggers) < len(snapshot.triggers)
    for store in (back, cancelled):
        assert snapshot.triggers.tolist() == store.triggers.tolist() == store.told.tolist()
        assert {1, 2} == set(store.kinds.tolist())
    assert back.resting == snapshot.resting > 0 == cancelled.resting
    (root,) = of(result.events, RollbackDone)
    assert (root.snapshot_high, root.snapshot_low) == (root.root_high, root.root_low)


# ---- what is owed ---------------------------------------------------------------------------------------------------
def run_with_refunds(name: str, regime: str, folder: Path) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """``drydock run --refunds``: its JSON, and the lines of the file."""
    out, file = folder / "run.json", folder / "refunds.csv"
    answer(["run", name, "--regime", regime, "--seed", "1", "--refunds", str(file), "--json", str(out)])
    with file.open(encoding="utf-8", newline="") as stream:
        return json.loads(out.read_text("utf-8")), list(csv.DictReader(stream))


def micro_usd(text: str) -> int:
    """``12.345678`` USD in 1e-6 USD, exactly."""
    whole, _, rest = text.partition(".")
    return int(whole + rest.ljust(6, "0"))


def test_refund_file_of_the_reported_night_adds_up(tmp_path: Path) -> None:
    """To the last 1e-6 USD; each line with its evidence, no account and kind twice."""
    told_by, lines = run_with_refunds(NIGHT, "flat", tmp_path)
    assert micro_usd(told_by["refund_usd"]) == sum(micro_usd(line["amount_usd"]) for line in lines) > 0
    assert len(lines) == len({(line["account"], line["kind"]) for line in lines})
    assert all(line["evidence"] for line in lines)
    assert told_by["accounts"] == len({line["account"] for line in lines})


def test_refund_file_of_the_hardened_night_is_empty(tmp_path: Path) -> None:
    """Nothing is owed, and the file says so with its header alone."""
    told_by, lines = run_with_refunds(HARDENED, "calm", tmp_path)
    assert ("0.00", []) == (told_by["refund_usd"], lines)


def test_a_fault_that_does_nothing_changes_no_refund_line() -> None:
    """Votes that are zero milliseconds late: the fault strikes, and every line with its evidence is the same."""
    struck = play(REOPENING, plan=(OracleDelay("start-services", "external", delay_ms=0),))
    assert [True] == [evidence.exercised for evidence in struck.evidence]
    assert owed(play(REOPENING)) == owed(struck)


# ---- nothing of it is scripted --------------------------------------------------------------------------------------
def market_names_in(text: str) -> list[str]:
    """Names of the packaged markets, and anything named like one."""
    names = model_of(scenario(NIGHT)).markets.names
    return [name for name in (*names, "-USD-PERP") if name in text]


def test_no_code_names_a_market() -> None:
    """Which market is hit follows from its terms: in models and faults no name of one is known."""
    code = [path for room in ("models", "faults") for path in (ROOT / room).rglob("*.py") if CANARIES not in path.parts]
    assert len(code) > 50
    assert {} == {path.name: found for path in code if (found := market_names_in(path.read_text("utf-8")))}


def test_a_market_that_is_named_is_found() -> None:
    """In code, in a comment, or as the end of a name."""
    assert ["PAXG-USD-PERP", "-USD-PERP"] == market_names_in("if name == 'PAXG-USD-PERP': squeeze()")
    assert ["-USD-PERP"] == market_names_in("name.endswith('-USD-PERP')")


# ---- determinism ----------------------------------------------------------------------------------------------------
PROGRAM = (
    "import sys; sys.path.append(sys.argv[1]); from tests.scenarios.test_second_wave import digest; print(digest())"
)


def digest() -> str:
    """Of one reopening with its book."""
    return play(REOPENING, *FEWER).digest


def test_another_process_with_other_hashes_replays_the_book(tmp_path: Path) -> None:
    """Orders, queues and marks of a reopening come out the same, whatever sets and dictionaries hash to."""
    environment = os.environ | {"PYTHONHASHSEED": "4711"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(ROOT)],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert ("", digest()) == (done.stderr, done.stdout.strip())
