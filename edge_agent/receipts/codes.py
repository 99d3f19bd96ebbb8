"""The codes printed on a slip that are links: which one asks for an invoice, which lead elsewhere."""

import re
from collections.abc import Sequence

from edge_agent.receipts.words import fold

_LINK = re.compile(r"[a-z][a-z0-9+.-]{1,15}://\S+|(?:[a-z0-9-]+\.)+[a-z]{2,}/\S+", re.IGNORECASE)
# In the link itself: the words, and the platforms most Chinese shops issue their invoices by (诺诺, 百望).
_INVOICE_LINK = re.compile(
    r"fapiao|kaipiao|e-?invoice|invoic|nuonuo|baiwang|bwfapiao|开票|发票|發票|전자세금계산서", re.IGNORECASE
)
# On the slip: what asks somebody to scan for one. "Tax invoice" and "发票号" are titles and numbers, not requests.
_REQUEST = re.compile(
    r"开票|開票|电子发票|電子發票|开具.{0,6}发票|发票.{0,4}(?:扫|二维码)|扫.{0,8}发票|e-?invoice|"
    r"(?:scan|request|get|your) .{0,20}invoice|電子領収書",
    re.IGNORECASE,
)
# Not what was already issued, and not what says that there is none.
_NO_REQUEST = re.compile(r"开票(?:日期|时间|人|员)|已开票|不(?:能|可|予|作)|不作|勿", re.IGNORECASE)


def links(codes: Sequence[str]) -> tuple[str, ...]:
    """Return the codes that are links, each once, in the order of printing."""
    return tuple(dict.fromkeys(code for code in map(str.strip, codes) if _LINK.fullmatch(code)))


def invoice_link(rows: Sequence[str], codes: Sequence[str]) -> str | None:
    """Return the link by which the customer asks for the invoice; None where it cannot be told for sure.

    It says so itself, or the slip asks to scan for an invoice and has one link. ``rows``: the slip's text.
    """
    found = links(codes)
    named = [link for link in found if _INVOICE_LINK.search(link)]
    if named:
        return named[0] if len(named) == 1 else None
    asked = any(_REQUEST.search(row) and not _NO_REQUEST.search(row) for row in map(fold, rows))
    return found[0] if asked and len(found) == 1 else None
