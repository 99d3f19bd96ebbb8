"""docs/reliability.md has the failure matrix, of every group that is tested, and nothing in it is lost or doubled."""

import re
from pathlib import Path

import tests
from tests.conftest import BEGIN, END

ROOT = Path(tests.__file__).parent
DOCUMENT = (ROOT.parent / "docs" / "reliability.md").read_text("utf-8")
TABLE = DOCUMENT.split(BEGIN)[1].split(END)[0]
ROW = re.compile(r"^\| (\w+): (.+?) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| [\d.]+ \|$", re.MULTILINE)


def test_nothing_is_lost_and_nothing_is_doubled() -> None:
    for group, fault, recorded, confirmed, lost, doubled, _ in ROW.findall(TABLE):
        assert (recorded, lost, doubled) == (confirmed, "0", "0"), (group, fault)


def test_every_group_that_is_tested_has_its_rows() -> None:
    marks = re.compile(r'pytest\.mark\.fault\(\s*"(\w+)"')
    tested = {
        group for path in (ROOT / "faults" / "matrix").glob("*.py") for group in marks.findall(path.read_text("utf-8"))
    }
    assert tested == {group for group, *_ in ROW.findall(TABLE)}
