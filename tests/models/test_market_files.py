"""Market files: found beside the scenario, then among the packaged; known by their hash; told where they are wrong."""

from __future__ import annotations

from pathlib import Path

from drydock.harness.mistakes import Mistakes
from drydock.harness.places import Places
from drydock.harness.scenario import file_hash
from drydock.models.market_files import ScenarioFiles
from drydock.models.markets import DATA, Markets
from drydock.models.venue import MarketsSpec

OWN = """market,imf_pct,price_band_pct,funding_period_h,max_funding_rate_pct_per_period
TULIP-EUR,10,10,8,2
ROSE-EUR,5,5,1,1
"""
PACKAGED = "paradex_markets_2026-01-16.csv"


def read(folder: Path, spec: MarketsSpec) -> tuple[Markets | None, list[str], dict[str, str]]:
    mistakes = Mistakes()
    files = ScenarioFiles(Places("night.yaml", folder), mistakes)
    return files.read(spec), [str(mistake) for mistake in mistakes], files.hashes


def test_own_file_is_found_beside_the_scenario_and_known_by_its_hash(tmp_path: Path) -> None:
    """The markets are those of the file, in its order."""
    (tmp_path / "own.csv").write_text(OWN, encoding="utf-8")
    markets, mistakes, hashes = read(tmp_path, MarketsSpec("own.csv"))
    assert [] == mistakes
    assert markets is not None
    assert ("TULIP-EUR", "ROSE-EUR") == markets.names
    assert {"own.csv": file_hash(tmp_path / "own.csv")} == hashes


def test_own_file_comes_before_a_packaged_one_of_the_same_name(tmp_path: Path) -> None:
    """What lies beside the scenario is meant."""
    (tmp_path / PACKAGED).write_text(OWN, encoding="utf-8")
    own, packaged = read(tmp_path, MarketsSpec())[0], read(tmp_path / "elsewhere", MarketsSpec())[0]
    assert own is not None
    assert packaged is not None
    assert (2, 117) == (len(own), len(packaged))


def test_changed_file_is_read_again(tmp_path: Path) -> None:
    """A worker that lives long sees the edit, and the hash is another."""
    file = tmp_path / "own.csv"
    file.write_text(OWN, encoding="utf-8")
    before = read(tmp_path, MarketsSpec("own.csv"))
    file.write_text(OWN.replace("ROSE", "LILY"), encoding="utf-8")
    after = read(tmp_path, MarketsSpec("own.csv"))
    assert after[0] is not None
    assert ("TULIP-EUR", "LILY-EUR") == after[0].names
    assert before[2] != after[2]


def test_chosen_markets_come_in_the_order_in_which_they_are_named() -> None:
    """``only`` selects and orders; shares are scaled to the whole again."""
    markets, _, _ = read(DATA, MarketsSpec(only=("ETH-USD-PERP", "BTC-USD-PERP")))
    assert markets is not None
    assert ("ETH-USD-PERP", "BTC-USD-PERP") == markets.names
    assert 1_000_000 == markets.open_interest_share_ppm.sum()


def test_missing_file_lists_what_is_packaged(tmp_path: Path) -> None:
    """Each file that is not there is one mistake."""
    markets, mistakes, _ = read(tmp_path, MarketsSpec("no.csv", "neither.csv"))
    assert markets is None
    assert ["no.csv", "neither.csv"] == [mistake.split("'")[1] for mistake in mistakes]
    assert all(PACKAGED in mistake for mistake in mistakes)


def test_unknown_markets_are_each_told_with_the_nearest_name() -> None:
    """All of them together."""
    markets, mistakes, _ = read(DATA, MarketsSpec(only=("BTC-USD-PREP", "ETH-USD-PERP", "ETHUSD-PERP")))
    assert markets is None
    assert ["did you mean 'BTC-USD-PERP'" in mistakes[0], "did you mean 'ETH-USD-PERP'" in mistakes[1]] == [True, True]


def test_mistakes_of_the_file_itself_have_its_lines(tmp_path: Path) -> None:
    """They join the mistakes of the scenario."""
    (tmp_path / "own.csv").write_text(OWN.replace("5,5,1,1", "5,five,1,1"), encoding="utf-8")
    markets, mistakes, _ = read(tmp_path, MarketsSpec("own.csv"))
    assert markets is None
    assert [f"{tmp_path / 'own.csv'}:3:12"] == [mistake.partition(": ")[0] for mistake in mistakes]
