"""``drydock schema``: the JSON Schema of a scenario file."""

from __future__ import annotations

import json
import sys

import click

from drydock.harness.cli.options import Common, common, write_text

KINDS = ("scenario",)


@click.command(name="schema")
@click.argument("kind", default="scenario", metavar="[KIND]")
@click.option("--kit", "kit_name", metavar="NAME", help="Of which model; default the packaged one.")
@common
def command(kind: str, kit_name: str | None, common: Common) -> int:
    """The JSON Schema of a KIND of file; scenario is the one there is.

    An editor that finds `# yaml-language-server: $schema=scenario.schema.json` in the first line of a scenario
    completes it and underlines mistakes.
    """
    from drydock.harness import registry
    from drydock.harness.mistakes import did_you_mean

    common.load_code()
    if kind not in KINDS:
        raise click.UsageError(f"there is no schema of '{kind}'; {did_you_mean(kind, KINDS)}")
    name = kit_name or registry.DEFAULT_KIT
    if name not in registry.kit_names():
        raise click.UsageError(f"there is no kit '{name}'; {did_you_mean(name, registry.kit_names())}")
    text = json.dumps(registry.kit(name).schema(), indent=2) + "\n"
    if common.json_to is None:
        sys.stdout.write(text)
    else:
        write_text(common.json_to, text)
    return 0
