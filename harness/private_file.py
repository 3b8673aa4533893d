"""Files that only their owner may read: what names customers, or was made of their positions."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TextIO

_OWNER_ONLY = 0o600


def open_private(path: str | os.PathLike[str]) -> TextIO:
    """The file, emptied and open for writing text as UTF-8, line ends as given. Raises ``OSError``.

    From its first byte on nobody but its owner may read it, also where it lay there before and whatever the umask.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
    if stat.S_ISREG(os.fstat(handle).st_mode):  # never a device: /dev/null stays everybody's
        os.chmod(handle if os.chmod in os.supports_fd else path, _OWNER_ONLY)
    return os.fdopen(handle, "w", encoding="utf-8", newline="")


def put_text(path: str | os.PathLike[str], text: str, *, is_private: bool) -> None:
    """Writes a file, for its owner alone where it is private. Raises ``OSError``."""
    if not is_private:
        Path(path).write_text(text, encoding="utf-8")
        return
    with open_private(path) as file:
        file.write(text)
