"""Every planted mistake."""

from __future__ import annotations

from tests.lab import bugs_parts, bugs_settings, bugs_ties, bugs_together
from tests.lab.planted import Bug

BUGS: tuple[Bug, ...] = (*bugs_settings.BUGS, *bugs_parts.BUGS, *bugs_together.BUGS, *bugs_ties.BUGS)
"""Settings and runbook, parts, what needs two or three faults, and races of one instant."""
