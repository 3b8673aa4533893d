"""The pytest plugin: scenarios as marks, nights and verdicts as fixtures, known failures as test items.

pytest loads this in every project where Drydock is installed, so it imports nothing but pytest; the rest comes with
the first test that asks for it. What tests use without fixtures is in :mod:`drydock.harness.testing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from drydock.harness.port import Case, Fault, Scenario
    from drydock.harness.pytest_nights import Wishes
    from drydock.harness.result import Verdict
    from drydock.harness.sim import Ties
    from drydock.harness.testing import Night

CORPUS = "drydock-corpus"
_INI = (
    ("seed", "string", "the seed of nights and verdicts; default 1"),
    ("runs", "string", "runs of drydock_verdict, of reported plan and sweep each; default: what the policy says"),
    ("load", "paths", "files with your own faults or laws"),
    ("corpus", "string", f"the folder of known failures; default {CORPUS} below the root"),
    ("cases", "string", "where cases of failing tests are saved; default .drydock/cases"),
)
_COUNTS = {"seed": 0, "runs": 1}
_wishes = pytest.StashKey["Wishes"]()
_current = pytest.StashKey[pytest.Item]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option group, and each option's twin in the ini file: ``--drydock-seed`` is ``drydock_seed``."""
    group = parser.getgroup("drydock", "rehearsed maintenance")
    group.addoption("--drydock-seed", type=_count_from(_COUNTS["seed"]), metavar="S", help=_INI[0][2])
    group.addoption("--drydock-runs", type=_count_from(_COUNTS["runs"]), metavar="N", help=_INI[1][2])
    group.addoption("--drydock-load", action="append", default=[], metavar="FILE", help=f"{_INI[2][2]}; repeatable")
    group.addoption("--drydock-corpus", metavar="DIR", help=f"{_INI[3][2]}; given here, it is always run")
    group.addoption("--drydock-cases", metavar="DIR", help=_INI[4][2])
    for name, kind, told in _INI:
        parser.addini(f"drydock_{name}", told, type=kind, default=[] if kind == "paths" else None)  # type: ignore[arg-type]


def _count_from(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise ValueError(text)
        return int(text)

    number.__name__ = f"whole number, at least {least},"
    return number


def pytest_configure(config: pytest.Config) -> None:
    """Registers the mark, loads the user's files, and adds the corpus to what is collected."""
    config.addinivalue_line("markers", 'scenario(name_or_file, "path=value", ...): the night that a test is about')
    for name, least in _COUNTS.items():
        _count(config, name, least)
    if loads := _loads(config):
        _load(loads)
    corpus = _corpus(config)
    is_asked = config.getoption("drydock_corpus") is not None
    if is_asked and not corpus.is_dir():
        raise pytest.UsageError(f"--drydock-corpus: there is no folder {corpus}")
    is_whole = config.args_source is not pytest.Config.ArgsSource.ARGS and _invoked(config) == config.rootpath
    if corpus.is_dir() and (is_asked or is_whole) and not _is_below(corpus, config):
        config.args = [*config.args, str(corpus)]


def _loads(config: pytest.Config) -> list[Path]:
    """The user's files: those of the ini file below its folder, those of the command line below the current one."""
    given = [_invoked(config) / file for file in config.getoption("drydock_load")]
    return [*config.getini("drydock_load"), *given]


def _load(files: Sequence[Path]) -> None:
    from drydock.harness.mistakes import BadFile
    from drydock.harness.registry import load

    for file in files:
        try:
            load(file)
        except BadFile as bad:
            raise pytest.UsageError(str(bad)) from None


def _is_below(folder: Path, config: pytest.Config) -> bool:
    """Whether one of the arguments is collected with this folder in it."""
    roots = [(_invoked(config) / argument.partition("::")[0]).resolve() for argument in config.args]
    return any(folder.resolve().is_relative_to(root) for root in roots)


def _invoked(config: pytest.Config) -> Path:
    return Path(config.invocation_params.dir)


def _setting(config: pytest.Config, name: str) -> str | None:
    """The option's value, or that of its twin."""
    given = config.getoption(f"drydock_{name}")
    return str(given) if given is not None else config.getini(f"drydock_{name}") or None


def _count(config: pytest.Config, name: str, least: int) -> int | None:
    """A setting that is a number; bad usage where it is none."""
    text = _setting(config, name)
    try:
        return None if text is None else _count_from(least)(text)
    except ValueError:
        raise pytest.UsageError(f"drydock_{name}: '{text}' is no whole number, at least {least}") from None


def _folder(config: pytest.Config, name: str, default: str) -> Path:
    """From the command line below the current folder, from the ini file below the root."""
    given = config.getoption(f"drydock_{name}")
    if given is not None:
        return _invoked(config) / str(given)
    return config.rootpath / (config.getini(f"drydock_{name}") or default)


def _corpus(config: pytest.Config) -> Path:
    return _folder(config, "corpus", CORPUS)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Nothing in a project that has nothing of Drydock."""
    loads = _loads(config)
    known = sorted(_corpus(config).glob("*/*.json"))
    names = [name for name, kind, _ in _INI if kind != "paths"]
    if not known and not loads and all(_setting(config, name) is None for name in names):
        return None
    told = [f"seed {_setting(config, 'seed') or 1}", f"corpus of {len(known)}" if known else "no corpus"]
    return ", ".join([f"drydock: {told[0]}", told[1], *(f"loaded {file.name}" for file in loads)])


# ---- items ----------------------------------------------------------------------------------------------------------
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """``drydock-corpus/<scenario>/<id>.json``, or the same below ``--drydock-corpus``."""
    folder = file_path.parent.parent
    if file_path.suffix != ".json" or not (folder.name == CORPUS or folder == _corpus(parent.config).resolve()):
        return None
    from drydock.harness.pytest_items import RegressionFile

    collected: pytest.Collector = RegressionFile.from_parent(parent, path=file_path)
    return collected


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Which test is at work: nights are noted to it, whoever plays them."""
    item.config.stash[_current] = item
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Says in JUnit what was played, and in the failure how to play it again."""
    is_told = call.when == "call" or (call.when == "setup" and call.excinfo is not None)
    wishes = item.stash.get(_wishes, None) if is_told else None
    if wishes is None:
        return (yield)
    has_failed = call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception)
    lines = wishes.lines(has_failed=has_failed)
    item.user_properties.extend(wishes.properties)
    report: Any = yield
    if report.failed and lines:
        report.sections.append(("Drydock", "\n".join(lines)))
    return report  # type: ignore[no-any-return]


# ---- fixtures -------------------------------------------------------------------------------------------------------
def wishes_of(item: pytest.Item) -> Wishes:
    """What a test wishes for: its mark and the options; and the note of what it played."""
    from drydock.harness.pytest_nights import Wishes, shown

    if _wishes not in item.stash:
        config = item.config
        mark = item.get_closest_marker("scenario")
        item.stash[_wishes] = Wishes(
            marked=tuple(map(str, mark.args)) if mark else (),
            folders=(item.path.parent, config.rootpath, _invoked(config)),
            seed=1 if (seed := _count(config, "seed", _COUNTS["seed"])) is None else seed,
            runs=_count(config, "runs", _COUNTS["runs"]),
            cases=_folder(config, "cases", ".drydock/cases"),
            loads=tuple(map(shown, _loads(config))),
        )
    return item.stash[_wishes]


@pytest.fixture
def drydock_scenario(request: pytest.FixtureRequest) -> Scenario:
    """The scenario that ``@pytest.mark.scenario("name-or-file", "path=value", ...)`` names."""
    return wishes_of(request.node).scenario()


@pytest.fixture(scope="session")
def drydock_run(request: pytest.FixtureRequest) -> Callable[..., Night]:
    """Plays one night: ``drydock_run(plan)`` of the marked scenario, or ``drydock_run(case)``.

    It fails where a law that decides is broken, unless ``check=False``. It goes together with ``@given``.
    """

    def run(
        plan: Case | Sequence[Fault] | None = None,
        *,
        scenario: Scenario | str | None = None,
        seed: int | None = None,
        regime: str | None = None,
        ties: Ties | None = None,
        laws: Sequence[str] = (),
        check: bool = True,
    ) -> Night:
        __tracebackhide__ = True
        wishes = wishes_of(request.config.stash[_current])
        return wishes.play(plan, scenario, seed=seed, regime=regime, ties=ties, laws=laws, check=check)

    return run


@pytest.fixture(scope="session")
def drydock_verdict(request: pytest.FixtureRequest) -> Callable[..., Verdict]:
    """Rehearses the marked scenario: ``drydock_verdict(runs=40)``; it fails unless the decision is ``expect``."""

    def verdict(
        *,
        scenario: Scenario | str | None = None,
        runs: int | None = None,
        level: str | None = None,
        seed: int | None = None,
        workers: int = 1,
        today: str | None = None,
        expect: str | None = "GO",
    ) -> Verdict:
        __tracebackhide__ = True
        wishes = wishes_of(request.config.stash[_current])
        return wishes.rehearse(scenario, runs=runs, level=level, seed=seed, workers=workers, today=today, expect=expect)

    return verdict
