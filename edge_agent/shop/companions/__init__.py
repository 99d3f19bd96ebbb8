"""One sale from several lines: what the display, the payment terminal and the scanner of a touchpoint say of it.

The rules; docs/one-sale-several-lines.md tells them with the reasons. A touchpoint is one till: what is said at another
one never counts.

- A display shows a sale by its total; what it shows of received and change belongs to it, in any order, however often.
  Other goods, a display at rest or another total mean the next sale. No total, or zero, is no sale.
- A receipt of the same amount settles the sale, whether it comes before or after the figures. It takes received and
  change where it does not say, and nothing that is printed is ever changed: a contradiction is the flag
  ``display_differs``.
- An approved payment gives the tender of its amount a reference, and type, entry and provider where those are not
  known; each payment once, the nearest in time. One that comes just after the receipt makes a correction.
- Of a payment code only the kind is kept: the tender of that kind was scanned by the merchant.
- A sale that no receipt settles within ``provisional_after`` of the last thing that was said of it is unprinted. A late
  receipt for it revises that order.
"""

from edge_agent.shop.companions.companions import SALES, Companions, Completed, Unprinted
from edge_agent.shop.companions.till import PART

__all__ = ["PART", "SALES", "Companions", "Completed", "Unprinted"]
