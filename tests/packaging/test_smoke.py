"""The installed command, on the template that a user copies."""

from __future__ import annotations

import json

import pytest


@pytest.mark.smoke
def test_the_template_is_a_go(site, python, tmp_path):
    """`drydock gonogo db-scale-up --level smoke` says GO, in its exit code and in its JSON, and nothing on the way."""
    command = ["-P", "-m", "drydock", "gonogo", "db-scale-up", "--level", "smoke", "--json", "-"]
    done = python(command, tmp_path, {"PYTHONPATH": str(site)})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "GO" == json.loads(done.stdout)["decision"]
