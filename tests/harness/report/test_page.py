"""The page: self-contained, the same bytes twice, nothing unescaped, everything of the answer on it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from drydock.harness.cli import exits
from drydock.harness.port import Case
from drydock.harness.regression import regression_of, regression_to_json
from drydock.harness.rehearsal import Options
from drydock.harness.report.page import Part, render, table
from drydock.harness.report.page_run import part_of_run
from drydock.harness.report.page_search import Found, search_page
from drydock.harness.report.page_verdict import part_of_verdict, shown_case
from drydock.harness.result import KnownLine, Verdict
from drydock.harness.signature import parse_signature, signature_of
from drydock.harness.told import tell
from drydock.harness.verdict import rehearse
from tests.harness.commands import drydock, gonogo

LOADED = re.compile(r"""src\s*=|href\s*=(?!"#)|url\((?!#)|@import|https?://""", re.IGNORECASE)
MINIMAL = table("Minimal", ("without it",), [["passes"]])
EVIL = "<script>alert('x')</script>"
VOID = {"meta", "br"}


class Tags(HTMLParser):
    """Checks that tags close in the order in which they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()


def checked(page: str) -> str:
    """A page that is well-formed and loads nothing."""
    tags = Tags()
    tags.feed(page)
    assert [] == tags.open
    assert "script" not in tags.seen
    assert [] == LOADED.findall(page)
    return page


def without_machine(page: str) -> str:
    """All but the block that may differ."""
    bare, count = re.subn(r'<footer id="machine">.*?</footer>', "", page, flags=re.DOTALL)
    assert 1 == count
    return bare


@pytest.fixture
def broken(toy: ModuleType) -> Case:
    """A restart that does not wait for slow loads."""
    built = toy.scenario(waits=False)
    return Case(built, "flat", built.reported, 1)


def page_of(case: Case, toy: ModuleType) -> str:
    """The page of one run."""
    return render([part_of_run(tell(case, toy.ToyKit()), toy.ToyKit(), replay="drydock replay case.json")])


# ---- one run --------------------------------------------------------------------------------------------------------
def test_the_page_of_a_run_has_the_answer_on_it(toy: ModuleType, broken: Case) -> None:
    """What broke, the story with its command, pictures in both widths, chart and table, harm."""
    page = checked(page_of(broken, toy))
    for told in (
        "BROKEN", "How T1 came to be broken", "counter 0 went from 100 to 1", "drydock replay case.json",
        "The moment", "The whole run", "Counter 0", "Harm: 198.00 USD to 2 accounts", "By account", "SlowCount",
        "a stored counter never goes back", "restart",
    ):  # fmt: skip
        assert told in page
    assert page.count('class="wide"') == page.count('class="narrow"') == 3


def test_the_same_case_gives_the_same_bytes(toy: ModuleType, broken: Case) -> None:
    """But for one block with machine and time."""
    assert without_machine(page_of(broken, toy)) == without_machine(page_of(broken, toy))


def test_a_clean_run_has_pictures_and_no_story(toy: ModuleType) -> None:
    """There is nothing to tell, and something to see."""
    page = checked(page_of(Case(toy.scenario(), "flat", (), 1), toy))
    assert ("CLEAN" in page, "came to be broken" in page, "The whole run" in page) == (True, False, True)
    assert "The moment" not in page


def test_nothing_of_a_scenario_becomes_markup(toy: ModuleType, broken: Case) -> None:
    """A name, a summary and a plan are texts."""
    built = replace(broken.scenario, name=EVIL, summary=EVIL)
    page = checked(page_of(replace(broken, scenario=built), toy))
    assert EVIL not in page
    assert "&lt;script&gt;alert" in page


def test_a_run_that_came_to_no_end_says_so(toy: ModuleType) -> None:
    """It is neither clean nor broken."""
    told = tell(Case(toy.scenario(trouble="spins"), "flat", (), 1), toy.ToyKit(), event_budget=1_000)
    assert "NO END" in checked(render([part_of_run(told, toy.ToyKit())]))


# ---- a verdict ------------------------------------------------------------------------------------------------------
@pytest.fixture
def verdict(toy: ModuleType, broken: Case) -> Verdict:
    """NO-GO of four runs each."""
    return rehearse(broken.scenario, toy.ToyKit(), Options(today="2026-11-22", runs=4, workers=1))


def test_the_page_of_a_verdict_shows_the_first_case_of_the_worst_law(
    toy: ModuleType, broken: Case, verdict: Verdict
) -> None:
    """With the evidence below: laws, limits, faults, goals, safeguards, what was not tested."""
    shown = shown_case(verdict, broken.scenario, toy.ToyKit())
    assert ("T1", verdict.reported and verdict.reported.violations[0].first_case) == (shown.law, shown.case)
    page = checked(render([part_of_verdict(verdict, broken.scenario, toy.ToyKit(), {"T1": "drydock replay it"})]))
    for told in (
        "NO-GO", verdict.claim.replace("<", "&lt;"), "the first run that breaks T1", "drydock replay it",
        "Laws", "Limits of the policy", "Faults of the design basis", "Goals", "readiness gate",
    ):  # fmt: skip
        assert told in page


def test_a_known_failure_that_decides_is_shown(toy: ModuleType, broken: Case, tmp_path: Path) -> None:
    """Where no law was broken in the runs of the verdict: the run that carries the decision, with its own command."""
    kit, built = toy.ToyKit(), toy.scenario()
    file = tmp_path / "known.json"
    known = regression_of(broken, parse_signature("T1@counter/ticker"), "it was so")
    file.write_text(regression_to_json(known))
    verdict = rehearse(built, kit, Options(today="2026-11-22", runs=4, workers=1))
    line = KnownLine("abc", str(file), "T1@counter/ticker", "", "still fails", "", "safety", False, True, False)
    shown = shown_case(replace(verdict, regressions=(line,)), broken.scenario, kit)
    assert ("T1", broken, "abc") == (shown.law, shown.case, shown.key)
    assert "regression abc, a known failure (T1@counter/ticker)" == shown.what


def test_a_go_shows_the_reported_run(toy: ModuleType) -> None:
    """There is no story; there is a run to look at."""
    built = toy.scenario()
    verdict = rehearse(built, toy.ToyKit(), Options(today="2026-11-22", runs=4, workers=1))
    page = checked(render([part_of_verdict(verdict, built, toy.ToyKit(), {})], verdict.run))
    assert "the first run of the reported plan; it broke nothing" in page
    assert f"{verdict.run['runs']:,} runs in" in page


# ---- a search -------------------------------------------------------------------------------------------------------
def test_the_page_of_a_search_tells_each_failure(toy: ModuleType, broken: Case) -> None:
    """By its signature, with its own command and tables."""
    findings = tell(broken, toy.ToyKit()).result.findings
    found = [
        Found(broken, signature_of(finding), f"drydock replay {finding.law}.json", (MINIMAL,))
        for finding in (findings[0], findings[-1])
    ]
    page = checked(
        search_page(broken.scenario, toy.ToyKit(), found, claim="2 failures in 40 runs", facts=[("seed", "1")])
    )
    for told in ("2 FOUND", "2 failures in 40 runs", "How T1 came", "How T3 came", "drydock replay T3.json", "Minimal"):
        assert told in page


def test_a_search_that_found_nothing_claims_no_more(toy: ModuleType) -> None:
    """Its runs enter no bound."""
    page = checked(search_page(toy.scenario(), toy.ToyKit(), [], claim="nothing in 40 runs"))
    assert ("NOTHING FOUND" in page, "none of them enters a bound" in page) == (True, True)


# ---- as a user ------------------------------------------------------------------------------------------------------
def test_run_and_replay_write_a_page(night: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the command that shows the run again; the replay's page tells the same."""
    assert exits.NO_GO == drydock("run", "bad.yaml", "--report", "run.html")
    page = checked(Path("run.html").read_text(encoding="utf-8"))
    match = re.search(r"drydock replay (\S+\.json)", page)
    assert match is not None
    assert exits.NO_GO == drydock("replay", match[1], "--report", "again.html")
    assert without_machine(page) == without_machine(Path("again.html").read_text(encoding="utf-8"))


def test_a_page_changes_no_answer(night: Path, told: object, capsys: pytest.CaptureFixture[str]) -> None:
    """The text of a run with a page is that without."""
    answers = []
    for more in ((), ("--report", "run.html")):
        drydock("run", "bad.yaml", *more)
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1]


def test_explore_writes_a_page_with_what_it_knows(night: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each smallest case with its story and its command, and where the runs went."""
    assert exits.NO_GO == drydock("explore", "bad.yaml", "--budget", "20", "--workers", "1", "--report", "e.html")
    page = checked(Path("e.html").read_text(encoding="utf-8"))
    for told in ("FOUND", "came to be broken", "Where the runs went", "drydock replay", "Its parts: nothing"):
        assert told in page


def test_gonogo_writes_page_markdown_and_junit(night: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of both scenarios in one file each; the exit code is the verdict's."""
    files = ("--report", "p.html", "--markdown", "v.md", "--junit", "v.xml")
    assert exits.NO_GO == gonogo("bad.yaml", "good.yaml", *files)
    page = checked(Path("p.html").read_text(encoding="utf-8"))
    assert (1, 1) == (page.count('<span class="badge bad">NO-GO'), page.count("<h1>good</h1>"))
    assert Path("v.md").read_text(encoding="utf-8").startswith("# 🔴 NO-GO: bad")
    assert "<testsuites" in Path("v.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", ["--report", "--markdown", "--junit"])
def test_a_file_that_cannot_be_is_refused_before_the_work(
    option: str, night: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that is not there, and stdout, which belongs to the text."""
    for target in ("nowhere/x", "-"):
        assert exits.USAGE == gonogo("good.yaml", option, target)
        assert target in capsys.readouterr().err


def test_a_page_says_when_and_where_it_was_written_in_one_place() -> None:
    """The footer, and nothing above it."""
    page = render([Part("GO", "good", "night", "it holds")], {"runs": 40, "seconds": 1.25})
    assert "40 runs in 1.2 s" in page
    assert " UTC" not in without_machine(page)
