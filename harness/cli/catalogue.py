"""``drydock catalogue``: what there is, with words to search it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from drydock.harness.cli.options import Common, common, default_scenario

if TYPE_CHECKING:
    from rich.console import Console

    from drydock.harness.port import Kit, Law, Scenario


class Item(NamedTuple):
    """One thing of the catalogue. ``note`` is what a reader may look up; ``keywords`` only help to find it."""

    name: str
    sentence: str
    note: str = ""
    keywords: tuple[str, ...] = ()

    def matches(self, words: Sequence[str]) -> bool:
        """Whether every word occurs somewhere, in capitals or not."""
        text = " ".join((self.name, self.sentence, self.note, *self.keywords)).lower()
        return all(word.lower() in text for word in words)


_HOW_TO_SEARCH = "drydock catalogue KIND lists one; words after it search: catalogue faults restart race"
KINDS = (
    "faults", "laws", "scenarios", "safeguards", "steps", "seams", "channels", "markets", "gates", "services",
    "regimes",
)  # fmt: skip


@click.command(name="catalogue")
@click.argument("kind", required=False, metavar="[KIND]")
@click.argument("words", nargs=-1, metavar="[WORDS]...")
@click.option("--scenario", metavar="NAME|FILE", help="Whose laws, safeguards and steps; default the first packaged.")
@common
def command(kind: str | None, words: tuple[str, ...], scenario: str | None, common: Common) -> int:
    """What there is, by KIND: faults, laws, scenarios, safeguards, steps, seams, channels, markets, gates, services,
    regimes.

    WORDS narrow the list: `drydock catalogue faults restart race` shows what has both words in its name, its sentence
    or its keywords. Without KIND: how many of each there are.
    """
    common.load_code()
    if kind is None:
        found = {name: items_of(name, scenario, common) for name in KINDS}
        common.answer(lambda: _plain(found), lambda console: _tell_overview(console, found))
        return 0
    listed = [item for item in items_of(_known(kind), scenario, common) if item.matches(words)]
    common.answer(lambda: _plain({kind: listed}), lambda console: _tell(console, kind, words, listed, common.verbosity))
    return 0


def items_of(kind: str, reference: str | None, common: Common) -> list[Item]:
    """Everything of one kind. ``BadFile`` for a scenario that cannot be read."""
    from drydock.harness import registry
    from drydock.harness.scenario import packaged_scenarios

    if kind == "faults":
        return [Item(f.kind, f.sentence, keywords=tuple(f.keywords)) for f in registry.faults().values()]
    if kind == "scenarios":
        return [_scenario_item(name) for name in packaged_scenarios()]
    scenario, kit = common.scenario(reference or default_scenario())
    if kind in _OF_SCENARIO:
        return _OF_SCENARIO[kind](kit, scenario)
    return [Item(name, sentence) for name, sentence in kit.catalogue().get(kind, ())]


def _laws(kit: Kit, scenario: Scenario) -> list[Item]:
    return [Item(law.id, law.sentence, f"{_form(law)}; {law.source}") for law in kit.laws(scenario)]


def _form(law: Law) -> str:
    return "a goal" if law.mode == "sometimes" else f"{law.law_class}, {law.mode}"


def _safeguards(kit: Kit, scenario: Scenario) -> list[Item]:
    states = {True: "on", False: "off"}
    return [Item(s.name, s.sentence, f"{states[s.is_on]} in {scenario.name}: {s.path}") for s in kit.switches(scenario)]


_OF_SCENARIO: dict[str, Callable[[Kit, Scenario], list[Item]]] = {"laws": _laws, "safeguards": _safeguards}


def _scenario_item(name: str) -> Item:
    from drydock.harness.scenario import load_scenario

    scenario = load_scenario(name)
    return Item(name, scenario.summary, f"regimes {', '.join(scenario.regimes)}")


def _known(kind: str) -> str:
    from drydock.harness.mistakes import did_you_mean

    if kind not in KINDS:
        raise click.UsageError(f"there is no kind '{kind}'; {did_you_mean(kind, KINDS)}")
    return kind


def _plain(found: dict[str, list[Item]]) -> dict[str, object]:
    listed = {kind: [item._asdict() for item in items] for kind, items in found.items()}
    return {"schema": "drydock.catalogue/1", **listed}


def _tell_overview(console: Console, found: dict[str, list[Item]]) -> None:
    from drydock.harness.report.console import grid, print_lines
    from drydock.harness.report.words import clip

    table = grid(False, True, False)
    table.columns[2].ratio = 1
    for kind, items in found.items():
        table.add_row(kind, str(len(items)), clip([item.name for item in items], 6))
    print_lines(console, table, "", _HOW_TO_SEARCH)


def _tell(console: Console, kind: str, words: Sequence[str], items: Sequence[Item], verbosity: int) -> None:
    from rich.text import Text

    from drydock.harness.report.console import grid, print_lines

    if not items:
        asked = f" that match '{' '.join(words)}'; drydock catalogue {kind} lists all of them" if words else ""
        print_lines(console, f"There are no {kind}{asked}.")
        return
    table = grid(False, False)
    table.columns[0].no_wrap = True
    table.columns[1].ratio = 1
    for item in items:
        table.add_row(Text(item.name, style="bold"), item.sentence if verbosity >= 0 else "")
        if item.note and verbosity >= 0:
            table.add_row("", Text(item.note, style="dim"))
        if item.keywords and verbosity >= 0:
            table.add_row("", Text(f"keywords: {', '.join(item.keywords)}", style="dim"))
    print_lines(console, table)
