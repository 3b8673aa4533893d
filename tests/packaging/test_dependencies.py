"""What an installation brings along is what the code imports: no more, and no less."""

from __future__ import annotations

import ast
import re
import sys
import tomllib

ROOMS = ("drydock", "harness", "models", "faults")


def test_the_dependencies_are_what_the_rooms_import(checkout):
    """Each declared run-time dependency is imported somewhere, and each imported library is declared."""
    imported = set()
    for path in (path for room in ROOMS for path in (checkout / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0])
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {import_name(line) for line in project["dependencies"]}
    optional = {import_name(line) for extra in project["optional-dependencies"].values() for line in extra}
    assert declared == imported - sys.stdlib_module_names - {"drydock"} - (optional - declared)


def import_name(requirement: str) -> str:
    """``ruamel`` of ``ruamel.yaml>=0.18``."""
    return re.split(r"[^\w-]", requirement)[0]
