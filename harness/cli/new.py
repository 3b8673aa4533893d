"""``drydock new``: a fault, a law or a scenario of one's own, commented, and working as it is written."""

from __future__ import annotations

import keyword
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drydock.harness.cli.options import Common, common

if TYPE_CHECKING:
    from rich.console import Console

    from drydock.harness.port import Plain

NOUNS = ("fault", "law", "scenario")
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@click.command(name="new")
@click.argument("noun", metavar="fault|law|scenario")
@click.argument("name", metavar="NAME")
@click.option("--out", metavar="DIR", default=".", help="The folder that it goes to; default: the current one.")
@click.option("--kit", "kit_name", metavar="NAME", help="Of which model; default the packaged one.")
@common
def command(noun: str, name: str, out: str, kit_name: str | None, common: Common) -> int:
    """Writes NAME.py or NAME.yaml, which works at once, and whose comments say what to change.

    NAME is in snake_case: cold_cache, no_free_money, my_upgrade. Nothing is overwritten.
    """
    common.load_code()
    template = _template(noun, kit_name)
    _check_name(noun, name)
    file = Path(out) / f"{name}{template.suffix}"
    _write(file, written(template, name))
    then = _then(noun, name, file)

    def plain() -> Plain:
        return {"schema": "drydock.new/1", "file": str(file), "then": then}

    def tell(console: Console) -> None:
        if common.verbosity < 0:
            click.echo(file)
            return
        click.echo(f"{file} is written, and works as it stands; its comments say what to change. Then:")
        click.echo("\n".join(f"  {line}" for line in then))

    common.answer(plain, tell)
    return 0


def written(template: Path, name: str) -> str:
    """The template's text under another name: ``my_fault`` becomes ``cold_cache``, ``MyFault`` ``ColdCache``."""
    old = template.stem
    text = template.read_text(encoding="utf-8")
    return text.replace(old, name).replace(_camel(old), _camel(name))


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _template(noun: str, kit_name: str | None) -> Path:
    from drydock.harness import registry
    from drydock.harness.mistakes import did_you_mean

    if noun not in NOUNS:
        raise click.UsageError(f"there is no '{noun}' to begin; {did_you_mean(noun, NOUNS)}")
    name = kit_name or registry.DEFAULT_KIT
    if name not in registry.kit_names():
        raise click.UsageError(f"there is no kit '{name}'; {did_you_mean(name, registry.kit_names())}")
    there = registry.kit(name).templates()
    if noun not in there:
        raise click.UsageError(f"kit {name} has no {noun} to begin with; it has: {', '.join(there) or 'none'}")
    return Path(there[noun])


def _check_name(noun: str, name: str) -> None:
    """A name becomes that of a file, a kind and a class. One that exists would be refused when it is loaded."""
    from drydock.harness import registry
    from drydock.harness.scenario import packaged_scenarios

    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        near = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
        hint = f"; did you mean {near}?" if _NAME.fullmatch(near) and not keyword.iskeyword(near) else ""
        raise click.UsageError(f"'{name}' is no name; allowed is snake_case, such as cold_cache{hint}")
    if noun == "fault" and name in registry.faults():
        raise click.UsageError(f"there is a fault '{name}' already: drydock catalogue faults {name}")
    if noun == "scenario" and name in packaged_scenarios():
        raise click.UsageError(f"there is a packaged scenario '{name}' already; choose another name")


def _write(file: Path, text: str) -> None:
    from drydock.harness.mistakes import BadFile, Mistake

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as to:
            to.write(text)
    except FileExistsError:
        raise BadFile([Mistake(str(file), "is there already, and is left as it is; choose another name")]) from None
    except OSError as error:
        raise BadFile([Mistake(str(file), f"cannot be written: {error.strerror or error}")]) from None


def _then(noun: str, name: str, file: Path) -> list[str]:
    path = shlex.quote(str(file) if len(file.parts) > 1 or noun != "scenario" else f"./{file}")
    if noun == "scenario":
        return [f"drydock run {path}", f"drydock gonogo {path}"]
    lines = [f"drydock catalogue {noun}s {name} --load {path}"]
    return lines + (
        [f"drydock explore bench --kind {name} --load {path}"]
        if noun == "fault"
        else [f"drydock run bench --load {path}"]
    )
