"""Each reason the device gives is explained: to the store's manager and to installers."""

import re
from pathlib import Path

from edge_agent.page.advice import known_codes

ROOT = Path(__file__).parents[4]
SOURCES = sorted((ROOT / "edge_agent" / "devices" / "pcsc").glob("*.py"))


def test_each_reason_has_its_advice_and_its_line_in_the_handbook() -> None:
    reasons = {reason for source in SOURCES for reason in re.findall(r'DeviceError\("(\w+)"', source.read_text())}
    documented = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "pcsc.md").read_text(), re.MULTILINE)
    assert len(reasons) >= 9
    assert {f"device_{reason}" for reason in reasons} <= known_codes()
    assert sorted(reasons) == sorted(documented)
