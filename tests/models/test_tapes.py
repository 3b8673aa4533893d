"""Price tapes: what a file says holds from its time on, and a file with mistakes is refused with their places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drydock.harness.case_file import case_to_json, read_case
from drydock.harness.mistakes import BadFile, Mistakes
from drydock.harness.run import run_case
from drydock.harness.scenario import load_scenario
from drydock.models.kit import SCENARIOS, VenueKit
from drydock.models.markets import paradex_markets
from drydock.models.model import model_of
from drydock.models.order_events import TriggerFired
from drydock.models.regimes import Regime, external_rates_ppm, paths
from drydock.models.tapes import Tape, read_tape
from drydock.models.world import VenueWorld
from tests.nights import Stage, case_of, told

MARKETS = paradex_markets().subset(["BTC-USD-PERP", "ETH-USD-PERP", "PAXG-USD-PERP"])
HEADER = "time_s,market,price_usd"
RATES = HEADER + ",external_rate_ppm"
BTC, GOLD = "BTC-USD-PERP", "PAXG-USD-PERP"
NIGHT = (f"10,{BTC},90000", f"10.5,{GOLD},4700", f"30,{BTC},91000.5")


def read(folder: Path, *lines: str, prefix: str = "") -> tuple[Tape | None, list[str]]:
    file, mistakes = folder / "t.csv", Mistakes()
    file.write_bytes((prefix + "\n".join(lines) + "\n").encode())
    found = read_tape(file, MARKETS, mistakes)
    return found, sorted(str(mistake).removeprefix(f"{folder}/") for mistake in mistakes)


def good(folder: Path, *lines: str) -> Regime:
    found, mistakes = read(folder, *lines)
    assert [] == mistakes
    return Regime("taped", tape=found)


# ---- what is read ---------------------------------------------------------------------------------------------------
def test_price_holds_from_its_time_until_the_next(tmp_path: Path) -> None:
    """Piecewise constant; the first price holds before its line too, the last for ever."""
    spot = paths(good(tmp_path, HEADER, *NIGHT), 1, MARKETS, 10_000, 6)
    assert [9_000_000] * 3 + [9_100_050] * 3 == spot[:, 0].tolist()
    assert [4_700_000] * 6 == spot[:, 2].tolist()


def test_market_that_is_not_in_the_tape_stays_flat(tmp_path: Path) -> None:
    """ETH is at its reference price all night, whatever the seed."""
    taped = good(tmp_path, HEADER, *NIGHT)
    for seed in (1, 2):
        assert (paths(taped, seed, MARKETS, 1_000, 50)[:, 1] == MARKETS.reference_price_quantums[1]).all()


def test_lines_may_be_in_order_of_time_or_market_by_market(tmp_path: Path) -> None:
    """Only the times of one market must rise."""
    by_market = (NIGHT[0], NIGHT[2], NIGHT[1])
    one, other = (paths(good(tmp_path, HEADER, *lines), 1, MARKETS, 5_000, 12) for lines in (NIGHT, by_market))
    assert one.tolist() == other.tolist()


def test_external_rates_are_the_tapes_where_it_has_them(tmp_path: Path) -> None:
    """All venues say what the column says; markets without a track keep the constant of a flat night."""
    taped = good(tmp_path, RATES, f"0,{BTC},90000,-30", f"20,{BTC},90000,250")
    rates = external_rates_ppm(taped, 1, MARKETS, 3, 10_000, 4)
    flat = external_rates_ppm(Regime("flat"), 1, MARKETS, 3, 10_000, 4)
    assert (4, 3, 3) == rates.shape
    assert [[-30] * 3, [-30] * 3, [250] * 3, [250] * 3] == rates[:, :, 0].tolist()
    assert flat[:, :, 1:].tolist() == rates[:, :, 1:].tolist()


def test_without_a_rate_column_rates_are_those_of_a_flat_night(tmp_path: Path) -> None:
    """A tape of prices alone says nothing of other venues' basis."""
    rates = external_rates_ppm(good(tmp_path, HEADER, *NIGHT), 4, MARKETS, 3, 5_000, 5)
    assert external_rates_ppm(Regime("flat"), 4, MARKETS, 3, 5_000, 5).tolist() == rates.tolist()


# ---- what is refused ------------------------------------------------------------------------------------------------
def test_every_mistake_is_told_with_its_place(tmp_path: Path) -> None:
    """All mistakes of a file at once, each as file:line:column."""
    lines = (
        f"0,{BTC},NaN",
        f"20,{GOLD},4700",
        f"15.5,{GOLD},4701",
        f"15.5,{GOLD},4702",
        "3,GOLD-USD-PERP,4700",
        f"-1,{BTC},90000",
        f"0.0001,{BTC},90000",
        f"4,{BTC},5",
        f"5,{BTC},90000,1",
        "6,,1",
    )
    found, mistakes = read(tmp_path, HEADER, *lines)
    assert found is None
    expected = [
        ("t.csv:10:1", "4 fields under 3 columns"),
        ("t.csv:11:3", "the market has no name"),
        ("t.csv:2:16", "price_usd: NaN is out of range"),
        ("t.csv:4:1", f"time goes back to 15.5 s; before it is 20 s at {tmp_path}/t.csv:3:1"),
        ("t.csv:5:1", "15.5 s is there twice"),
        ("t.csv:6:3", "unknown market 'GOLD-USD-PERP'; did you mean"),
        ("t.csv:7:1", "time_s: -1 is out of range"),
        ("t.csv:8:1", "0.0001 is finer than 0.001"),
        ("t.csv:9:16", f"5 is far from the reference price of {BTC}; allowed is 4630 to 740800"),
    ]
    assert [place for place, _ in expected] == [mistake.partition(": ")[0] for mistake in mistakes]
    assert [] == [message for (_, message), line in zip(expected, mistakes, strict=True) if message not in line]


@pytest.mark.parametrize(
    ("header", "place", "message"),
    [
        ("time_s,market", "1:1", "column 'price_usd' is missing"),
        ("time,market,price_usd", "1:1", "unknown column 'time'; did you mean 'time_s'?"),
        ("time_s;market;price_usd", "1:7", "allowed is a comma"),
    ],
)
def test_wrong_header_is_told(tmp_path: Path, header: str, place: str, message: str) -> None:
    """A missing or misspelt column, or a spreadsheet's separator, at line one."""
    found, mistakes = read(tmp_path, header, "0,BTC-USD-PERP,90000")
    assert found is None
    assert any(mistake.startswith(f"t.csv:{place}: ") and message in mistake for mistake in mistakes)


def test_byte_order_mark_is_refused(tmp_path: Path) -> None:
    """With its line and column, in front as well as inside."""
    assert ["t.csv:1:1"] == [m.partition(": ")[0] for m in read(tmp_path, HEADER, *NIGHT, prefix="\ufeff")[1]]
    inside = read(tmp_path, HEADER, f"1,{BTC},9\ufeff0000")[1]
    assert "t.csv:2:17: there is a byte order mark" in inside[-1]


@pytest.mark.parametrize("content", [b"", b"\n\n", HEADER.encode()])
def test_tape_without_lines_is_told(tmp_path: Path, content: bytes) -> None:
    """Empty, blank, or a header alone."""
    (tmp_path / "t.csv").write_bytes(content)
    mistakes = Mistakes()
    assert read_tape(tmp_path / "t.csv", MARKETS, mistakes) is None
    assert 1 == len(mistakes)


# ---- a whole scenario ------------------------------------------------------------------------------------------------
BENCH = (SCENARIOS / "bench.yaml").read_text(encoding="utf-8").partition("regimes:")[0]
TAIL = "tapes: {my-night: tape.csv}\nregimes: [my-night, calm]\nreported: {regime: my-night, plan: []}\n"


def own_night(folder: Path, tail: str = TAIL) -> str:
    (folder / "tape.csv").write_text("\n".join((HEADER, *NIGHT)), encoding="utf-8")
    (folder / "night.yaml").write_text(BENCH + tail, encoding="utf-8")
    return str(folder / "night.yaml")


def test_tape_is_a_regime_of_its_scenario(tmp_path: Path) -> None:
    """The world sees the tape's prices, as its oracle samples them; the other regime is what it was."""
    scenario = load_scenario(own_night(tmp_path))
    assert "my-night" == scenario.reported_regime

    def spot(regime: str, at_ms: int) -> int:
        world = VenueWorld(case_of(scenario, regime=regime), Stage(is_started=False).sim)
        return int(world.outside.spot(at_ms)[0])

    assert [9_000_000, 9_100_050] == [spot("my-night", 0), spot("my-night", 30_000)]
    assert MARKETS.reference_price_quantums[0] == spot("calm", 0)


def test_case_replays_with_its_tape_and_is_refused_with_another(tmp_path: Path) -> None:
    """A case knows the tape by name and hash; beside the same file it comes to the same digest."""
    case = case_of(load_scenario(own_night(tmp_path)), regime="my-night")
    result = run_case(case, VenueKit(), keep_trace=False)
    assert ("", ()) == (result.error, result.findings)
    text = case_to_json(case)
    assert "91000.5" not in text
    (tmp_path / "case.json").write_text(text, encoding="utf-8")
    assert result.digest == run_case(read_case(tmp_path / "case.json"), VenueKit(), keep_trace=False).digest
    (tmp_path / "tape.csv").write_text("\n".join((HEADER, *NIGHT[:2])), encoding="utf-8")
    with pytest.raises(BadFile, match=r"tape\.csv has changed"):
        read_case(tmp_path / "case.json")


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        (TAIL.replace("my-night, calm", "my-nigth"), "unknown regime 'my-nigth'; did you mean 'my-night'?"),
        (TAIL.replace("tape.csv", "no.csv"), "tapes.my-night: no file 'no.csv' beside the scenario"),
        (TAIL.replace("my-night:", "calm:"), "'calm' is a regime that comes with Drydock"),
        (TAIL.replace("{my-night: tape.csv}", "[tape.csv]"), "tapes: "),
    ],
)
def test_wrong_name_is_told_where_it_stands(tmp_path: Path, tail: str, message: str) -> None:
    """A regime that no tape brings, a tape that is not there, a name that is taken, a list."""
    with pytest.raises(BadFile) as caught:
        load_scenario(own_night(tmp_path, tail))
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'night.yaml'}:")


def test_mistakes_of_the_tape_join_those_of_the_scenario(tmp_path: Path) -> None:
    """All files together."""
    file = own_night(tmp_path, TAIL.replace("my-night, calm", "my-night, clam"))
    (tmp_path / "tape.csv").write_text(HEADER + f"\n0,{BTC},much\n", encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        load_scenario(file)
    assert ["night.yaml", "tape.csv"] == [Path(m.place.split(":")[0]).name for m in caught.value.mistakes]


def test_schema_knows_tapes() -> None:
    """A mapping of names to files, for editors."""
    tapes = VenueKit().schema()["properties"]["tapes"]
    assert ("object", {"type": "string"}) == (tapes["type"], tapes["additionalProperties"])


def test_rows_of_a_track_never_decrease(tmp_path: Path) -> None:
    """Time goes on: a later step never reads an earlier line."""
    taped = good(tmp_path, HEADER, *(f"{n * 7},{BTC},{90_000 + n}" for n in range(40)))
    assert (np.diff(paths(taped, 1, MARKETS, 1_000, 400)[:, 0]) >= 0).all()


def test_triggers_of_a_file_fire_when_the_tape_passes_them(tmp_path: Path) -> None:
    """Own positions in a recorded night with an order book: the take-profit goes at the first mark above it."""
    own_night(tmp_path)
    mine = "account,market,size,collateral_usd,take_profit_usd,stop_loss_usd\n"
    mine += f"a,{BTC},0.5,9000,90500,50000\nb,{BTC},-0.5,9000,50000,95000\n"
    (tmp_path / "mine.csv").write_text(mine, encoding="utf-8")
    text = (tmp_path / "night.yaml").read_text(encoding="utf-8")
    text = text.replace("  accounts: 20\n", "  file: mine.csv\n").replace("  open_interest_usd: 20000000 USD\n", "")
    (tmp_path / "night.yaml").write_text(text.replace("venue:\n", "venue:\n  order_book: {}\n"), encoding="utf-8")
    scenario = load_scenario(str(tmp_path / "night.yaml"))
    result = run_case(case_of(scenario, regime="my-night"), VenueKit(), keep_trace=True)
    assert "" == result.error
    ((at_ms, fired),) = told(result.events, TriggerFired)
    assert 30_000 <= at_ms <= 41_000
    assert (model_of(scenario).population.first_person, 9_050_000) == (fired.account, fired.trigger_quantums)
    assert fired.mark_quantums >= fired.trigger_quantums
