"""The page as a browser lays it out: nothing beside the screen, no label on another, wide and narrow, light and dark.

By hand: ``./toxw -e browser``. ``DRYDOCK_BROWSER`` names the browser, a Chromium.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from functools import lru_cache
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from drydock.faults.slow_load import SlowLoad
from drydock.harness.report.page import render
from drydock.harness.report.page_run import part_of_run
from drydock.harness.told import tell
from drydock.models.kit import VenueKit
from tests.golden import AS_HAPPENED, REDUCED
from tests.nights import bench, case_of, scenario

BROWSER = os.environ.get("DRYDOCK_BROWSER", "")
pytestmark = pytest.mark.skipif(not BROWSER, reason="needs a browser; run ./toxw -e browser")

MEASURE = """<script>
const overlaps = [], boxes = [];
for (const drawing of document.querySelectorAll('svg.drawing')) {
  if (!drawing.getClientRects().length) continue;
  const texts = [...drawing.querySelectorAll('text:not(.number)')].map(t => [t.textContent, t.getBoundingClientRect()]);
  const frame = drawing.getBoundingClientRect();
  for (const [told, box] of texts)
    if (box.left < frame.left - 1 || box.right > frame.right + 1) boxes.push(told);
  for (let i = 0; i < texts.length; i++) for (let j = i + 1; j < texts.length; j++) {
    const [a, b] = [texts[i][1], texts[j][1]];
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 2 && down > 4) overlaps.push(texts[i][0] + ' / ' + texts[j][0]);
  }
}
const seen = document.createElement('pre');
seen.id = 'seen';
seen.textContent = JSON.stringify({
  overlaps, outside: boxes, wide: document.documentElement.scrollWidth - window.innerWidth,
  drawings: [...document.querySelectorAll('svg.drawing')].filter(d => d.getClientRects().length).length,
  smallest: Math.min(...[...document.querySelectorAll('svg.drawing text')].filter(t => t.getClientRects().length)
    .map(t => t.getBoundingClientRect().height)),
});
document.body.append(seen);
</script>"""


@lru_cache(maxsize=2)
def page(name: str) -> str:
    """A page of the bench night as happened, or of the Paradex night in small."""
    if name == "bench":
        case = case_of(bench(*AS_HAPPENED), [SlowLoad(step="start-services", mean_ms=9_000)])
    else:
        night = scenario("paradex-2026-01-19", *REDUCED)
        case = case_of(night, night.reported, regime="flat")
    return render([part_of_run(tell(case, VenueKit()), VenueKit(), replay="drydock replay case.json")])


@pytest.fixture(params=[390, 820, 1600])
def seen(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Lays a page out at this width and measures it."""

    def measure(html: str) -> Any:
        file = tmp_path / "page.html"
        file.write_text(html.replace("</body>", f"{MEASURE}</body>"), encoding="utf-8")
        command = [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={request.param},2000", "--dump-dom", file.as_uri(),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        match = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
        assert match is not None
        return json.loads(unescape(match[1]))

    return measure


@pytest.mark.parametrize("name", ["bench", "paradex"])
def test_no_label_lies_on_another_and_nothing_stands_beside_the_screen(name: str, seen: Any) -> None:
    """On a telephone, on a tablet, on a desk; and every letter of a drawing can be read."""
    found = seen(page(name))
    assert [] == found["overlaps"]
    assert [] == found["outside"]
    assert found["wide"] <= 0
    assert found["drawings"] >= 6
    assert found["smallest"] >= 9


def test_a_label_on_another_is_found(seen: Any) -> None:
    """The measure can fail: a label that is there twice, in the same place."""
    twice = re.sub(r'(<text [^>]*class="row"[^>]*>funding</text>)', r"\1\1", page("bench"))
    assert seen(twice)["overlaps"]
