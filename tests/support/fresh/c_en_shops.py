"""Shops and a pub: English slips of the third batch."""

from tests.support.fresh.slip import Line, Slip

ALL = (
    Slip(
        "c-us-harlan-hardware",
        "en",
        "USD",
        "sale",
        """
^HARLAN HARDWARE
We cut keys!
------------------------------------------------
SKU     DESCRIPTION¦QTY¦PRICE¦EXT
------------------------------------------------
440128  WOOD SCREW #8 50PK¦2¦6.49¦12.98
118203  PAINTERS TAPE 1.5IN¦1¦7.99¦7.99
900041  HOUSE KEY CUT¦3¦2.50¦7.50
------------------------------------------------
SUBTOTAL¦28.47
TAX 6.00%¦1.71
TOTAL¦$30.18
CASH¦$40.25
CHANGE¦$10.07
------------------------------------------------
TICKET: 51-209934
DATE: 10/29/2026  TIME: 2:14 PM
No returns on cut keys or mixed paint
""",
        number="51-209934",
        printed_at="2026-10-29T14:14:00",
        payable=3018,
        tax_added=171,
        lines=(
            Line(None, "2", 649, 1298),
            Line(None, "1", 799, 799),
            Line(None, "3", 250, 750),
        ),
        tenders=(("cash", 4025),),
        change=1007,
        stops=(32, 39, 48),
        encoding="cp437",
        medium="python-escpos",
    ),
    Slip(
        "c-us-paws-pantry",
        "en",
        "USD",
        "sale",
        "\x1ba\x01\x1b!\x38PAWS PANTRY\x1b!\x00\n"
        "\x1ba\x00\x1bD\x18\x00Receipt # 8-004417\n"
        """Apr 18, 2026 4:52 PM
--------------------------------
Salmon Kibble 5lb\t  24.99
Rope Toy\t   8.50
Dental Chews 12ct\t  11.25
--------------------------------
Subtotal\t  44.74
Discount\t  -5.00
Tax\t   3.28
Total\t $43.02
Credit Card\t $43.02
--------------------------------
Earn 2x Paw Points every Tuesday!
""",
        number="8-004417",
        printed_at="2026-04-18T16:52:00",
        payable=4302,
        tax_added=328,
        lines=(
            Line("Salmon Kibble 5lb", None, None, 2499),
            Line("Rope Toy", None, None, 850),
            Line("Dental Chews 12ct", None, None, 1125),
            Line(None, None, None, -500, "discount"),
        ),
        tenders=(("bank_card", 4302),),
        encoding="cp1252",
    ),
    Slip(
        "c-uk-penrose-pharmacy",
        "en",
        "GBP",
        "sale",
        """
        PENROSE PHARMACY
--------------------------------
Paracetamol 500mg 16s
    2 x 0.89              1.78
Plasters Assorted         2.49
Hand Cream 75ml           4.25
--------------------------------
Balance Due               8.52
Coupon                    1.00
Card                      7.52
--------------------------------
21/02/2026 11:50:27
Trans 004182 Till 02
Ask about our free flu jabs
""",
        number="004182",
        printed_at="2026-02-21T11:50:27",
        payable=852,
        lines=(
            Line("Paracetamol 500mg 16s", "2", 89, 178),
            Line("Plasters Assorted", None, None, 249),
            Line("Hand Cream 75ml", None, None, 425),
        ),
        tenders=(("coupon", 100), ("bank_card", 752)),
        encoding="cp437",
    ),
    Slip(
        "c-uk-copper-kettle-pub",
        "en",
        "GBP",
        "sale",
        """
^The Copper Kettle
Tbl 22   Covers 3   Staff Tom
Bill 118840
30-09-2026 20:36
----------------------------------------
3 x Pint Best Bitter¦14.85
1 x Fish & Chips¦15.95
2 x Steak Pie¦29.90
1 x Sticky Toffee¦6.75
----------------------------------------
Food & Drink¦67.45
Service Charge 12.5%¦8.43
TOTAL¦75.88
Amex¦75.88
----------------------------------------
VAT No 000 9876 54
Quiz night Thursdays - £50 bar tab prize
""",
        number="118840",
        printed_at="2026-09-30T20:36:00",
        payable=7588,
        lines=(
            Line("Pint Best Bitter", "3", None, 1485),
            Line("Fish & Chips", "1", None, 1595),
            Line("Steak Pie", "2", None, 2990),
            Line("Sticky Toffee", "1", None, 675),
            Line(None, None, None, 843, "fee"),
        ),
        tenders=(("bank_card", 7588),),
        stops=(40,),
        encoding="cp858",
        medium="escpos",
    ),
    Slip(
        "c-au-tidewater-surf",
        "en",
        "AUD",
        "sale",
        """
Tidewater Surf & Swim
Tax Invoice  ABN 00 987 654 321
Docket: TW-20771
Date: 27/12/2026 13:05
================================
Rash Vest Kids 8
   1    39.95          39.95
Wax Bar Tropical
   4     5.00          20.00
================================
Total (inc GST)       $59.95
 GST                   $5.45
EFTPOS                $59.95
================================
Exchange within 30 days
""",
        number="TW-20771",
        printed_at="2026-12-27T13:05:00",
        payable=5995,
        lines=(Line("Rash Vest Kids 8", "1", 3995, 3995), Line("Wax Bar Tropical", "4", 500, 2000)),
        tenders=(("bank_card", 5995),),
        encoding="cp437",
    ),
)
