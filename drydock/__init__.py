"""Drydock: rehearse a trading venue's maintenance before its operators do it once."""

from pathlib import Path

__version__ = "0.1.0"
# In a checkout the rooms stand beside this package, not inside it; in a wheel this line changes nothing.
__path__.append(str(Path(__file__).resolve().parent.parent))
