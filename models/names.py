"""What accounts are called where a reader meets them: ids as a file gave them, and invented people for drawn accounts.

Names and wallets are Faker's, seeded with the account's number, so that the same account is the same person in every
report. They are for the eye alone: nothing that runs, no event and no digest knows them, and another version of Faker
may give others. An account of a file has its own id and gets no invented name.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from drydock.models.accounts import VAULT
from drydock.models.model import VenueModel

if TYPE_CHECKING:
    from faker import Faker

_LOCALE = "en_US"
_WALLET = "0x" + "^" * 40


class Person(NamedTuple):
    """Somebody who does not exist."""

    name: str
    wallet: str


def account_label(model: VenueModel, account: int) -> str:
    """An account in a table or a file: its id as given, else its number."""
    person = account - model.population.first_person
    if model.positions is not None and person >= 0:
        return model.positions.ids[person]
    return str(account)


def account_name(model: VenueModel, account: int) -> str:
    """An account in a sentence: ``the vault``, ``maker 2``, ``Ada Li (account 812)``, ``account 0x7f.. (812)``.

    The number is what events, findings and traces say.
    """
    role, number = model.population.place_of(account)
    if account == VAULT:
        return "the vault"
    if role != "person":
        return f"{role} {number}"
    if model.positions is not None:
        return f"account {account_label(model, account)} ({account})"
    return f"{invented(account).name} (account {account})"


@lru_cache(maxsize=4096)
def invented(account: int) -> Person:
    """The person of a drawn account: a function of its number."""
    faker = _faker()
    faker.seed_instance(account)
    return Person(f"{faker.first_name()} {faker.last_name()}", faker.hexify(_WALLET))


@lru_cache(maxsize=1)
def _faker() -> Faker:
    """Made on first use: most runs are told to nobody."""
    from faker import Faker

    return Faker(_LOCALE)
