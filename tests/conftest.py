"""What holds for every test; and the failure matrix as a table, after the tests that fill it have run."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.matrix import PROPERTY, Row, table

BEGIN, END = "<!-- matrix -->", "<!-- end of the matrix -->"

# How long an example takes is a matter of what else runs on the machine. The rest is Hypothesis' own profile;
# where CI is set, it draws the same examples every time.
settings.register_profile(
    "edge-agent", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("edge-agent")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--matrix-into", type=Path, help="write the failure matrix into this document as well")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = [
        Row(**json.loads(str(told)))
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call" and report.passed
        if not hasattr(report, "wasxfail")  # a row that may fail proves nothing
        for name, told in report.user_properties
        if name == PROPERTY
    ]
    if not rows:
        return
    terminalreporter.section("failure matrix")
    terminalreporter.write_line(made := table(_worst(rows)))
    if document := config.getoption("--matrix-into"):
        text = document.read_text("utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        document.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", "utf-8")


def _worst(rows: list[Row]) -> list[Row]:
    """Return one row for each fault: a test that ran with several seeds counts all its events and its longest time."""
    merged: dict[tuple[str, str], Row] = {}
    for row in rows:
        other = merged.get(key := (row.group, row.fault))
        merged[key] = row if other is None else other.with_(row)
    return list(merged.values())
