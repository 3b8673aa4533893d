"""Runs a command on this processor without its vector units: ``python scripts/features_off.py COMMAND [ARGUMENTS]``.

numpy and OpenBLAS choose their loops by processor, and these differ in the last bits of a float. What enters a trace
is made of integers, so a digest must not differ. numpy names other features in each version and refuses names that it
does not know, so they are asked for here and not listed.
"""

import os
import subprocess
import sys

import numpy as np


def vector_features() -> list[str]:
    """The features of this processor that this numpy would use, and can be told not to."""
    core = np._core._multiarray_umath
    return [name for name in core.__cpu_dispatch__ if core.__cpu_features__[name]]


def main(command: list[str]) -> int:
    """Runs the command; its exit code, or 1 where there was nothing to switch off."""
    names = vector_features()
    if not names:
        print("features_off: numpy finds no feature of this processor to switch off, so nothing would be shown")
        return 1
    print(f"features_off: without {' '.join(names)}; OpenBLAS as on Nehalem", flush=True)
    switches = {"NPY_DISABLE_CPU_FEATURES": " ".join(names), "OPENBLAS_CORETYPE": "Nehalem"}
    return subprocess.run(command, check=False, env=os.environ | switches).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
