"""Toy scenarios as files, and the command line in this process, with the toy loaded."""

from __future__ import annotations

from pathlib import Path

from drydock.harness.cli.main import answer

CHECKOUT = Path(__file__).resolve().parents[2]
TOY = str(CHECKOUT / "tests" / "toy.py")
GOOD = "kit: toy\nname: good\nregimes: [flat, busy]\n"
BAD = GOOD.replace("good", "bad") + "venue: {waits: false}\n"
MISTAKEN = "kit: toy\nname: mistaken\nregimes: [flat]\nvenue: {wiats: false, ticks: -1}\n"
RAISING = GOOD.replace("good", "raising") + "venue: {trouble: law raises}\n"
SCENARIOS = {"good": GOOD, "bad": BAD, "mistaken": MISTAKEN, "raising": RAISING}


def drydock(*arguments: str) -> int:
    """One command line, with the toy loaded."""
    return answer([*arguments, "--load", TOY])


def gonogo(*arguments: str) -> int:
    """A small rehearsal in this process."""
    return drydock("gonogo", "--workers", "1", "--runs", "4", "--today", "2026-11-22", *arguments)
