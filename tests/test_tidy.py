"""The code tests itself: rules that a reader would otherwise have to remember, each with what to do instead.

Every check is a function from a parsed file to messages, and every check is shown to fail on a planted snippet.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import pytest

from drydock.harness.seam import Passage

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("harness", "models", "faults", "tests")  # imports point left only
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50


class Source(NamedTuple):
    """One parsed Python file; ``room`` is the first folder of its path."""

    path: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """``harness``, ``models``, ``faults``, ``tests``, or another top folder."""
        return self.path.split("/")[0]


Check = Callable[[Source], Iterator[str]]


def read(path: Path, root: Path) -> Source:
    """Parses one file; its path is kept relative to ``root``."""
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(root).as_posix(), text, ast.parse(text))


def python_files(root: Path = ROOT) -> list[Path]:
    """Every Python file of the project, sorted; nothing of environments and caches."""
    folders = (*ROOMS, "drydock", "scripts", "benchmarks")
    found = [path for folder in folders for path in (root / folder).rglob("*.py") if "__pycache__" not in path.parts]
    return sorted([*found, root / "conftest.py"])


# ---- direction ------------------------------------------------------------------------------------------------------
INSTEAD = {
    "harness": "the harness knows no venue: ask for it through the port (harness/port.py), which a kit fulfils",
    "models": "a model names the seams at which it can be bent; what bends them belongs to faults/, proof to tests/",
    "faults": "proof belongs to tests/; what a fault shares with a test belongs to the fault",
}
MODULE_TEXT = re.compile(r"(?:drydock\.)?(harness|models|faults|tests)(?:\.\w+)+")


def imported_modules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of each import, and of each text that could be handed to ``import_module``.

    A text ``module:attribute`` is an entry point, the way in that the port allows.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module or ''}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("drydock."):
            yield node.lineno, node.value


def imports_point_left(source: Source) -> Iterator[str]:
    """harness <- models <- faults <- tests, without exception."""
    if source.room not in INSTEAD:
        return
    to_the_right = ROOMS[ROOMS.index(source.room) + 1 :]
    for line, name in imported_modules(source.tree):
        match = MODULE_TEXT.fullmatch(name)
        if match and match[1] in to_the_right:
            yield f"{source.path}:{line}: {source.room}/ must not import {name}; {INSTEAD[source.room]}"


# ---- what a trace is made of ----------------------------------------------------------------------------------------
STREAM = "draw raw words from a named stream, sim.rng(name)"
INTEGER = "use integers in quantums or ppm: mul_div, //, integer tables (floats differ between processors)"
MATH_ALLOWED = frozenset({"comb", "factorial", "gcd", "isqrt", "lcm", "perm", "prod"})
NUMPY_BANNED = frozenset(
    "average cbrt corrcoef cos cov cumprod divide dot double einsum exp exp2 expm1 float16 float32 float64 inner linalg"
    " linspace log log10 log1p log2 matmul matvec mean median nanmean outer percentile power quantile sin sqrt std"
    " tensordot true_divide var vdot vecdot".split()
)
MODULES_BANNED = {
    "random": STREAM,
    "secrets": STREAM,
    "numpy.random": STREAM,
    "uuid": "name things by lane and number: an event's identity",
    "time": "a run has no wall clock: virtual time is sim.now_ms",
    "datetime": "a run has no wall clock: virtual time is sim.now_ms, and the date is an input of the harness",
    "threading": "nothing runs in parallel inside a run: spawn a process on a lane, sim.spawn(lane, steps)",
    "asyncio": "nothing runs in parallel inside a run: spawn a process on a lane, sim.spawn(lane, steps)",
    "cmath": INTEGER,
    "statistics": INTEGER,
}
CALLS_BANNED = {
    "float": INTEGER,
    "id": "memory addresses differ from run to run: order and key by name or number",
    "hash": "hashes of texts differ from process to process: order by name, or derive_seed(seed, name)",
}


def aliases(tree: ast.Module) -> dict[str, str]:
    """Local name -> dotted name, for everything imported anywhere in the file."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                known[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            known.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return known


def dotted(node: ast.AST, known: dict[str, str]) -> str:
    """The full name of ``np.linalg.cholesky`` or ``sqrt``; empty where it is no imported name."""
    if isinstance(node, ast.Name):
        return known.get(node.id, "")
    if isinstance(node, ast.Attribute):
        base = dotted(node.value, known)
        return f"{base}.{node.attr}" if base else ""
    return ""


def replacement(name: str) -> str | None:
    """What to use instead of this library name; None where it is welcome."""
    for module, instead in MODULES_BANNED.items():
        if name == module or name.startswith(f"{module}."):
            return instead
    room, _, rest = name.partition(".")
    first = rest.split(".")[0]
    if (room == "math" and first and first not in MATH_ALLOWED) or (room == "numpy" and first in NUMPY_BANNED):
        return INTEGER
    return None


def is_exact_or_path(node: ast.BinOp) -> bool:
    """Whether this ``/`` joins paths (``folder / "markets.csv"``) or divides exactly (``Decimal(1) / scale``)."""
    sides = (node.left, node.right)
    has_text = any(isinstance(side, ast.JoinedStr) or isinstance(getattr(side, "value", None), str) for side in sides)
    return has_text or any(ast.unparse(side).startswith(("Decimal(", "Fraction(", "Path(")) for side in sides)


def banned_use(node: ast.AST, known: dict[str, str]) -> tuple[str, str] | None:
    """(what is wrong, what to use instead) of one node."""
    match node:
        case ast.Name() | ast.Attribute():
            name = dotted(node, known)
            instead = replacement(name)
            return (name, instead) if instead else None
        case ast.Call(func=ast.Name(id=name)) if name in CALLS_BANNED and name not in known:
            return f"{name}()", CALLS_BANNED[name]
        case ast.BinOp(op=ast.MatMult()) | ast.AugAssign(op=ast.MatMult()):
            return "the operator @", INTEGER
        case ast.BinOp(op=ast.Div()) if not is_exact_or_path(node):
            return "the operator /", f"{INTEGER}; at the boundary Decimal(a) / b, for paths folder.joinpath(name)"
        case ast.AugAssign(op=ast.Div()):
            return "the operator /=", INTEGER
        case ast.Constant(value=float() | complex()):
            return f"the float {node.value}", INTEGER
    return None


REAL_TIME = frozenset(
    f"models/postgres/{name}.py"
    for name in (
        *"choice cluster commit_proxy container engine host owner places".split(),
        *"pool process proxy server template url wal_gate".split(),
    )
)
"""What runs real servers waits for them, in seconds. What they answer enters a trace by sql.py and build.py alone."""


def only_integers_enter_a_trace(source: Source) -> Iterator[str]:
    """No float arithmetic, no chance but the streams, no clock, no addresses in models/ and faults/."""
    if source.room not in ("models", "faults") or source.path in REAL_TIME:
        return
    known = aliases(source.tree)
    for line, name in imported_modules(source.tree):
        module = name.rpartition(".")[0] if replacement(name.rpartition(".")[0]) else name
        if instead := replacement(module):
            yield f"{source.path}:{line}: imports {module}; {instead}"
    for node in ast.walk(source.tree):
        if found := banned_use(node, known):
            yield f"{source.path}:{node.lineno}: {found[0]}; {found[1]}"  # type: ignore[attr-defined]


# ---- corruption emerges ---------------------------------------------------------------------------------------------
BENDABLE = frozenset(field.name for field in fields(Passage)) - {"entities", "label"}
"""What of a passage a fault may change: timing, freshness, loss, copies, answers, what comes from outside, policy."""
STATE_FIELDS = frozenset(
    "cached height holdings index index_ms l1 mark present price_ms quote rates realised slots spot transfers values"
    " version".split()
)
EMERGES = "a fault bends a seam and never touches what the venue owns; if it will not emerge, the model lacks a part"


def written_attributes(tree: ast.Module) -> Iterator[ast.Attribute]:
    """Every attribute that is assigned, deleted, or assigned through (``a.b[0] = 1``)."""
    for node in ast.walk(tree):
        if not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
            continue
        while isinstance(node, ast.Subscript):
            node = node.value
        if isinstance(node, ast.Attribute):
            yield node


def faults_write_no_state(source: Source) -> Iterator[str]:
    """No file in faults/ assigns to, or names, what a World owns."""
    if source.room != "faults":
        return
    for node in written_attributes(source.tree):
        is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
        if not is_own and node.attr not in BENDABLE:
            yield f"{source.path}:{node.lineno}: assigns to .{node.attr}; {EMERGES}"
    calls = [node for node in ast.walk(source.tree) if isinstance(node, ast.Call)]
    for call in calls:
        if ast.unparse(call.func).split(".")[-1] in ("setattr", "__setattr__"):
            yield f"{source.path}:{call.lineno}: calls setattr; {EMERGES}"
    methods = [call.func for call in calls]  # the state is arrays and records: mapping.values() is none of it
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in STATE_FIELDS and node not in methods:
            yield f"{source.path}:{node.lineno}: names .{node.attr} of the World's state; {EMERGES}"


# ---- form -----------------------------------------------------------------------------------------------------------
def files_and_functions_are_short(source: Source) -> Iterator[str]:
    """A file fits in a head, a function on a screen."""
    lines = source.text.count("\n")
    if lines > FILE_LINES_MAX:
        yield f"{source.path}:1: {lines} lines, at most {FILE_LINES_MAX}: split it along what its sections are about"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                yield (
                    f"{source.path}:{node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES_MAX}:"
                    " name its parts and call them"
                )


def public_things_are_documented(source: Source) -> Iterator[str]:
    """Modules, public classes and functions, and every test say in words what holds."""
    if not source.text.strip():
        return
    for node in (source.tree, *source.tree.body):
        if not isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        name = getattr(node, "name", "the module")
        if source.room == "tests" and not name.startswith(("test_", "the ")):
            continue  # helpers of a test: small enough to be read
        if not name.startswith("_") and not ast.get_docstring(node):
            yield f"{source.path}:{getattr(node, 'lineno', 1)}: {name} has no docstring: say what holds, in which unit"


CHECKS: tuple[Check, ...] = (
    imports_point_left,
    only_integers_enter_a_trace,
    faults_write_no_state,
    files_and_functions_are_short,
    public_things_are_documented,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_code_keeps_its_rules(check: Check) -> None:
    """No file of the project breaks this rule."""
    messages = [message for path in python_files() for message in check(read(path, ROOT))]
    assert [] == messages, "\n" + "\n".join(messages)


PLANTED = [
    (imports_point_left, "harness/a.py", "from drydock.models.kit import VenueKit", "through the port"),
    (imports_point_left, "harness/a.py", "import drydock.faults.crash", "through the port"),
    (imports_point_left, "harness/a.py", "from drydock import models\nimport models.kit", "through the port"),
    (imports_point_left, "harness/a.py", "KIT = 'drydock.models.kit'", "through the port"),
    (imports_point_left, "models/a.py", "def f():\n    from drydock.faults.crash import Crash", "names the seams"),
    (imports_point_left, "faults/a.py", "from tests.toy import Toy", "proof belongs to tests"),
    (only_integers_enter_a_trace, "models/a.py", "import math\nmath.exp(1)", "math.exp; use integers"),
    (only_integers_enter_a_trace, "models/a.py", "from math import sqrt as r\nr(2)", "math.sqrt; use integers"),
    (only_integers_enter_a_trace, "models/a.py", "import numpy as np\nnp.log(2)", "numpy.log; use integers"),
    (only_integers_enter_a_trace, "models/a.py", "import numpy as np\nnp.linalg.cholesky(a)", "numpy.linalg"),
    (only_integers_enter_a_trace, "models/a.py", "import numpy as np\nnp.random.default_rng()", "named stream"),
    (only_integers_enter_a_trace, "faults/a.py", "from numpy.random import default_rng", "named stream"),
    (only_integers_enter_a_trace, "models/a.py", "c = a @ b", "operator @"),
    (only_integers_enter_a_trace, "models/a.py", "c = a / b", "operator /"),
    (only_integers_enter_a_trace, "models/a.py", "a /= b", "operator /="),
    (only_integers_enter_a_trace, "faults/a.py", "c = 2 * 0.5", "the float 0.5"),
    (only_integers_enter_a_trace, "models/a.py", "float('1')", "float(); use integers"),
    (only_integers_enter_a_trace, "models/a.py", "import random", "named stream"),
    (only_integers_enter_a_trace, "models/a.py", "import time", "sim.now_ms"),
    (only_integers_enter_a_trace, "models/a.py", "from datetime import date", "the date is an input"),
    (only_integers_enter_a_trace, "models/a.py", "sorted(a, key=lambda b: id(b))", "memory addresses"),
    (only_integers_enter_a_trace, "models/a.py", "hash('a')", "derive_seed"),
    (only_integers_enter_a_trace, "models/postgres/build.py", "import time", "sim.now_ms"),
    (faults_write_no_state, "faults/a.py", "world.clock = 1", "assigns to .clock"),
    (faults_write_no_state, "faults/a.py", "world.book.cash[3] += 1", "assigns to .cash"),
    (faults_write_no_state, "faults/a.py", "del world.book", "assigns to .book"),
    (faults_write_no_state, "faults/a.py", "setattr(world, 'x', 1)", "calls setattr"),
    (faults_write_no_state, "faults/a.py", "print(world.chain.holdings)", "names .holdings"),
    (files_and_functions_are_short, "models/a.py", "a = 1\n" * (FILE_LINES_MAX + 1), "split it"),
    (files_and_functions_are_short, "models/a.py", "def f():\n" + "    a = 1\n" * FUNCTION_LINES_MAX, "name its parts"),
    (public_things_are_documented, "models/a.py", "'''Words.'''\ndef f():\n    return 1", "f has no docstring"),
    (public_things_are_documented, "models/a.py", "'''Words.'''\nclass C:\n    a = 1", "C has no docstring"),
    (public_things_are_documented, "tests/test_a.py", "a = 1", "the module has no docstring"),
]


@pytest.mark.parametrize(("check", "path", "snippet", "words"), PLANTED)
def test_each_rule_can_be_broken(check: Check, path: str, snippet: str, words: str, tmp_path: Path) -> None:
    """A planted violation is found, at its place, and the message says what to do instead."""
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(snippet + "\n", encoding="utf-8")
    messages = list(check(read(file, tmp_path)))
    assert any(message.startswith(f"{path}:") and words in message for message in messages), messages


ALLOWED = [
    (
        imports_point_left,
        "faults/a.py",
        "from drydock.models.kit import VenueKit\nfrom drydock.harness.seam import Seam",
    ),
    (imports_point_left, "harness/a.py", "group = 'drydock.faults'\nkit = 'drydock.models.kit:VenueKit'"),
    (imports_point_left, "tests/a.py", "from drydock.faults.crash import Crash"),
    (
        only_integers_enter_a_trace,
        "models/a.py",
        "from math import isqrt\nfolder = here / 'data' / f'{name}.csv'\nisqrt(4)",
    ),
    (only_integers_enter_a_trace, "models/a.py", "import numpy as np\nnp.zeros(3, np.int64) // 2\nscenario.hash\nx.id"),
    (only_integers_enter_a_trace, "harness/a.py", "share = broken / runs"),
    (only_integers_enter_a_trace, "models/postgres/server.py", "import time\ntime.sleep(0.01)"),
    (
        faults_write_no_state,
        "faults/a.py",
        "passage.delay_ms[3] += 5\npassage.is_lost |= mask\nself.touched = 1\nranges.values()",
    ),
]


@pytest.mark.parametrize(("check", "path", "snippet"), ALLOWED)
def test_no_rule_hits_what_is_right(check: Check, path: str, snippet: str, tmp_path: Path) -> None:
    """The allowed form, which looks like the banned one, passes."""
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(snippet + "\n", encoding="utf-8")
    assert [] == list(check(read(file, tmp_path)))


def test_the_names_of_state_are_those_of_the_models() -> None:
    """Every name that faults must not touch is still a field that some part of a model owns."""
    trees = [read(path, ROOT).tree for path in python_files() if path.is_relative_to(ROOT / "models")]
    fields = {node.attr for tree in trees for node in written_attributes(tree)}
    assert set() == STATE_FIELDS - fields
