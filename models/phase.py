"""Phases: what happens every five seconds happens at ``t mod 5 s`` of the wall clock, whoever restarted when."""

from __future__ import annotations


def to_phase_ms(now_ms: int, period_ms: int, phase_ms: int) -> int:
    """How long until the next instant t, not before now, with ``t mod period == phase mod period``."""
    return (phase_ms - now_ms) % period_ms
