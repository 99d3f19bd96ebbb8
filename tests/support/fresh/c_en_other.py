"""Returns, voids, reports, copies: English slips of the third batch."""

from tests.support.fresh.slip import Line, Slip

ALL = (
    Slip(
        "c-us-refund-elm-outfitters",
        "en",
        "USD",
        "return",
        """
^ELM OUTFITTERS
*** REFUND ***
Receipt No: R-10388
Original Receipt: 10217
05/22/2026 3:31 PM
----------------------------------------
FLEECE VEST M¦-45.00
----------------------------------------
SUBTOTAL¦-45.00
TAX¦-3.15
REFUND TOTAL¦-48.15
VISA ****3307¦-48.15
----------------------------------------
Customer signature ___________________
""",
        number="R-10388",
        printed_at="2026-05-22T15:31:00",
        payable=4815,
        tax_added=315,
        lines=(Line("FLEECE VEST M", None, None, 4500),),
        tenders=(("bank_card", 4815),),
        stops=(40,),
        encoding="cp437",
        medium="escpos",
    ),
    Slip(
        "c-uk-void-bramble-tea",
        "en",
        "GBP",
        "void",
        """
        BRAMBLE TEA ROOM
        ** VOID SALE **
Order 3391
26/07/2026 14:18
--------------------------------
1 Cream Tea              £9.50
1 Earl Grey              £3.20
--------------------------------
VOID TOTAL              £12.70
Reason: wrong table
Manager: Ruth
""",
        number="3391",
        printed_at="2026-07-26T14:18:00",
        payable=1270,
        lines=(Line("Cream Tea", "1", None, 950), Line("Earl Grey", "1", None, 320)),
        encoding="cp858",
    ),
    Slip(
        "c-us-z-report",
        "en",
        "USD",
        "shift_report",
        """
          BAYSIDE TACOS
       END OF DAY REPORT (Z)
Terminal 2      Z# 0412
04/30/2026 10:04 PM
--------------------------------
Gross Sales            2,184.75
Discounts                -64.20
Net Sales              2,120.55
Sales Tax                174.95
Total Collected        2,295.50
--------------------------------
Cash        38           512.40
Visa        71         1,294.60
Mastercard  22           488.50
--------------------------------
Drawer Opening           150.00
Expected in Drawer       662.40
""",
        printed_at="2026-04-30T22:04:00",
        encoding="cp437",
    ),
    Slip(
        "c-uk-paid-out",
        "en",
        "GBP",
        "cash_in_out",
        """
FERNLEY NEWS & CARDS
** PAID OUT **
17/03/2026 09:02
Till 1   Clerk: Asha
Window cleaner
Amount          £18.00
Signature ____________
""",
        printed_at="2026-03-17T09:02:00",
        cash=("out", 1800),
        encoding="cp858",
    ),
    Slip(
        "c-us-guest-check",
        "en",
        "USD",
        "prebill",
        """
^OLD MILL GRILL
GUEST CHECK
Check: 2217   Table: 14   Server: Ben
06/17/2026 7:22 PM
----------------------------------------
2 House Salad¦15.00
1 Ribeye 12oz¦34.00
1 Trout Almondine¦27.50
----------------------------------------
Subtotal¦76.50
Tax¦5.36
Amount Due¦81.86
----------------------------------------
Suggested tip: 18% = 13.77  20% = 15.30
This is not a receipt
""",
        number="2217",
        printed_at="2026-06-17T19:22:00",
        payable=8186,
        tax_added=536,
        lines=(
            Line("House Salad", "2", None, 1500),
            Line("Ribeye 12oz", "1", None, 3400),
            Line("Trout Almondine", "1", None, 2750),
        ),
        stops=(40,),
        encoding="cp437",
        medium="escpos",
    ),
    Slip(
        "c-uk-merchant-copy",
        "en",
        "GBP",
        "merchant_copy",
        """
      THE LAMPLIGHT SHOP
   MERCHANT COPY - PLEASE RETAIN
--------------------------------
VISA DEBIT
**** **** **** 4026   CHIP
AID A0000000031010
SALE
AMOUNT                £23.40
PIN VERIFIED
AUTH CODE 019284
MID *****51234  TID ****0081
25/09/2026 12:37
--------------------------------
""",
        printed_at="2026-09-25T12:37:00",
        encoding="cp858",
    ),
)
