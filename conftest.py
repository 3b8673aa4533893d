"""What all tests share: which Drydock they test, how hard Hypothesis looks, and how a failure is repeated.

HYPOTHESIS_PROFILE chooses: ``dev`` looks elsewhere each time, ``ci`` looks at the same examples each time, so that a
red build is red again. In CI (``CI`` is set) the second is the default.
"""

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

# Appended, never put first: an installed wheel is what gets tested, the checkout only where none is installed. Worker
# processes inherit it, and so find ``tests.toy``.
sys.path.append(str(Path(__file__).resolve().parent))

# No deadlines: they measure the machine, not the code. For the same reason slow input generation is no failure.
_COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)

settings.register_profile("dev", _COMMON)
settings.register_profile("ci", _COMMON, derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))

# In a checkout nothing is installed that would offer it; where it is, it has this very name, and is registered once.
pytest_plugins = ["drydock.harness.pytest_plugin"]
