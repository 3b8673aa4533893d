"""Where the values of a file stand: what makes a mistake point at its line and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from drydock.harness.port import Where

DataPath = tuple[str | int, ...]
Position = tuple[int, int]


class Places:
    """Where each value of a file stands. Calling it with a path gives ``file:line:column``, as well as it is known.

    A path that is not in the file is answered with the nearest part that is; a part given on the command line is
    answered with ``--set PATH``. ``folder`` is where the file lies: names of other files are relative to it.
    """

    def __init__(
        self,
        file: str,
        folder: Path,
        values: Mapping[DataPath, Position] | None = None,
        keys: Mapping[DataPath, Position] | None = None,
        root: DataPath = (),
        overlays: Mapping[DataPath, str] | None = None,
    ) -> None:
        self.file = file
        self.folder = folder
        self._values = values or {}
        self._keys = keys or {}
        self._root = root
        self._overlays = dict(overlays or {})

    def __call__(self, path: DataPath) -> str:
        return self._find(self._values, path)

    def key(self, path: DataPath) -> str:
        """The place of the key itself, for complaints about the key."""
        return self._find(self._keys if self._root + path in self._keys else self._values, path)

    def below(self, path: DataPath, folder: Path | None = None) -> Places:
        """The same places, seen from a part of the file (a scenario that is embedded in a case)."""
        return Places(self.file, folder or self.folder, self._values, self._keys, self._root + path, self._overlays)

    def overlaid(self, path: DataPath, place: str) -> Places:
        """The same places, but what is at the path and below it came from elsewhere."""
        overlays = {**self._overlays, self._root + path: place}
        return Places(self.file, self.folder, self._values, self._keys, self._root, overlays)

    def _find(self, positions: Mapping[DataPath, Position], path: DataPath) -> str:
        full = self._root + path
        parents = [full[:end] for end in range(len(full), -1, -1)]
        if overlay := next((self._overlays[parent] for parent in parents if parent in self._overlays), None):
            return overlay
        for parent in parents:
            position = (positions if parent == full else self._values).get(parent)
            if position:
                return f"{self.file}:{position[0]}:{position[1]}"
        return self.file


def key_place(where: Where, path: DataPath) -> str:
    """The place of the key at a path, where ``where`` knows it; else the place of its value."""
    return where.key(path) if isinstance(where, Places) else where(path)


def folder_of(where: Where) -> Path:
    """The folder to which the names of files are relative: that of the file which ``where`` speaks of."""
    return where.folder if isinstance(where, Places) else Path(".")


def path_text(path: Sequence[str | int]) -> str:
    """``runbook.3.duration_ms``, as ``--set`` takes it."""
    return ".".join(str(part) for part in path)
