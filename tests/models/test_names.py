"""What accounts are called: the same account is the same person everywhere, and a customer keeps his own id."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from drydock.harness.scenario import load_scenario
from drydock.models.kit import SCENARIOS, VenueKit
from drydock.models.model import VenueModel, model_of
from drydock.models.names import account_label, account_name, invented
from tests.nights import bench

SPEC = ("population.makers=2", "population.opportunists=1", "population.squeezers=1")


@pytest.fixture
def own(tmp_path: Path) -> VenueModel:
    """A night of two customers."""
    lines = ("account,market,size,collateral_usd", "0x00a1,BTC-USD-PERP,1,9000", "007,BTC-USD-PERP,-1,9000")
    (tmp_path / "mine.csv").write_text("\n".join(lines), encoding="utf-8")
    text = (SCENARIOS / "bench.yaml").read_text(encoding="utf-8").replace("  accounts: 20\n", "  file: mine.csv\n")
    text = text.replace("  open_interest_usd: 20000000 USD\n", "")
    (tmp_path / "night.yaml").write_text(text, encoding="utf-8")
    return model_of(load_scenario(str(tmp_path / "night.yaml")))


def test_person_is_a_function_of_the_account() -> None:
    """The same name and wallet again, whoever was asked for in between; others have others."""
    first = invented.__wrapped__(812)
    others = {invented.__wrapped__(account) for account in range(100)}
    assert first == invented.__wrapped__(812)
    assert len(others) > 95
    assert re.fullmatch(r"0x[0-9a-f]{40}", first.wallet)
    assert re.fullmatch(r"[A-Z]\S+ [A-Z]\S+", first.name)


def test_drawn_accounts_have_names_in_sentences_and_numbers_in_files() -> None:
    """Vault, makers, opportunists and squeezers are called what they are."""
    model = model_of(bench(*SPEC))
    told = [account_name(model, account) for account in range(6)]
    assert ["the vault", "maker 1", "maker 2", "opportunist 1", "squeezer 1"] == told[:5]
    assert f"{invented(5).name} (account 5)" == told[5]
    assert [str(n) for n in range(6)] == [account_label(model, account) for account in range(6)]


def test_customers_are_called_by_their_id_as_given(own: VenueModel) -> None:
    """No invented name for a real account; its number is told too, because events speak of numbers."""
    assert ["0", "1", "0x00a1", "007"] == [account_label(own, account) for account in range(4)]
    assert ["the vault", "maker 1", "account 0x00a1 (2)", "account 007 (3)"] == [account_name(own, n) for n in range(4)]


def test_kit_labels_accounts_by_their_id(own: VenueModel, tmp_path: Path) -> None:
    """What refunds are written under."""
    scenario = load_scenario(str(tmp_path / "night.yaml"))
    assert "007" == VenueKit().account_label(scenario, 3)
    assert "3" == VenueKit().account_label(bench(), 3)


def test_run_that_nobody_is_told_of_imports_no_faker() -> None:
    """Names are for the eye: a rehearsal's workers never load the library."""
    program = (
        "import sys; from tests.nights import play; play(); "
        "from drydock.models import names; sys.exit('faker' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=False)
    assert 0 == done.returncode
