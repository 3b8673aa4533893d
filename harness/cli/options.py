"""What every command takes, and where its answer goes."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from drydock.harness.mistakes import BadFile, Mistake, Mistakes
from drydock.harness.private_file import put_text

if TYPE_CHECKING:
    from rich.console import Console

    from drydock.harness.port import Kit, Plain, Scenario

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT_SEED = 1


@dataclass(frozen=True, slots=True)
class Common:
    """The options that every command takes. ``verbosity`` is -1 with ``-q``, and counts ``-v``."""

    json_to: str | None
    load: tuple[str, ...]
    sets: tuple[str, ...]
    seed: int | None
    verbosity: int

    @property
    def is_json_only(self) -> bool:
        """Whether stdout belongs to JSON alone."""
        return self.json_to == "-"

    @property
    def first_seed(self) -> int:
        """The seed, 1 if none was given: two people who type the same see the same."""
        return DEFAULT_SEED if self.seed is None else self.seed

    def load_code(self) -> None:
        """Loads the user's own faults: by ``--load`` and only so."""
        from drydock.harness.registry import load

        for path in self.load:
            load(path)

    def scenario(self, reference: str) -> tuple[Scenario, Kit]:
        """The scenario of a name or a file, with ``--set`` over it, and its kit. Raises ``BadFile``."""
        from drydock.harness.registry import kit
        from drydock.harness.scenario import load_scenario

        self.load_code()
        scenario = load_scenario(reference, self.sets)
        return scenario, kit(scenario.kit)

    def answer(self, plain: Callable[[], Plain], tell: Callable[[Console], None], *, is_private: bool = False) -> None:
        """Writes the answer: as JSON where ``--json`` asks for it, and as text unless stdout belongs to JSON."""
        try:
            if self.json_to is not None:
                write_text(self.json_to, json.dumps(plain(), indent=2) + "\n", is_private=is_private)
        finally:  # a full disk must not swallow a verdict
            if not self.is_json_only:
                from drydock.harness.report.console import console_for

                tell(console_for(sys.stdout))


def common(command: F) -> F:
    """Decorator: adds the common options and hands them over as one ``common`` argument."""

    @functools.wraps(command)
    def with_common(
        *args: Any,
        json_to: str | None,
        load: tuple[str, ...],
        sets: tuple[str, ...],
        seed: int | None,
        quiet: bool,
        verbose: int,
        **kwargs: Any,
    ) -> Any:
        if quiet and verbose:
            raise click.UsageError("-q and -v contradict each other")
        return command(*args, common=Common(json_to, load, sets, seed, -1 if quiet else verbose), **kwargs)

    for option in reversed(_OPTIONS):
        with_common = option(with_common)
    return with_common  # type: ignore[return-value]


report_option = click.option("--report", metavar="FILE", help="Write one HTML page to look at; it loads nothing.")
"""Of every command that has a run to show."""

_OPTIONS = (
    click.option("--json", "json_to", metavar="FILE|-", help="Write the answer as JSON; - is stdout, for JSON alone."),
    click.option("--load", multiple=True, metavar="FILE", help="Load your own faults or laws (Python). Repeatable."),
    click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="Replace a value in the file. Repeatable."),
    click.option("--seed", type=click.IntRange(min=0), metavar="S", help=f"The seed; default {DEFAULT_SEED}."),
    click.option("-q", "--quiet", is_flag=True, help="One line, no progress."),
    click.option("-v", "--verbose", count=True, help="More tables; of a failure, the traceback."),
)


def duration_ms(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Option callback: ``90s``, ``15m``, ``250ms`` as whole milliseconds, not negative.

    A bare number has no unit here and is refused: 30 may be meant as minutes.
    """
    from drydock.harness.units import BadQuantity, parse_quantity

    if value is None:
        return None
    allowed = "allowed: a duration with its unit, such as 250ms, 90s, 1h30m"
    try:
        length_ms = parse_quantity(value, "ms")
    except BadQuantity:
        raise click.BadParameter(f"'{value}' cannot be read; {allowed}", ctx, param) from None
    if length_ms < 0:
        raise click.BadParameter(f"'{value}' is negative; {allowed}", ctx, param)
    return length_ms


def default_scenario(preferred: str = "") -> str:
    """The preferred packaged scenario if there is one, else the first. ``UsageError`` where no kit offers any."""
    from drydock.harness.scenario import packaged_scenarios

    known = packaged_scenarios()
    if not known:
        raise click.UsageError("no kit offers a scenario; name one with --scenario FILE")
    return preferred if preferred in known else next(iter(known))


def cores() -> int:
    """The cores that this process may use; in a container fewer than the machine has."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def write_text(target: str, text: str, *, is_private: bool = False) -> None:
    """Writes to a file, or to stdout for ``-``. Raises ``BadFile`` where the file cannot be written.

    What is made of customer data is ``is_private``: only its owner may read it.
    """
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        put_text(target, text, is_private=is_private)
    except OSError as error:
        raise BadFile([Mistake(target, f"cannot be written: {error.strerror or error}")]) from None


def say_if_nothing_is_refunded(target: str, scenario: Scenario) -> None:
    """An empty file may mean that nobody was harmed, or that nobody decided what to refund: the second is told."""
    if not scenario.policy.refunds:
        click.echo(f"{target}: the policy of {scenario.name} refunds no kind of harm; no line is of it", err=True)


def check_targets(common: Common, **targets: str | None) -> None:
    """Fails before the work and not after it. ``BadFile`` for a target that cannot be a file; all of them together.

    ``targets`` are the files that other options name, by the option's name.
    """
    mistakes = Mistakes()
    for option, target in targets.items():
        if target == "-":
            mistakes.add(f"--{option} -", "takes a file; stdout belongs to the text or to JSON")
    for target in (*targets.values(), common.json_to):
        if target and not Path(target).parent.is_dir():
            mistakes.add(target, f"cannot be written: there is no folder {Path(target).parent}")
    mistakes.raise_if_any()
