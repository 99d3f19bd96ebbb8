"""A store's own receipt templates are proved by their samples before anything runs."""

import pytest

from tests.unit.config.conftest import STORE, Files

TEMPLATE = """
[[receipt_template]]
name = "our-till"

[[receipt_template.samples]]
text = \"\"\"
人民广场店
流水号:000137
2026-11-22 10:31:05
--------------------------------
雪碧 2 3.00 6.00
合计 6.00
现金 10.00
找零 4.00
\"\"\"
order = { kind = "sale", payable = 600 }
"""


def test_a_template_whose_sample_is_read_rightly_is_taken(files: Files) -> None:
    files.write(store=STORE + 'templates = ["our-till"]\n' + TEMPLATE)

    (template,) = files.load().store.receipt_templates

    assert template.name == "our-till"


def test_a_sample_that_is_read_wrongly_is_a_problem(files: Files) -> None:
    files.write(store=STORE + TEMPLATE.replace("600", "601"))

    (problem,) = files.problems()

    assert problem.startswith("store.toml:23: receipt_template[0].samples: ")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'name = "our-till"',
            'name = "our-till"\nmatch = ["ok", "("]',
            "store.toml:22: receipt_template[0].match[1]: not an RE2 regular expression: ",
        ),
        (
            'name = "our-till"',
            'name = "our-till"\nrecieved = "net"',
            "store.toml:22: receipt_template[0].recieved: unknown key",
        ),
        (
            "payable = 600",
            'payable = "6.00"',
            "store.toml:34: receipt_template[0].samples[0].order.payable: must be a whole number",
        ),
        (
            TEMPLATE,
            TEMPLATE + TEMPLATE,
            "store.toml:37: receipt_template[1].name: is taken: the same name stands on line 21",
        ),
        (
            'name = "our-till"',
            'name = "our-till"\nfields = { numbr = "x" }',
            'store.toml:22: receipt_template[0].fields.numbr: "numbr" is not possible here',
        ),
    ],
)
def test_problems_of_a_template(files: Files, old: str, new: str, expected: str) -> None:
    files.write(store=STORE + TEMPLATE.replace(old, new, 1))

    (problem,) = files.problems()

    assert problem.startswith(expected)
