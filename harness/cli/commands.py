"""The commands by name. ``--help`` reads this table and imports no command: it answers in a tenth of a second."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, NamedTuple

import click

from drydock.harness.cli import exits
from drydock.harness.mistakes import did_you_mean


class Entry(NamedTuple):
    """One command: its name, the module whose ``command`` it is, and its line in ``--help``."""

    name: str
    module: str
    sentence: str


COMMANDS = (
    Entry("gonogo", "drydock.harness.cli.gonogo", "Rehearse a maintenance many times and decide: GO or NO-GO."),
    Entry("run", "drydock.harness.cli.run", "One run, told as a timeline."),
    Entry("replay", "drydock.harness.cli.replay", "A saved case again: is it fixed?"),
    Entry("explore", "drydock.harness.cli.explore", "Search for ways to break it, and shrink each to the smallest."),
    Entry("catalogue", "drydock.harness.cli.catalogue", "What there is: faults, laws, scenarios, safeguards, steps."),
    Entry("new", "drydock.harness.cli.new", "Write a fault, a law or a scenario of your own to begin with."),
    Entry("schema", "drydock.harness.cli.schema", "The JSON Schema of a scenario file, for editors."),
    Entry("doctor", "drydock.harness.cli.doctor", "This machine, and a proof that runs are deterministic on it."),
)
_BY_NAME = {entry.name: entry for entry in COMMANDS}


class LazyGroup(click.Group):
    """A group that imports a command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table: what a newcomer needs first comes first."""
        return [entry.name for entry in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the module of the command; None for a name that is not in the table."""
        entry = _BY_NAME.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = import_module(entry.module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Names what exists, and the nearest, where there is no such command."""
        name = args[0]
        if name not in _BY_NAME and not name.startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"there is no command '{name}'; {did_you_mean(name, _BY_NAME)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, and below it the exit codes."""
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.sentence) for entry in COMMANDS])
        with formatter.section("Exit codes"):
            formatter.write_dl(list(exits.MEANINGS))


def complete() -> int:
    """Answers the shell's completion request that the environment carries."""
    from click.shell_completion import shell_complete

    return shell_complete(drydock, {}, "drydock", "_DRYDOCK_COMPLETE", os.environ["_DRYDOCK_COMPLETE"])


def _print_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from drydock import __version__

        click.echo(f"drydock {__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Say which.")
def drydock(**_: Any) -> None:
    """Rehearse a trading venue's maintenance before its operators do it once.

    \b
    Start here:
      drydock catalogue scenarios        which nights are there
      drydock gonogo NAME-OR-FILE        may we do this tonight?
      drydock run NAME-OR-FILE           what happens, told as a timeline
    """
