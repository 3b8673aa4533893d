"""Positions of customers: read exactly, refused with file, line and column, and nowhere written again."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from drydock.harness.case_file import case_to_json, read_case
from drydock.harness.cli import main
from drydock.harness.cli.cache import save_case
from drydock.harness.mistakes import BadFile, Mistakes
from drydock.harness.report.trace import trace_lines
from drydock.harness.run import run_case
from drydock.harness.scenario import file_hash, load_scenario
from drydock.models.accounts import VAULT
from drydock.models.kit import SCENARIOS, VenueKit
from drydock.models.markets import paradex_markets
from drydock.models.model import model_of
from drydock.models.people_spec import Population
from drydock.models.perp.funding import funding_pnl
from drydock.models.population import draw_start
from drydock.models.positions import Positions, read_positions
from tests.nights import case_of

MARKETS = paradex_markets().subset(["BTC-USD-PERP", "ETH-USD-PERP", "PAXG-USD-PERP"])
MARK = MARKETS.reference_price_quantums
HEADER = "account,market,size,collateral_usd"
FULL = HEADER + ",entry_price_usd,accrued_funding_usd,take_profit_usd,stop_loss_usd"
BTC, ETH = "BTC-USD-PERP", "ETH-USD-PERP"
MINE = (f"0x00a1,{ETH},-12.5,25000", f"007,{BTC},0.5,9000.25", f"0x00a1,{BTC},0.25,25000")


def read(folder: Path, *lines: str, prefix: str = "") -> tuple[Positions | None, list[str]]:
    file, mistakes = folder / "p.csv", Mistakes()
    file.write_bytes((prefix + "\n".join(lines) + "\n").encode())
    found = read_positions(file, MARKETS, mistakes)
    listed = sorted(str(mistake).removeprefix(f"{folder}/") for mistake in mistakes)
    return found, listed


def good(folder: Path, *lines: str) -> Positions:
    found, mistakes = read(folder, *lines)
    assert [] == mistakes
    assert found is not None
    return found


# ---- what is read ---------------------------------------------------------------------------------------------------
def test_accounts_keep_their_ids_and_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Ids are texts: zeros in front stay. Positions come by person and market, sizes in quantums, money exact."""
    found = good(tmp_path, HEADER, *MINE)
    assert ("0x00a1", "007") == found.ids
    assert [25_000_000_000, 9_000_250_000] == found.collateral.tolist()
    assert [(0, 0, 2_500), (0, 1, -12_500), (1, 0, 5_000)] == list(
        zip(found.person.tolist(), found.market.tolist(), found.size.tolist(), strict=True)
    )
    assert [[0, 1], [0]] == found.portfolios()


def test_optional_columns_may_be_left_out_or_empty(tmp_path: Path) -> None:
    """An empty cell stands for none: no entry price, no funding due, no triggers."""
    line = f"a,{BTC},1,1000"
    for found in (good(tmp_path, HEADER, line), good(tmp_path, FULL, line + ",,,,")):
        for column in (found.entry, found.funding, found.take_profit, found.stop_loss):
            assert [0] == column.tolist()
    found = good(tmp_path, FULL, f"a,{BTC},1,1000,90000,-5,100000,80000.5")
    assert [9_000_000, 10_000_000, 8_000_050] == [int(c[0]) for c in (found.entry, found.take_profit, found.stop_loss)]


def test_size_is_rounded_half_to_even_to_a_size_quantum(tmp_path: Path) -> None:
    """A BTC quantum is 0.0001: 0.00015 and 0.00025 are two of them, and dust is none."""
    lines = (f"a,{BTC},0.00015,1", f"b,{BTC},0.00025,1", f"c,{BTC},0.00005,1", f"d,{BTC},-0.00016,1")
    assert [2, 2, 0, -2] == good(tmp_path, HEADER, *lines).size.tolist()


def test_ids_are_not_in_the_representation(tmp_path: Path) -> None:
    """No traceback and no log line shows a customer's id."""
    assert "0x00a1" not in repr(good(tmp_path, HEADER, *MINE))


# ---- what is refused ------------------------------------------------------------------------------------------------
def test_every_mistake_is_told_with_its_place(tmp_path: Path) -> None:
    """All mistakes of a file at once, each as file:line:column, what is wrong and what is allowed."""
    found, mistakes = read(
        tmp_path,
        HEADER,
        f"a,{BTC},NaN,100",
        "a,BTC-USD-PREP,1,100",
        f"b,{BTC},0.30000000000000004,100",
        f"b,{BTC},1,100",
        f"b,{ETH},1,101",
        f"c,{BTC},1e9,100",
        f"d,{BTC},inf,1e99",
        f"e,{BTC}",
        f",{BTC},1,1",
    )
    assert found is None
    expected = [
        ("p.csv:10:1", "the account has no name"),
        ("p.csv:2:16", "size: NaN is out of range"),
        ("p.csv:3:3", "unknown market 'BTC-USD-PREP'; did you mean 'BTC-USD-PERP'?"),
        ("p.csv:4:16", "0.30000000000000004 is finer than 0.000000000001"),
        ("p.csv:5:1", f"'b' has a position in {BTC} already, at {tmp_path}/p.csv:4:1"),
        ("p.csv:6:18", f"'b' has 101 here and 100 at {tmp_path}/p.csv:4:36"),
        ("p.csv:7:16", f"1e9 of {BTC} is more than is counted; allowed is up to 13421.7728"),
        ("p.csv:8:16", "size: inf is out of range"),
        ("p.csv:8:20", "collateral_usd: 1e99 is out of range"),
        ("p.csv:9:1", "2 fields under 4 columns"),
    ]
    assert [place for place, _ in expected] == [mistake.partition(": ")[0] for mistake in mistakes]
    assert [] == [told for (_, told), mistake in zip(expected, mistakes, strict=True) if told not in mistake]


def test_missing_column_is_named_with_those_that_are_allowed(tmp_path: Path) -> None:
    """A file without collateral says so at its first line."""
    _, mistakes = read(tmp_path, "account,market,size", f"a,{BTC},1")
    assert 1 == len(mistakes)
    assert mistakes[0].startswith("p.csv:1:1: column 'collateral_usd' is missing; allowed: account, market, size")


@pytest.mark.parametrize(("lines", "prefix", "place"), [((), "\ufeff", "1:1"), (("\ufeff" + MINE[0],), "", "5:1")])
def test_byte_order_mark_is_refused_where_it_stands(
    tmp_path: Path, lines: tuple[str, ...], prefix: str, place: str
) -> None:
    """In front a spreadsheet wrote the file, inside two files were joined: both are told with their line."""
    found, mistakes = read(tmp_path, HEADER, *MINE, *lines, prefix=prefix)
    assert found is None
    assert any(mistake.startswith(f"p.csv:{place}: there is a byte order mark") for mistake in mistakes)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"a,{BTC},1,1,1e11,,,", "entry_price_usd: 1e11 is no price of BTC-USD-PERP, which is about 92600"),
        (f"a,{BTC},1,1,1e-9,,,", "entry_price_usd: 1e-9 is no price"),
        (f"a,{BTC},1,1,,,80000,90000", "that of a long position is above its stop_loss_usd"),
        (f"a,{BTC},-1,1,,,90000,80000", "that of a short position is below its stop_loss_usd"),
        (f"a,{BTC},0.0001,1,,900000,,", "accrued_funding_usd: 900000 is many times what the position is worth"),
        (f"a,{BTC},1,0.0000001,,,,", "is finer than 0.000001"),
    ],
)
def test_impossible_position_is_refused(tmp_path: Path, line: str, told: str) -> None:
    """A price from another world, triggers the wrong way round, funding beyond reason."""
    _, mistakes = read(tmp_path, FULL, line)
    assert 1 == len(mistakes)
    assert told in mistakes[0]


def test_market_that_no_single_account_could_take_over_is_refused(tmp_path: Path) -> None:
    """The vault may have to: two accounts of 10,000 BTC each are too much together, and the second line says so."""
    _, mistakes = read(tmp_path, HEADER, f"a,{BTC},10000,1", f"b,{BTC},-10000,1", f"c,{BTC},1,1")
    assert 1 == len(mistakes)
    assert mistakes[0].startswith(f"p.csv:3:16: size: with this line the positions in {BTC} are more than")


# ---- the night begins with them --------------------------------------------------------------------------------------
def test_night_begins_with_the_file_and_the_makers_hold_the_rest(tmp_path: Path) -> None:
    """Account value is collateral, profit since entry and accrued funding; every market sums to zero."""
    lines = (f"a,{BTC},0.5,9000,90000,-12.5,95000,", f"a,{ETH},-3,9000,,,,", f"b,{ETH},1,-50,3000,,,2900")
    positions = good(tmp_path, FULL, *lines)
    spec = Population(makers=2, opportunists=1, vault_usd=7_000_000)
    found = draw_start(spec, MARKETS, MARK, 1, positions)
    holdings, layout, first = found.holdings, found.holdings.layout, spec.first_person
    assert not layout.per_market(holdings.size).any()
    assert first + 2 == layout.accounts
    equity = holdings.value(MARK, found.index, MARKETS.mmf_ppm, 300).equity.tolist()
    gain_a = 5_000 * (int(MARK[0]) - 9_000_000)
    gain_b = int(positions.size[2]) * (int(MARK[1]) - 3_000_000)
    assert abs(9_000_000_000 + gain_a - 12_500_000 - equity[first]) <= 1
    assert -50_000_000 + gain_b == equity[first + 1]
    assert (7_000_000, spec.opportunist_usd) == (equity[VAULT], equity[3])
    assert found.take_profit is not None
    assert found.stop_loss is not None
    assert [9_500_000, 0, 0] == found.take_profit[first * 3 :].tolist()
    assert [0, 0, 2_900_000] == found.stop_loss[first * 3 :].tolist()
    assert not found.take_profit[: first * 3].any()


def test_accrued_funding_does_not_depend_on_where_the_index_stands(tmp_path: Path) -> None:
    """The cached index is as far from the drawn one as makes the funding that the file says."""
    positions = good(tmp_path, FULL, f"a,{BTC},-0.7,9000,,33.25,,", f"b,{BTC},1.1,9000,,-0.000001,,")
    for seed in (1, 2, 3):
        found = draw_start(Population(makers=1), MARKETS, MARK, seed, positions)
        slots = slice(2 * 3, None)
        due = funding_pnl(found.holdings.size[slots], found.index[:1].repeat(2), found.holdings.cached[slots])
        assert np.abs(due - np.array([33_250_000, -1])).max() <= 1


# ---- a whole scenario ------------------------------------------------------------------------------------------------
POPULATION = """  accounts: 20
  makers: 1
  open_interest_usd: 20000000 USD
"""
BENCH = (SCENARIOS / "bench.yaml").read_text(encoding="utf-8")


def own_night(folder: Path, population: str = "  file: mine.csv\n  makers: 1\n") -> Path:
    assert POPULATION in BENCH
    (folder / "mine.csv").write_text("\n".join((HEADER, *MINE)) + "\n", encoding="utf-8")
    file = folder / "night.yaml"
    file.write_text(BENCH.replace(POPULATION, population), encoding="utf-8")
    return file


def test_scenario_has_the_people_of_its_file(tmp_path: Path) -> None:
    """As many accounts as the file names; a night with them runs clean."""
    scenario = load_scenario(str(own_night(tmp_path)))
    assert 2 == model_of(scenario).population.accounts
    assert file_hash(tmp_path / "mine.csv") == scenario.files["mine.csv"]
    result = run_case(case_of(scenario), VenueKit(), keep_trace=True)
    assert ("", ()) == (result.error, result.findings)


def test_case_and_trace_know_the_file_by_name_and_hash_alone(tmp_path: Path) -> None:
    """No id of a customer is in a case or in a trace, and the case replays to the same digest beside its file."""
    case = case_of(load_scenario(str(own_night(tmp_path))))
    result = run_case(case, VenueKit(), keep_trace=True)
    text = case_to_json(case)
    trace = "".join(trace_lines({}, result.digest, result.events or ()))
    assert [] == [known for known in ("0x00a1", "007,", '"007"') if known in text + trace]
    (tmp_path / "case.json").write_text(text, encoding="utf-8")
    again = run_case(read_case(tmp_path / "case.json"), VenueKit(), keep_trace=False)
    assert result.digest == again.digest


def test_what_is_written_of_a_private_night_is_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Trace, answer and saved cases have mode 0600; those of a packaged scenario are as everybody's files."""
    own_night(tmp_path)
    monkeypatch.chdir(tmp_path)
    for scenario, is_private in (("./night.yaml", True), ("bench", False)):
        options = ["--trace", "t.jsonl", "--json", "r.json", "-q", "--plan", "none"]
        assert 0 == main.answer(["run", scenario, *options])
        modes = [stat.S_IMODE(Path(name).stat().st_mode) for name in ("t.jsonl", "r.json")]
        assert [is_private] * 2 == [mode == 0o600 for mode in modes]
        for name in ("t.jsonl", "r.json"):
            Path(name).unlink()
    monkeypatch.setenv("DRYDOCK_CACHE", str(tmp_path / "cache"))
    saved = save_case(case_of(load_scenario("./night.yaml")))
    assert 0o600 == stat.S_IMODE(Path(saved).stat().st_mode)


def test_timeline_calls_customers_by_their_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where one account is liquidated, a reader sees whose it is."""
    file = own_night(tmp_path)
    (tmp_path / "mine.csv").write_text(f"{HEADER}\nacme-7,{BTC},0.5,300\nother,{BTC},-0.5,90000\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    main.answer(["run", str(file), "--plan", "none"])
    assert "account acme-7 (2) is liquidated" in capsys.readouterr().out


def test_case_is_refused_when_the_positions_have_changed(tmp_path: Path) -> None:
    """Another book is another case, and the file is named."""
    text = case_to_json(case_of(load_scenario(str(own_night(tmp_path)))))
    (tmp_path / "case.json").write_text(text, encoding="utf-8")
    (tmp_path / "mine.csv").write_text("\n".join((HEADER, *MINE[:2])), encoding="utf-8")
    with pytest.raises(BadFile, match=r"mine\.csv has changed since the case was written"):
        read_case(tmp_path / "case.json")


def test_what_is_said_of_drawn_people_is_refused_beside_a_file(tmp_path: Path) -> None:
    """The number of accounts is the file's: a key that would do nothing is a mistake at the key."""
    with pytest.raises(BadFile) as caught:
        load_scenario(str(own_night(tmp_path, "  file: mine.csv\n" + POPULATION)))
    assert [key in str(caught.value) for key in ("population.accounts", "population.open_interest_usd")] == [True, True]
    assert 2 == len(caught.value.mistakes)


def test_file_that_is_not_there_is_told_where_it_is_named(tmp_path: Path) -> None:
    """Positions are never taken from anywhere but beside the scenario."""
    with pytest.raises(BadFile, match=r"night\.yaml:\d+:9: population\.file: no file 'paradex_markets"):
        load_scenario(str(own_night(tmp_path, "  file: paradex_markets_2026-01-16.csv\n  makers: 1\n")))
