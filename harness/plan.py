"""Plans: the faults of a run, from a file and to a file, and drawn from a scenario's threats.

A plan is read in two passes: first ``kind`` is looked up, then only that fault's fields are read, then its step and
target are checked against the scenario. So a misspelt kind is one mistake, and not one for each kind there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, cast

from drydock.harness import registry
from drydock.harness.mistakes import Mistakes, did_you_mean, together
from drydock.harness.places import DataPath, path_text
from drydock.harness.port import Fault, Kit, Plain, Range, Scenario, Threat, Where
from drydock.harness.stream import Stream
from drydock.harness.typed import Shape, build, shapes_of, shown, to_plain
from drydock.harness.yaml_file import read_plain

Plan = tuple[Fault, ...]


# ---- reading and writing --------------------------------------------------------------------------------------------
def plan_to_plain(plan: Sequence[Fault]) -> list[Plain]:
    """A plan as a list of mappings; every field is written, in its base unit."""
    return [to_plain(fault) for fault in plan]


def plan_from_plain(data: Plain, path: DataPath, where: Where, mistakes: Mistakes) -> Plan:
    """The plan that the data describes, as far as it is right; what is not is a mistake each.

    Steps and targets are not checked: see :func:`check_steps` and :func:`check_targets`.
    """
    if not isinstance(data, list):
        mistakes.add(where(path), f"{path_text(path) or 'a plan'}: got {shown(data)}; allowed a list of faults")
        return ()
    found = [_fault(item, (*path, number), where, mistakes) for number, item in enumerate(data)]
    return tuple(fault for fault in found if fault is not None)


def check_steps(data: Plain, path: DataPath, where: Where, mistakes: Mistakes, steps: Sequence[str]) -> None:
    """Adds a mistake for each unknown step in a plan's data; works on data, so that it needs no sound scenario."""
    for number, item in enumerate(data if isinstance(data, list) else ()):
        if isinstance(item, dict) and isinstance(item.get("step"), str):
            _check_name(item["step"], steps, "step", (*path, number, "step"), where, mistakes)


def check_targets(data: Plain, path: DataPath, where: Where, mistakes: Mistakes, scenario: Scenario) -> None:
    """Adds a mistake for each target that the scenario does not have; works on a plan's data, or that of threats.

    A fault that says no target has that of its class. Kinds that are unknown are a mistake already.
    """
    classes = registry.faults()
    for number, item in enumerate(data if isinstance(data, list) else ()):
        cls = classes.get(str(item.get("kind"))) if isinstance(item, dict) else None
        if cls is None:
            continue
        for place, target in _targets_of(cls, item):
            check_target(cls, target, (*path, number, *place), where, mistakes, scenario)


def _targets_of(cls: type[Fault], item: Mapping[str, Plain]) -> Iterator[tuple[DataPath, str]]:
    """Where a fault's or a threat's data names targets, and what it names."""
    many = item.get("targets")
    if isinstance(many, list):
        yield from ((("targets", n), target) for n, target in enumerate(many) if isinstance(target, str))
        return
    default = next((field.default for field in fields(cast(Any, cls)) if field.name == "target"), MISSING)
    one = item.get("target", default)
    if isinstance(one, str):
        yield ("target",), one


def parse_plan(data: Plain, path: DataPath, where: Where, mistakes: Mistakes, scenario: Scenario, kit: Kit) -> Plan:
    """The plan that the data describes, with steps and targets checked against the scenario."""
    plan = plan_from_plain(data, path, where, mistakes)
    check_steps(data, path, where, mistakes, kit.anchors(scenario))
    check_targets(data, path, where, mistakes, scenario)
    return plan


def read_plan(file: str | Path, scenario: Scenario, kit: Kit) -> Plan:
    """The plan of a YAML or JSON file: a list of faults, or a mapping whose only key is ``plan``.

    Raises :exc:`~drydock.harness.mistakes.BadFile` with all its mistakes.
    """
    mistakes, path = Mistakes(), cast(DataPath, ())
    data, where = read_plain(file, mistakes)
    if data is None:
        mistakes.raise_if_any()
    if isinstance(data, dict) and set(data) == {"plan"}:
        data, path = data["plan"], ("plan",)
    with together(mistakes):
        found = Mistakes()
        plan = parse_plan(data, path, where, found, scenario, kit)
        found.raise_if_any()
        _check_together(plan, path, where, found, scenario)
        found.raise_if_any()
    return plan


def _check_together(plan: Plan, path: DataPath, where: Where, mistakes: Mistakes, scenario: Scenario) -> None:
    """Adds a mistake for each fault whose step and target there are, and which strikes nothing there all the same."""
    for number, fault in enumerate(plan):
        if not fault.applicable(scenario):
            place = (*path, number)
            told = f"{fault.kind}, as it is given here, has nothing to strike at step '{fault.step}'"
            mistakes.add(where(place), f"{path_text(place)}: {told}")


def fault_class(data: Plain, path: DataPath, where: Where, mistakes: Mistakes) -> type[Fault] | None:
    """The class that ``data["kind"]`` names; None and a mistake where it names none."""
    known = registry.faults()
    kind = data.get("kind") if isinstance(data, dict) else None
    if isinstance(kind, str) and kind in known:
        return known[kind]
    if isinstance(kind, str):
        place = (*path, "kind")
        told = f"{path_text(place)}: unknown fault kind '{kind}'; {did_you_mean(kind, known)}"
        mistakes.add(where(place), f"{told}; one of your own must be loaded (--load FILE)")
    else:
        got = "a mapping without a kind" if isinstance(data, dict) else shown(data)
        mistakes.add(where(path), f"{path_text(path)}: got {got}; allowed kinds: {', '.join(known)}")
    return None


def check_target(
    cls: type[Fault], target: str, path: DataPath, where: Where, mistakes: Mistakes, scenario: Scenario
) -> None:
    """Adds a mistake where a fault of this class cannot strike this target in the scenario."""
    targets = cls.targets(scenario)
    if targets:
        _check_name(target, targets, "target", path, where, mistakes)
    else:
        mistakes.add(where(path), f"{path_text(path)}: {nothing_to_strike(cls, scenario)}")


def nothing_to_strike(cls: type[Fault], scenario: Scenario) -> str:
    """What is told of a kind without a target here, with what it would strike: the docstring of ``targets`` says it."""
    told = (cls.targets.__doc__ or "").strip().partition("\n")[0].rstrip(".").replace("``", "")
    would = f"; it strikes {told[0].lower()}{told[1:]}" if told else ""
    return f"{cls.kind} has nothing to strike in scenario {scenario.name}{would}"


def _check_name(name: str, known: Sequence[str], noun: str, path: DataPath, where: Where, mistakes: Mistakes) -> None:
    if name not in known:
        mistakes.add(where(path), f"{path_text(path)}: unknown {noun} '{name}'; {did_you_mean(name, known)}")


def _fault(data: Plain, path: DataPath, where: Where, mistakes: Mistakes) -> Fault | None:
    cls = fault_class(data, path, where, mistakes)
    return build(cls, data, path, where, mistakes) if cls else None


# ---- drawing --------------------------------------------------------------------------------------------------------
def sample_plan(scenario: Scenario, rng: Stream) -> Plan:
    """A plan drawn from the sweep: how many faults, which threats, and every field, each uniform within its bounds.

    A function of the scenario's threats and the stream alone. A scenario without threats has empty plans only.
    ``KeyError`` where a threat names an unknown kind, which no scenario that was parsed does.
    """
    if not scenario.threats:
        return ()
    classes = registry.faults()
    count = rng.between(scenario.sweep.faults_min, scenario.sweep.faults_max)
    threats = [scenario.threats[rng.below(len(scenario.threats))] for _ in range(count)]
    return tuple(_sample_fault(classes[threat.kind], threat, rng) for threat in threats)


def _sample_fault(cls: type[Fault], threat: Threat, rng: Stream) -> Fault:
    fields: dict[str, Any] = {
        "step": threat.steps[rng.below(len(threat.steps))],
        "target": threat.targets[rng.below(len(threat.targets))],
    }
    for shape in shapes_of(cls):
        if shape.name not in fields and (shape.bounds or shape.choices):
            fields[shape.name] = _sample_field(shape, threat.ranges, rng)
    return cls(**fields)


def _sample_field(shape: Shape, narrowed: Mapping[str, tuple[int, int]], rng: Stream) -> Any:
    if not shape.bounds:
        return shape.choices[rng.below(len(shape.choices))]
    low, high = narrowed.get(shape.name, (shape.bounds.low, shape.bounds.high))
    return sample_range(Range(low, high, shape.bounds.log), rng)


def sample_range(bounds: Range, rng: Stream) -> int:
    """A value of the range, both ends included: uniform, or with every power of two equally likely where it is ``log``.

    Integers only: the number of bits is drawn first, then a value of so many bits. A range that goes below zero is
    drawn uniformly; zero counts as a power of two of its own.
    """
    if not bounds.log or bounds.low < 0:
        return rng.between(bounds.low, bounds.high)
    bits = rng.between(bounds.low.bit_length(), bounds.high.bit_length())
    smallest = 1 << (bits - 1) if bits else 0
    return rng.between(max(bounds.low, smallest), min(bounds.high, (1 << bits) - 1))
