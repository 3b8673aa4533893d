"""The documents against the code: commands that exist, links that lead somewhere, a map without gaps."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import pytest
from ruamel.yaml import YAML

from drydock.faults.slow_load import SlowLoad
from drydock.harness.cli.commands import drydock
from drydock.harness.registry import faults, kit
from drydock.harness.regression import case_today, regression_from_json
from drydock.harness.scenario import load_scenario
from drydock.models.invariants.register import GOALS, LAWS
from drydock.models.lint import rules
from drydock.models.model import model_of
from drydock.models.people_spec import Population, Traders
from drydock.models.runbook_spec import Alarm, Incident, Runbook, StepSpec
from drydock.models.venue import (
    Auction,
    CircuitBreaker,
    DataValidation,
    ExternalMark,
    PriceFreshness,
    Venue,
    WithdrawalGate,
)

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "models" / "data" / "README.md"])
ROOMS = ("harness", "models", "faults")

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"`(drydock [^`\n]+)`")
PATH_IN_MAP = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)
LAW_ID = re.compile(r"\b([FLMPSWVG]\d)\b")
SOURCE_NOTES = {"G6", "G8"}  # safeguards of the planning notes, where a page names them


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def bare(code: str) -> str:
    """Code without indentation and empty lines, on which a formatter has its own opinion."""
    return "\n".join(line.strip() for line in code.splitlines() if line.strip())


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        text = text_of(page)
        for found in COMMAND.findall(text):
            yield name_of(page), found
        for language, block in FENCE.findall(text):
            if language == "sh":
                lines = (line.partition("#")[0].strip() for line in block.splitlines())
                yield from ((name_of(page), line) for line in lines if line.startswith("drydock "))


def parsed(words: list[str]) -> None:
    """Parses a command line as ``drydock`` would, and runs nothing."""
    with drydock.make_context("drydock", [words[0]]) as context:
        command = drydock.get_command(context, words[0])
        assert command is not None, f"no command {words[0]}"
        command.make_context(words[0], words[1:], parent=context).close()


@pytest.mark.parametrize(("page", "line"), sorted(set(commands())))
def test_every_command_in_a_document_parses(page: str, line: str) -> None:
    """A command line that a page shows has a command and options that exist."""
    words = shlex.split(line)[1:]
    if len(words) == 1:
        assert words[0] in drydock.list_commands(click.Context(drydock)) or words[0].startswith("-")
        return  # a bare mention names the command and need not be complete
    try:
        parsed(words)
    except click.ClickException as error:
        pytest.fail(f"{page}: {line}: {error.format_message()}")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_internal_link_leads_somewhere(page: Path) -> None:
    """A relative link names a file of the project, and an anchor a heading of that file."""
    lost = []
    for target in LINK.findall(FENCE.sub("", text_of(page))):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent.joinpath(path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            lost.append(target)
    assert [] == lost


def test_the_map_lists_every_module_and_nothing_else() -> None:
    """docs/map.md names each module of the rooms, each script and each test folder, and every path in it exists."""
    listed = set(PATH_IN_MAP.findall(text_of(ROOT / "docs" / "map.md")))
    modules = (path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    there = {name_of(path) for path in modules if path.name != "__init__.py" and "__pycache__" not in path.parts}
    there |= {name_of(path) for path in (ROOT / "scripts").iterdir() if path.is_file()}
    there |= {f"{name_of(path)}/" for path in (ROOT / "tests").iterdir() if path.is_dir() and list(path.glob("*.py"))}
    assert set() == there - listed, "docs/map.md lacks these: add a line each"
    assert [] == [path for path in sorted(listed) if not (ROOT / path).exists()], "docs/map.md names what is not there"


def test_every_law_is_documented_and_every_documented_law_exists() -> None:
    """docs/laws.md lists exactly the laws and goals of the register; no page names another id.

    In docs/performance.md P1 to P7 are goals of speed.
    """
    listed = re.findall(r"^\| ([A-Z]\d) \|", text_of(ROOT / "docs" / "laws.md"), re.MULTILINE)
    known = [law.id for law in (*LAWS, *GOALS)]
    assert known == listed
    for page in PAGES:
        if page.name == "performance.md":
            continue
        named = set(LAW_ID.findall(text_of(page))) - SOURCE_NOTES
        assert set() == named - set(known), name_of(page)


def test_every_default_of_venue_people_and_runbook_has_a_provenance() -> None:
    """docs/provenance.md names every field that a scenario file may leave out, so none is a fact by silence."""
    named = _named_defaults()
    assert [] == [name for name in _defaults() if not any(fnmatch(name, pattern) for pattern in named)]


def test_every_default_that_has_a_provenance_exists() -> None:
    """A field that was renamed takes its line along."""
    there, parts = _defaults(), {name.partition(".")[0] for name in _defaults()}
    gone = [pattern for pattern in _named_defaults() if pattern.partition(".")[0] in parts]
    assert [] == [pattern for pattern in gone if not any(fnmatch(name, pattern) for name in there)]


def _defaults() -> list[str]:
    """``part.field`` of everything in the typed data that has a default and is not a part itself."""
    parts = {hint: name for name, hint in get_type_hints(Venue).items()} | SPECS
    found = []
    for spec, part in parts.items():
        for field in fields(_dataclass_of(spec)):
            has_default = field.default is not MISSING or field.default_factory is not MISSING
            if has_default and not is_dataclass(field.default_factory):
                found.append(f"{part}.{field.name}")
    return [name for name in found if not name.startswith("markets.")]  # its own README says where each column is from


def _dataclass_of(hint: Any) -> Any:
    """The dataclass that a type hint is, or is an optional of; None where it is none."""
    return next((kind for kind in (hint, *get_args(hint)) if is_dataclass(kind)), None)


SPECS: dict[Any, str] = {
    DataValidation: "data_validation", PriceFreshness: "price_freshness", ExternalMark: "external_mark",
    Auction: "auction", CircuitBreaker: "circuit_breaker", WithdrawalGate: "withdrawal_gate",
    Population: "population", Traders: "traders",
    Runbook: "runbook", StepSpec: "step", Incident: "on_incident", Alarm: "alarm",
}  # fmt: skip
"""The typed data beside the venue's own parts, by the name under which a scenario file has it."""


def _named_defaults() -> list[str]:
    """What the first column of the tables names, ``*`` for any; a name without a part is of the part before it."""
    named = []
    for row in re.findall(r"^\| (`[^|]*) \|", text_of(ROOT / "docs" / "provenance.md"), re.MULTILINE):
        part = ""
        for name in re.findall(r"`([\w.*]+)`", row):
            part = name.rpartition(".")[0] or part
            named.append(f"{part}.{name.rpartition('.')[2]}")
    return named


def test_every_decision_is_in_the_index_and_short() -> None:
    """Each decision record is linked from its index, fits on a screen, and has its four parts."""
    folder = ROOT / "docs" / "decisions"
    index = text_of(folder / "README.md")
    for page in sorted(folder.glob("0*.md")):
        text = text_of(page)
        assert f"({page.name})" in index
        assert len(text.splitlines()) <= 30, page.name
        for part in ("**Context.**", "**Decision.**", "**Consequences.**", "**Rejected.**"):
            assert part in text, f"{page.name} lacks {part}"


def test_the_venue_of_the_how_to_is_a_valid_scenario(tmp_path: Path) -> None:
    """The CSV and the YAML that the how-to shows are a scenario as they stand: three markets, by YAML alone."""
    markets, night, *_ = _blocks_of_the_how_to()
    (tmp_path / "my_markets.csv").write_text(markets, encoding="utf-8")
    file = tmp_path / "my-upgrade.yaml"
    file.write_text(night, encoding="utf-8")
    scenario = load_scenario(str(file), ())
    assert ("BTC-USD", "ETH-USD", "DOGE-USD") == model_of(scenario).markets.names
    assert "scale-up" in [step.name for step in kit(scenario.kit).steps(scenario)]


def test_the_regression_of_the_how_to_applies_to_its_scenario(tmp_path: Path) -> None:
    """The failure that the how-to shows is read as it stands, and names nothing that its scenario lacks."""
    markets, night, *_ = _blocks_of_the_how_to()
    (tmp_path / "my_markets.csv").write_text(markets, encoding="utf-8")
    (tmp_path / "my-upgrade.yaml").write_text(night, encoding="utf-8")
    scenario = load_scenario(str(tmp_path / "my-upgrade.yaml"), ())
    (shown,) = [block for language, block in FENCE.findall(text_of(ROOT / "docs" / "how-to.md")) if language == "json"]
    case = case_today(regression_from_json(shown), scenario, kit(scenario.kit))
    assert SlowLoad(step="start-services", target="funding", mean_ms=4_000) == case.plan[0]


def test_own_book_and_recorded_night_of_the_how_to_go_into_its_scenario(tmp_path: Path) -> None:
    """Positions and tape as shown, with the three keys as shown, in the place of what the scenario draws."""
    markets, night, _, keys, positions, tape = _blocks_of_the_how_to()
    for name, text in (("my_markets", markets), ("positions", positions), ("tape", tape)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    drawn = [line for line in night.splitlines() if not line.startswith(("population:", "regimes:"))]
    file = tmp_path / "my-upgrade.yaml"
    file.write_text("\n".join(drawn) + "\n" + keys, encoding="utf-8")
    scenario = load_scenario(str(file), ())
    assert ("my-night", "calm") == scenario.regimes
    assert ["my_markets.csv", "positions.csv", "tape.csv"] == sorted(scenario.files)
    assert 2 == model_of(scenario).population.accounts


def test_order_book_of_the_how_to_goes_into_its_scenario(tmp_path: Path) -> None:
    """Venue and people as shown, over those of the scenario as shown; no rule complains of what it declares."""
    markets, night, book, *_ = _blocks_of_the_how_to()
    (tmp_path / "my_markets.csv").write_text(markets, encoding="utf-8")
    yaml = YAML(typ="safe", pure=True)
    whole = yaml.load(night)
    for part, fields_of in yaml.load(book).items():
        for key, value in fields_of.items():
            known = whole[part].get(key)
            whole[part][key] = known | value if isinstance(known, dict) else value
    file = tmp_path / "my-upgrade.yaml"
    with file.open("w", encoding="utf-8") as to:
        yaml.dump(whole, to)
    scenario = load_scenario(str(file), ())
    assert model_of(scenario).venue.order_book is not None
    assert (24, 8) == (model_of(scenario).population.opportunists, model_of(scenario).population.squeezers)
    assert [] == [told for rule in rules() for told in rule.check(scenario)]


def test_every_parameter_of_traders_is_in_the_how_to() -> None:
    """The table of the how-to has each of them, by its name or by what its name ends in."""
    text = text_of(ROOT / "docs" / "how-to.md")
    named = re.findall(r"`(\w+)`", text)
    ends = tuple(name for name in named if name.startswith("_"))
    assert [] == [f.name for f in fields(Traders) if f.name not in named and not f.name.endswith(ends)]


def _blocks_of_the_how_to() -> list[str]:
    """What the how-to shows before it comes to searching: markets, scenario; book; keys, positions, tape."""
    before = text_of(ROOT / "docs" / "how-to.md").partition("## A search")[0]
    return [block for language, block in FENCE.findall(before) if language != "sh"]


def test_the_how_to_shows_the_example_fault_as_it_is() -> None:
    """The lines of Python in the how-to stand in the example file, word for word."""
    blocks = FENCE.findall(text_of(ROOT / "docs" / "how-to.md"))
    (shown,) = [block for language, block in blocks if language == "python"]
    example = text_of(ROOT / "docs" / "examples" / "late_index.py")
    assert bare(shown) in bare(example)


def test_every_packaged_fault_and_scenario_is_told_to_the_reader() -> None:
    """The changelog names every fault and scenario that a version ships."""
    text = text_of(ROOT / "CHANGELOG.md")
    packaged = [kind for kind, cls in faults().items() if cls.__module__.startswith("drydock.faults.")]
    named = [*packaged, *kit("venue").scenarios()]
    assert packaged
    assert [] == [name for name in named if f"`{name}`" not in text]
