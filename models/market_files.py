"""Finds and reads the files that a scenario names: markets (packaged or own), positions and tapes (beside it)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from drydock.harness.mistakes import BadFile, Mistakes, did_you_mean
from drydock.harness.places import DataPath, folder_of, path_text
from drydock.harness.port import Where
from drydock.harness.scenario import file_hash
from drydock.models.markets import DATA, Markets, read_markets
from drydock.models.positions import Positions, read_positions
from drydock.models.tapes import Tape, read_tape
from drydock.models.venue import MarketsSpec


class ScenarioFiles:
    """Reads the files of one scenario and keeps their hashes, by which a case will know them."""

    def __init__(self, where: Where, mistakes: Mistakes) -> None:
        self._where = where
        self._mistakes = mistakes
        self.hashes: dict[str, str] = {}

    def read(self, spec: MarketsSpec) -> Markets | None:
        """The markets; None and mistakes where a file or a name is wrong."""
        file = self._find(spec.file, "file")
        reference = None if spec.reference is None else self._find(spec.reference, "reference")
        if file is None or (spec.reference is not None and reference is None):
            return None
        try:
            markets = _read(file, reference, self.hashes.get(spec.file), self.hashes.get(spec.reference or ""))
        except BadFile as bad:
            self._mistakes.extend(bad.mistakes)
            return None
        return self._only(markets, spec.only)

    def positions(self, name: str, markets: Markets | None) -> Positions | None:
        """The positions of customers; None and mistakes where the file is wrong."""
        file = self._beside(name, ("population", "file"))
        return None if file is None else read_positions(file, markets, self._mistakes)

    def tapes(self, names: Mapping[str, str], markets: Markets | None) -> dict[str, Tape]:
        """The tapes by regime, without those in which something is wrong."""
        tapes: dict[str, Tape] = {}
        for regime, name in names.items():
            file = self._beside(name, ("tapes", regime))
            tape = None if file is None else read_tape(file, markets, self._mistakes)
            if tape is not None:
                tapes[regime] = tape
        return tapes

    def _beside(self, name: str, path: DataPath) -> Path | None:
        """A file that only its owner has: beside the scenario, and nowhere else."""
        file = folder_of(self._where).joinpath(name)
        if file.is_file():
            self.hashes[name] = file_hash(file)
            return file
        self._mistakes.add(self._where(path), f"{path_text(path)}: no file '{name}' beside the scenario")
        return None

    def _find(self, name: str, key: str) -> Path | None:
        """Beside the scenario first, then among the packaged ones."""
        own = folder_of(self._where).joinpath(name)
        for path in (own, DATA.joinpath(name)):
            if path.is_file():
                self.hashes[name] = file_hash(path)
                return path
        packaged = sorted(path.name for path in DATA.glob("*.csv"))
        place = self._where(("venue", "markets", key))
        self._mistakes.add(
            place, f"venue.markets.{key}: no file '{name}' beside the scenario; packaged are {', '.join(packaged)}"
        )
        return None

    def _only(self, markets: Markets, names: Sequence[str]) -> Markets | None:
        is_fine = True
        for number, name in enumerate(names):
            if name not in markets.names:
                is_fine = False
                place = self._where(("venue", "markets", "only", number))
                told = did_you_mean(name, markets.names)
                self._mistakes.add(place, f"venue.markets.only: unknown market '{name}'; {told}")
        if not is_fine:
            return None
        return markets.subset(names) if names else markets


@lru_cache(maxsize=16)
def _read(file: Path, reference: Path | None, _file_hash: str | None, _reference_hash: str | None) -> Markets:
    """Reads once per worker; the hashes are part of the key, so that a changed file is read again."""
    return read_markets(file, reference)
