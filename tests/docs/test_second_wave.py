"""The page of the second wave: its tables say what was measured, and what is measured is what their rows name."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def scripts() -> Iterator[ModuleType]:
    """scripts/second_wave.py as a module, its neighbours importable as for a script."""
    sys.path.append(str(ROOT / "scripts"))
    yield importlib.import_module("second_wave")
    sys.path.remove(str(ROOT / "scripts"))


def page() -> ModuleType:
    """The module that writes the page."""
    return importlib.import_module("second_wave_page")


def cells() -> ModuleType:
    """The module that names the cells."""
    return importlib.import_module("second_wave_cells")


def test_tables_of_the_page_are_what_was_measured(scripts: ModuleType) -> None:
    """Nobody edits a figure by hand: each table is the rendering of the results beside it."""
    results = json.loads(scripts.RESULTS.read_text("utf-8"))
    text = page().PAGE.read_text("utf-8")
    for table in page().WHAT:
        lines = text.split(f"<!-- second_wave {table}: begin -->\n")[1].split("\n<!--")[0]
        assert "\n".join(page().table_of(table, results)) == lines


def test_every_cell_was_measured_with_all_its_seeds(scripts: ModuleType) -> None:
    """An n is never quietly smaller than it says."""
    results = json.loads(scripts.RESULTS.read_text("utf-8"))
    assert {cell.key: list(range(1, cell.seeds + 1)) for cell in cells().CELLS} == {
        key: [record["seed"] for record in records] for key, records in results.items()
    }


def test_measured_again_a_seed_gives_what_stands_there(scripts: ModuleType) -> None:
    """The committed results are those of this code."""
    results = json.loads(scripts.RESULTS.read_text("utf-8"))
    cell = next(cell for cell in cells().CELLS if cell.key == "band: 5 %")
    assert results[cell.key][0] == scripts.measure(cell, 1)


def test_band_of_the_widest_market_alone_is_another(scripts: ModuleType) -> None:
    """Which market that is the file says: the one whose band is widest over its margin."""
    as_it_stands = scripts.scenario_of(cells().Cell("band", "as it stands"))
    narrow = scripts.scenario_of(cells().Cell("band", "2 %", band_pct=2))
    before, after = as_it_stands.venue.markets.band_ppm, narrow.venue.markets.band_ppm
    changed = [number for number in range(len(before)) if before[number] != after[number]]
    ratio = before / as_it_stands.venue.markets.mmf_ppm
    assert [int(ratio.argmax())] == changed
    assert 20_000 == after[changed[0]]


def test_a_page_with_another_figure_is_found(scripts: ModuleType) -> None:
    """The comparison can fail: one record more moves a median."""
    results = json.loads(scripts.RESULTS.read_text("utf-8"))
    key = "night: set R, the reopening alone"
    bent = {**results, key: [{**record, "accounts": record["accounts"] + 1} for record in results[key]]}
    assert page().table_of("night", results) != page().table_of("night", bent)
