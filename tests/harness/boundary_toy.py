"""A kit of one shop with a till: the smallest thing that the boundary (files, plans, cases) can be proven on.

Loaded with ``registry.load``, as a user's own file is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from drydock.harness.frame import Known, finish_scenario, parse_frame
from drydock.harness.mistakes import Mistakes
from drydock.harness.places import folder_of
from drydock.harness.port import Range, Step
from drydock.harness.scenario import file_hash
from drydock.harness.typed import build_value


class _Strikes:
    """What both faults share; neither is injected in these tests."""

    kind: ClassVar[str]
    sentence: ClassVar[str] = "the till is slow"
    keywords: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def targets(cls, scenario: Any) -> tuple[str, ...]:
        return ("till", *scenario.venue["shelves"])

    def applicable(self, scenario: Any) -> bool:
        return True

    def inject(self, world: Any) -> Any:
        yield world.until("open", 0)

    def simpler(self) -> tuple[Any, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class ShopSlow(_Strikes):
    """The till answers late."""

    kind: ClassVar[str] = "shop_slow"
    step: str
    target: str
    delay_ms: Annotated[int, Range(0, 60_000, log=True)]
    offset_ms: Annotated[int, Range(-5_000, 5_000)] = 0
    """from the step"""
    shape: Literal["flat", "steep"] = "flat"


@dataclass(frozen=True, slots=True)
class ShopLose(_Strikes):
    """The till loses a share of the sales."""

    kind: ClassVar[str] = "shop_lose"
    step: str
    target: str
    share_ppm: Annotated[int, Range(1, 1_000_000)]
    offset_ms: Annotated[int, Range(0, 5_000)] = 0


@dataclass(frozen=True, slots=True)
class Opening:
    """A step of the shop's morning."""

    name: str
    duration_ms: int


class ShopKit:
    """Scenario keys of its own: ``shelves``, ``runbook``, ``prices_csv``."""

    name = "shop"

    def parse(self, data: Any, where: Any) -> Any:
        mistakes = Mistakes()
        runbook = data.get("runbook")
        names = [item["name"] for item in runbook if isinstance(item, dict)] if isinstance(runbook, list) else []
        known = Known(("flat", "crash"), {"L1": "safety", "L2": "service", "L4": "loss"}, names, ("theft",))
        frame = parse_frame(data, where, mistakes, own_keys=("shelves", "runbook", "prices_csv"), known=known)
        steps = build_value(tuple[Opening, ...], runbook, ("runbook",), where, mistakes)
        shelves = build_value(tuple[str, ...], data.get("shelves", []), ("shelves",), where, mistakes)
        venue = {"steps": steps, "shelves": shelves}
        files = {}
        if csv := data.get("prices_csv"):
            if (folder_of(where) / csv).is_file():
                files[csv] = file_hash(folder_of(where) / csv)
            else:
                mistakes.add(where(("prices_csv",)), f"prices_csv: no file '{csv}' beside the scenario")
        return finish_scenario(frame, venue, data=data, where=where, mistakes=mistakes, files=files)

    def scenarios(self) -> dict[str, str]:
        return {"shop-morning": __file__.replace("boundary_toy.py", "shop_morning.yaml")}

    def anchors(self, scenario: Any) -> tuple[str, ...]:
        return tuple(step.name for step in self.steps(scenario))

    def steps(self, scenario: Any) -> tuple[Step, ...]:
        return tuple(Step(step.name, "opening", 0, step.duration_ms) for step in scenario.venue["steps"])

    def unplanned(self, scenario: Any) -> tuple[Step, ...]:
        return ()

    def world(self, case: Any, sim: Any) -> Any:
        raise AssertionError("the boundary runs nothing")

    def laws(self, scenario: Any) -> tuple[Any, ...]:
        return ()
