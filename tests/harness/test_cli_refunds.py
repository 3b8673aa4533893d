"""The commands on the toy model: refunds in a file, risks taken knowingly, and the twin."""

from __future__ import annotations

import csv
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from drydock.harness.cli import exits
from tests.harness.commands import BAD, drydock, gonogo

Capture = pytest.CaptureFixture[str]
REFUNDING = BAD.replace("bad", "refunding") + "policy: {refunds: [lost]}\n"
RISK = "accepted: [{law: T1, reason: the gate comes in May, owner: ops, expires: 2027-05-31}]\n"
LENIENT = "policy: {limits: [{law: T3, share_ppm_max: 1000000}]}\n"


def amounts(file: str) -> list[str]:
    """The column of amounts."""
    with Path(file).open(newline="") as stream:
        return [row["amount_usd"] for row in csv.DictReader(stream)]


def test_refunds_of_a_run_are_its_refund(night: Path, told: Callable[..., Any]) -> None:
    """The lines add up to ``refund_usd``, there are as many as accounts, and nobody else may read them."""
    Path("refunding.yaml").write_text(REFUNDING)
    run = told(drydock, "run", "refunding.yaml", "--refunds", "r.csv")
    assert ("198.00", ["99.00", "99.00"], 2) == (run["refund_usd"], amounts("r.csv"), run["accounts"])
    assert {"lost": "198.00"} == run["refund_by_kind_usd"]
    assert 0o600 == Path("r.csv").stat().st_mode & 0o777


def test_refunds_of_a_rehearsal_are_its_refunds(night: Path, told: Callable[..., Any]) -> None:
    """Of several scenarios in one file, each line with the scenario, bundle and run that it belongs to."""
    Path("refunding.yaml").write_text(REFUNDING)
    verdicts = told(gonogo, "refunding.yaml", "good.yaml", "--refunds", "r.csv")
    with Path("r.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {("refunding", "reported"), ("refunding", "sweep")} == {(row["scenario"], row["bundle"]) for row in rows}
    assert ["99.00"] * 8 == [row["amount_usd"] for row in rows if row["bundle"] == "reported"]
    assert "198.00" == verdicts[0]["reported"]["refund_usd"]["mean"]


def test_a_refund_file_changes_no_verdict(night: Path, told: Callable[..., Any]) -> None:
    """Asked for or not: the same digest."""
    Path("refunding.yaml").write_text(REFUNDING)
    digests = [told(gonogo, "refunding.yaml", *more)["verdict_digest"] for more in ((), ("--refunds", "r.csv"))]
    assert digests[0] == digests[1]


def test_nothing_to_refund_is_told_from_nothing_decided(night: Path, capsys: Capture) -> None:
    """A policy without refunds leaves a header, and stderr says why."""
    drydock("run", "bad.yaml", "--refunds", "r.csv")
    assert ([], True) == (amounts("r.csv"), "the policy of bad refunds no kind of harm" in capsys.readouterr().err)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_swallows_no_verdict(night: Path, capsys: Capture) -> None:
    """The verdict is printed; the file that could not be written exits 2."""
    assert exits.USAGE == gonogo("bad.yaml", "--refunds", "/dev/full", "-q")
    streams = capsys.readouterr()
    assert [True] * 2 == ["NO-GO" in streams.out, "/dev/full: cannot be written" in streams.err]


def test_an_accepted_risk_decides_until_it_expires(night: Path, capsys: Capture, told: Callable[..., Any]) -> None:
    """From file to exit code: accepted it is GO and named in the claim; a day later NO-GO, and the date is printed."""
    Path("known.yaml").write_text(BAD.replace("bad", "known") + LENIENT + RISK)
    assert exits.GO == gonogo("known.yaml", "--runs", "9", "--today", "2027-05-31")
    head, _, rest = " ".join(capsys.readouterr().out.split()).partition(" Risks taken knowingly ")
    assert head.endswith("in question; accepted: T1 level smoke · seed 1 · today 2027-05-31")
    assert rest.startswith("- T1 the gate comes in May (accepted by ops until 2027-05-31); came true in 9 reported")
    assert exits.NO_GO == gonogo("known.yaml", "--runs", "9", "--today", "2027-06-01")
    assert "EXPIRED: accepts nothing" in " ".join(capsys.readouterr().out.split())
    days = ("2027-05-30", "2027-05-31")
    verdicts = [told(gonogo, "known.yaml", "--runs", "9", "--today", day) for day in days]
    assert ("GO", ("T1", False)) == (verdicts[0]["decision"], itemgetter("law", "expired")(verdicts[0]["accepted"][0]))
    assert verdicts[0]["verdict_digest"] != verdicts[1]["verdict_digest"]


def test_a_twin_is_a_second_opinion(night: Path, told: Callable[..., Any], capsys: Capture) -> None:
    """The key ``twin`` and a section of its own, only where asked for; the digest is that of the run without it."""
    run, alone = told(drydock, "run", "bad.yaml", "--twin"), told(drydock, "run", "bad.yaml")
    assert ("200.00", 2, "200.00") == itemgetter("refund_need_usd", "accounts", "noise_floor_usd")(run["twin"])
    assert [{"account": "counter 0", "need_usd": "100.00"}] == run["twin"]["largest"][:1]
    assert (False, run["digest"]) == ("twin" in alone, alone["digest"])
    drydock("run", "bad.yaml", "--twin")
    assert "Second opinion" in capsys.readouterr().out
