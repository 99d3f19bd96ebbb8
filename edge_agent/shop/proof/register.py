"""A register's own reports against the books."""

import msgspec
from msgspec.structs import replace

from edge_agent.receipts.reading import Report
from edge_agent.shop.proof.books import Figures
from edge_agent.shop.proof.closings import Closing


def is_reprint(closing: Closing, report: Report, sums: Figures) -> bool:
    """Return whether a report is the last one printed again. ``sums``: of the day so far."""
    if _told(report) != closing.report:
        return False
    # Two shifts may have taken exactly the same; then the sum of both is what the books say.
    return not report.total or difference((closing.register or 0) + report.total, sums) != 0


def heard(closing: Closing, report: Report, sums: Figures, highest: int) -> Closing:
    """Return how a proof stands after the register's own report. ``highest``: number of the latest order before it.

    A report covers the shift since the last one, or the day so far, and few say which: of the two readings the one
    nearer to the books is taken.
    """
    closing = replace(closing, report=_told(report), reported=highest)
    if report.total is None:
        return closing
    total = min(readings(closing, report.total), key=lambda register: abs(difference(register, sums)))
    return replace(closing, register=total, off=difference(total, sums))


def readings(closing: Closing, total: int) -> tuple[int, int]:
    """Return what a register may mean that it took on the day, by a report's total: of the shift, or of the day."""
    return (closing.register or 0) + total, total


def difference(register: int, sums: Figures) -> int:
    """Return what the register has more than the books; the smaller of with and without platforms' orders."""
    return min((register - payable for payable in (sums.payable, sums.own)), key=abs)


def _told(report: Report) -> bytes:
    """Return what a report says in a form that two prints of the same report share."""
    tenders = sorted(report.tenders.items())
    return msgspec.msgpack.encode([report.total, report.orders, tenders, report.first_number, report.last_number])
