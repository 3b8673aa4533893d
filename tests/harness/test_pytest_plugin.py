"""The pytest plugin in projects of its own: marks, fixtures, known failures as items, and what a failure says."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import drydock.harness.pytest_items
import drydock.harness.strategies  # noqa: F401  (pytester forgets what is imported within it, and numpy cannot be twice)
from drydock.harness import registry
from drydock.harness.cli.main import answer
from drydock.harness.pytest_plugin import CORPUS
from drydock.harness.scenario import load_scenario
from tests.faults.example import AS_HAPPENED
from tests.harness.commands import BAD, CHECKOUT, TOY

pytest_plugins = ["pytester"]
load_scenario("bench")

BROKEN = ", ".join(map(repr, ("bench", *AS_HAPPENED)))
FAILING = f"""
import pytest

@pytest.mark.scenario({BROKEN})
def test_night(drydock_run):
    drydock_run()
"""
FAULT = """
from dataclasses import dataclass
from drydock.faults.slow_load import SlowLoad
@dataclass(frozen=True, slots=True)
class Own(SlowLoad):
    kind = "own_slow_load"
"""


@pytest.fixture(autouse=True)
def _own_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test loads is gone after it."""
    monkeypatch.setattr(registry, "_loaded", dict(registry._loaded))


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """pytest in the project, with the plugin as an installation has it."""
    if not (pytester.path / "tox.ini").exists():
        pytester.makeini("[pytest]\n")  # or a folder above may be taken for the root
    return pytester.runpytest_inprocess("-p", "drydock.harness.pytest_plugin", "--strict-markers", *arguments)


def regression(folder: Path, *, law: str = "F3", mean_ms: int = 4_000, step: str = "start-services") -> Path:
    """A known failure of the packaged bench venue, or of one that was."""
    file = folder / CORPUS / "bench" / "11112222.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    plan = [{"kind": "slow_load", "step": step, "target": "funding", "mean_ms": mean_ms}]
    data = {
        "schema": "drydock.regression/1",
        "scenario": "bench",
        "signature": f"{law}@funding/ticker(market)",
        "because": "it was so",
        "regime": "calm",
        "plan": plan,
        "seed": 1,
        "ties": {"mode": "fifo", "laggards": []},
    }
    file.write_text(json.dumps(data))
    return file


def broken_bench(folder: Path, **more: object) -> None:
    """A scenario file of that name, without the guards."""
    packaged = registry.kit("venue").scenarios()["bench"]
    text = Path(packaged).read_text().replace("readiness: checksum_verified", "readiness: process_up")
    text = (
        text.replace("{tick_ms: 5s, ext", "{tick_ms: 1s, ext")
        .replace("    price_freshness: {}\n", "")
        .replace("[ready, prices_fresh, indices_present, copies_agree]", "[processes_up]")
    )
    (folder / "bench.yaml").write_text(text + "".join(f"{key}: {json.dumps(value)}\n" for key, value in more.items()))


# ---- nights ---------------------------------------------------------------------------------------------------------
def test_a_failing_night_says_what_broke_and_how_to_play_it_again(pytester: pytest.Pytester) -> None:
    """The law, the fault, a finding, and a command that fails in the same way."""
    pytester.makepyfile(FAILING)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*bench breaks *F3*", "*with SlowLoad(step='start-services'*", "*Drydock*"])
    (again,) = [line for line in result.outlines if line.startswith("again: drydock replay ")]
    assert 1 == answer([*again.split()[2:], "-q"])


def test_a_night_of_a_fixture_says_it_too(pytester: pytest.Pytester) -> None:
    """Whoever plays it: the test that needed it says how to play it again."""
    pytester.makepyfile(
        FAILING.replace(
            "def test_night(drydock_run):", "def test_night(played): ...\n\n@pytest.fixture\ndef played(drydock_run):"
        )
    )
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["again: drydock replay *"])


def test_junit_has_what_was_played(pytester: pytest.Pytester) -> None:
    """Digest, seed, scenario, the laws and the case."""
    pytester.makepyfile(FAILING)
    run(pytester, "--junitxml=out.xml", "--drydock-seed=7")
    found = ElementTree.parse(pytester.path / "out.xml").iter("property")
    told = {str(one.get("name")): str(one.get("value")) for one in found}
    assert ("bench", "7") == (told["drydock.scenario"], told["drydock.seed"])
    assert "F3" in told["drydock.laws_broken"].split()
    assert len(told["drydock.digest"]) == 32
    assert (pytester.path / told["drydock.case"]).is_file()


def test_a_night_that_is_only_looked_at_does_not_fail(pytester: pytest.Pytester) -> None:
    """``check=False``; a passing test saves no case."""
    pytester.makepyfile(FAILING.replace("drydock_run()", 'assert "F3" in drydock_run(check=False).broken'))
    run(pytester).assert_outcomes(passed=1)
    assert not (pytester.path / ".drydock").exists()


def test_a_marked_file_is_found_beside_its_test(pytester: pytest.Pytester) -> None:
    """And a file with mistakes is told as they are, without a traceback."""
    folder = pytester.mkdir("tests")
    broken_bench(folder)
    (folder / "test_it.py").write_text(
        "import pytest\npytestmark = pytest.mark.scenario('bench.yaml')\n"
        "def test_name(drydock_scenario):\n    assert drydock_scenario.name == 'bench'\n"
        "@pytest.mark.scenario('bench.yaml', 'venue.fundng={}')\n"
        "def test_wrong(drydock_scenario): ...\n"
        "def test_none(drydock_run):\n    drydock_run(scenario='bensh')\n"
    )
    result = run(pytester)
    result.assert_outcomes(passed=1, errors=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*unknown key 'fundng'; did you mean 'funding'*", "*there is no scenario of this name*"]
    )


def test_a_test_without_a_mark_is_told_how_to_make_one(pytester: pytest.Pytester) -> None:
    """And not by a KeyError."""
    pytester.makepyfile("def test_night(drydock_run):\n    drydock_run()\n")
    run(pytester).stdout.fnmatch_lines(['*mark the test: @pytest.mark.scenario("name-or-file"*'])


def test_given_plans_fail_with_the_smallest(pytester: pytest.Pytester) -> None:
    """The fixture goes together with ``@given``, and the case that is saved is the one that Hypothesis ends with."""
    (pytester.path / "bad.yaml").write_text(BAD)
    pytester.makepyfile("""
import pytest
from hypothesis import given, settings
from drydock.harness.testing import fault_plans

@pytest.mark.scenario("bad.yaml")
@settings(max_examples=40, derandomize=True, database=None, deadline=None)
@given(plan=fault_plans("bad.yaml", faults=(1, 3)))
def test_nights(drydock_run, plan):
    drydock_run(plan)
""")
    result = run(pytester, f"--drydock-load={TOY}")
    result.assert_outcomes(failed=1)
    (file,) = (pytester.path / ".drydock" / "cases").glob("*.json")
    assert 1 == len(json.loads(file.read_text())["plan"])


def test_a_verdict_is_expected_and_told(pytester: pytest.Pytester) -> None:
    """GO by default; what was decided is in JUnit, and a failure has its reasons and the first case."""
    (pytester.path / "bad.yaml").write_text(BAD)
    pytester.makepyfile("""
import pytest

@pytest.mark.scenario("bad.yaml")
def test_gate(drydock_verdict):
    drydock_verdict()
""")
    result = run(pytester, "--drydock-runs=2", f"--drydock-load={TOY}", "--junitxml=out.xml")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["bad: NO-GO at *T1 broken*", "*again: drydock replay *"])
    assert "NO-GO" in (pytester.path / "out.xml").read_text()


# ---- known failures -------------------------------------------------------------------------------------------------
def test_a_known_failure_that_is_fixed_passes(pytester: pytest.Pytester) -> None:
    """It is a test of its own, below the root, and the header says that there is one."""
    regression(pytester.path)
    result = run(pytester, "-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["drydock: seed 1, corpus of 1", f"{CORPUS}/bench/11112222.json::F3* PASSED*"])


def test_a_known_failure_that_still_fails_is_told_as_a_story(pytester: pytest.Pytester) -> None:
    """How it came about, and the command."""
    regression(pytester.path)
    broken_bench(pytester.path)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "bench: F3@*: it fails as it did*",
            "*because: it was so",
            "How F3 came to be broken: *",
            f"again: drydock replay {CORPUS}*",
        ]
    )
    assert "pytest_items.py" not in result.stdout.str()


def test_a_known_failure_that_no_longer_applies_is_skipped(pytester: pytest.Pytester) -> None:
    """With the name that is gone."""
    regression(pytester.path, step="restart-all")
    result = run(pytester, "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*unknown step 'restart-all'*"])


def test_a_known_failure_of_a_fault_that_was_not_loaded_says_how_to_load_it(pytester: pytest.Pytester) -> None:
    """Or a forgotten option would look like a scenario that has changed."""
    file = regression(pytester.path)
    file.write_text(file.read_text().replace("slow_load", "own_slow_load"))
    result = run(pytester, "-rs")
    result.assert_outcomes(skipped=1)
    assert "one of your own must be loaded (--drydock-load FILE)" in " ".join(result.outlines)


def test_an_accepted_failure_is_expected(pytester: pytest.Pytester) -> None:
    """As in a verdict, until it expires."""
    regression(pytester.path)
    laws = ["F1", "F2", "F3", "F4", "F5", "M1", "M5"]
    risks = [{"law": law, "reason": "known", "owner": "ops", "expires": "2999-01-01"} for law in laws]
    broken_bench(pytester.path, accepted=risks)
    run(pytester).assert_outcomes(xfailed=1)
    for risk in risks:
        risk["expires"] = "2020-01-01"
    broken_bench(pytester.path, accepted=risks)
    run(pytester).assert_outcomes(failed=1)


def test_a_file_that_is_no_regression_is_an_error_of_its_own(pytester: pytest.Pytester) -> None:
    """Told by file and line."""
    regression(pytester.path).write_text('{"schema": "drydock.case/1"}')
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*11112222.json:1:*a regression has drydock.regression/1*"])


def test_one_test_file_alone_does_not_run_the_corpus(pytester: pytest.Pytester) -> None:
    """Whoever names what he wants gets that; testpaths, or no argument at all, include it; the option always does."""
    regression(pytester.path)
    broken = pytester.mkdir("elsewhere")
    regression(broken)
    folder = pytester.mkdir("tests")
    (folder / "test_it.py").write_text("def test_it(): ...\n")
    run(pytester, "tests/test_it.py").assert_outcomes(passed=1)
    run(pytester, "tests", f"--drydock-corpus=elsewhere/{CORPUS}").assert_outcomes(passed=2)
    pytester.makeini("[pytest]\ntestpaths = tests\n")
    run(pytester).assert_outcomes(passed=2)


# ---- settings -------------------------------------------------------------------------------------------------------
def test_a_project_without_drydock_sees_nothing_of_it(pytester: pytest.Pytester) -> None:
    """No line in its header."""
    pytester.makepyfile("def test_it(): ...\n")
    result = run(pytester)
    result.assert_outcomes(passed=1)
    assert "drydock:" not in result.stdout.str()


def test_options_have_twins_in_the_ini_file(pytester: pytest.Pytester) -> None:
    """Seed, files and folders; the command line wins."""
    pytester.makefile(".py", own_fault=FAULT)
    pytester.makeini("[pytest]\ndrydock_load = own_fault.py\ndrydock_seed = 5\ndrydock_cases = kept\n")
    pytester.makepyfile(f"""
import pytest
from drydock.harness import registry

@pytest.mark.scenario({BROKEN})
def test_night(drydock_run):
    own = registry.faults()["own_slow_load"]
    drydock_run([own(step="start-services", target="funding", mean_ms=20_000)])
""")
    result = run(pytester)
    result.stdout.fnmatch_lines(["drydock: seed 5, no corpus, loaded own_fault.py", "*seed 5*"])
    (again,) = [line for line in result.outlines if line.startswith("again: drydock replay kept/")]
    assert again.endswith("--load own_fault.py")
    run(pytester, "--drydock-seed=6").stdout.fnmatch_lines(["drydock: seed 6, *"])


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--drydock-load=missing.py", "*missing.py: is no Python file*"),
        ("--drydock-corpus=nowhere", "*--drydock-corpus: there is no folder *nowhere"),
        ("--drydock-seed=-1", "*invalid whole number, at least 0, value: '-1'"),
    ],
)
def test_a_wrong_option_is_bad_usage(pytester: pytest.Pytester, option: str, told: str) -> None:
    """Before anything is collected, and without a traceback."""
    result = run(pytester, option)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([told])


def test_a_wrong_value_of_the_ini_file_is_bad_usage(pytester: pytest.Pytester) -> None:
    """Told by its name."""
    pytester.makeini("[pytest]\ndrydock_runs = many\n")
    result = run(pytester)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["*drydock_runs: 'many' is no whole number, at least 1"])


def test_importing_the_plugin_is_cheap() -> None:
    """pytest loads it in every project: no numpy, no simpy, no hypothesis, nothing of a model."""
    program = "import sys, drydock.harness.pytest_plugin; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    names = set(done.stdout.split())
    ours = {"drydock", "drydock.harness", "drydock.harness.pytest_plugin"}
    assert ours == {name for name in names if name.startswith("drydock")}
    assert set() == names & {"numpy", "simpy", "hypothesis", "click", "rich", "jinja2"}
