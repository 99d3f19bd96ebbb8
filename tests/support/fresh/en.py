"""Shops of the English-speaking world: tax on top, tax inside, tips, and what their tills print for themselves."""

from tests.support.fresh.slip import Line, Slip

SALES = (
    Slip(
        "US grocery, sales tax, cash",
        "en",
        "USD",
        "sale",
        """
           BRIAR CREEK MARKET
        1180 County Road 9, Unit 4
            (555) 010-0142
Store 0217  Reg 04  Trans 8823  Op 112
11/21/26 05:42 PM
WHL MILK GAL¦3.89 F
BANANAS
 2.31 lb @ $0.59 /lb¦1.36 F
PAPER TOWEL 6PK¦9.49 T
2 @ 1.25
CAN TOMATO 14OZ¦2.50 F
     SUBTOTAL¦17.24
     TAX 8.25%¦0.78
     TOTAL¦18.02
     CASH¦20.00
     CHANGE¦1.98
  # ITEMS SOLD 5
TC# 4471 0930 8823 0217 11
 Save 10c/gal at Briar Creek Fuel!
""",
        number="8823",
        printed_at="2026-11-21T17:42:00",
        payable=1802,
        lines=(
            Line("WHL MILK GAL", None, None, 389),
            Line("BANANAS", "2.31", 59, 136),
            Line("PAPER TOWEL 6PK", None, None, 949),
            Line("CAN TOMATO 14OZ", "2", 125, 250),
        ),
        tax_added=78,
        tenders=(("cash", 2000),),
        change=198,
        stops=(38,),
        encoding="cp437",
    ),
    Slip(
        "US hardware, card",
        "en",
        "USD",
        "sale",
        """
^PINE & SONS HARDWARE
2 Depot St, Millbrook
Invoice: 100482-A
Date: Nov 20, 2026   Time: 9:14 AM
Clerk: DALE
Qty  Item                 Each    Total
---------------------------------------
  4  2x4x8 STUD           3.98    15.92
  1  DECK SCREWS 5LB     24.50    24.50
  2  PAINT TRAY LINER     1.79     3.58
---------------------------------------
Subtotal                          44.00
Sales Tax (6.00%)                  2.64
Amount Due                       $46.64
VISA ************4419            $46.64
Auth 083311
Returns within 90 days with receipt
""",
        number="100482-A",
        printed_at="2026-11-20T09:14:00",
        payable=4664,
        lines=(
            Line("2x4x8 STUD", "4", 398, 1592),
            Line("DECK SCREWS 5LB", "1", 2450, 2450),
            Line("PAINT TRAY LINER", "2", 179, 358),
        ),
        tax_added=264,
        tenders=(("bank_card", 4664),),
        encoding="cp437",
        medium="python-escpos",
    ),
    Slip(
        "US cafe with a tip",
        "en",
        "USD",
        "sale",
        """
      Otter & Oak Coffee
        412 Harbor Ave
Order #: 0076
Server: Jess    Table: Bar 3
11/22/2026 8:05 AM
Oat Latte 12oz             5.25
  + extra shot             0.75
Almond Croissant           4.50
Drip Coffee      2         6.00
Subtotal                  16.50
Tax                        1.32
Tip                        3.00
Total                    $20.82
Mastercard               $20.82
 xxxx xxxx xxxx 0093  APPROVED
 Thank you - wifi: ottersteam
""",
        number="0076",
        printed_at="2026-11-22T08:05:00",
        payable=2082,
        lines=(
            Line("Oat Latte 12oz", None, None, 525),
            Line("+ extra shot", None, None, 75),
            Line("Almond Croissant", None, None, 450),
            Line("Drip Coffee", "2", None, 600),
        ),
        tax_added=132,
        tip=300,
        tenders=(("bank_card", 2082),),
        encoding="cp437",
    ),
    Slip(
        "UK supermarket, VAT included",
        "en",
        "GBP",
        "sale",
        """
            HAWTHORN FOODS
          Market Street, Leeds
        VAT No. GB 000 0000 00
SEMI SKIMMED 4PT¦£1.45 A
WHOLEMEAL BREAD¦£1.10 A
CHEDDAR 400G¦£3.75 A
  HAWTHORN CARD SAVING¦-£0.75
SPARKLING WATER
  3 x £0.65¦£1.95 B
TOTAL TO PAY¦£7.50
CONTACTLESS¦£7.50
  VISA DEBIT ************0071
CHANGE DUE¦£0.00
VAT SUMMARY
A 0.00%   net 5.55  vat 0.00
B 20.00%  net 1.63  vat 0.32
Points this shop 7  Balance 1,204
22/11/26 14:33  Store 114 Till 6
Receipt no 0114 0061 2233
""",
        number="0114 0061 2233",
        printed_at="2026-11-22T14:33:00",
        payable=750,
        lines=(
            Line("SEMI SKIMMED 4PT", None, None, 145),
            Line("WHOLEMEAL BREAD", None, None, 110),
            Line("CHEDDAR 400G", None, None, 375),
            Line("HAWTHORN CARD SAVING", None, None, -75, "discount"),
            Line("SPARKLING WATER", "3", 65, 195),
        ),
        tenders=(("bank_card", 750),),
        stops=(36,),
        encoding="cp858",
    ),
    Slip(
        "UK cafe",
        "en",
        "GBP",
        "sale",
        """
THE COPPER KETTLE
Tea Room & Bakery
Check 5519   Tbl 4   Cov 2
Opened 22 Nov 2026 11:02
Closed 22 Nov 2026 11:48
2 Cream Tea           17.00
1 Pot of Assam         3.20
1 Victoria Sponge      4.30
Total Food & Drink    24.50
Service Charge 10%     2.45
TOTAL DUE GBP         26.95
Cash                  30.00
Change                 3.05
Prices include VAT @ 20%
VAT 4.49  Net 22.46
""",
        number="5519",
        printed_at="2026-11-22T11:48:00",
        payable=2695,
        lines=(
            Line("Cream Tea", "2", None, 1700),
            Line("Pot of Assam", "1", None, 320),
            Line("Victoria Sponge", "1", None, 430),
            Line(None, None, None, 245, "fee"),
        ),
        tenders=(("cash", 3000),),
        change=305,
        encoding="cp858",
    ),
    Slip(
        "Australian grocery, GST included, cash rounding",
        "en",
        "AUD",
        "sale",
        """
        GUMLEAF GROCER PTY LTD
     ABN 00 000 000 000  TAX INVOICE
Lane 3  Served by Priya
Tax Invoice No: GG-30-77120
Date 22/11/2026 Time 17:21
%Milk Full Cream 2L               $3.10
Avocado Hass
  4 @ $1.80 each                  $7.20
Lamb Chops
  0.784 kg NET @ $21.99/kg       $17.24
^Dish Liquid 900ml                $4.49
 Price reduced                   -$0.50
4 SUBTOTAL                       $31.53
Rounding                          $0.02
TOTAL                            $31.55
CASH                             $40.00
CHANGE                            $8.45
TOTAL includes GST                $0.36
^ taxable item  % dairy
""",
        number="GG-30-77120",
        printed_at="2026-11-22T17:21:00",
        payable=3155,
        lines=(
            Line(None, None, None, 310),
            Line("Avocado Hass", "4", 180, 720),
            Line("Lamb Chops", "0.784", 2199, 1724),
            Line(None, None, None, 449),
            Line("Price reduced", None, None, -50, "discount"),
        ),
        rounding=2,
        tenders=(("cash", 4000),),
        change=845,
        encoding="cp437",
    ),
    Slip(
        "Irish deli, euro sign",
        "en",
        "EUR",
        "sale",
        """
@logo
^MURPHY'S DELI
Receipt 2611-0841        Till 1
22-Nov-2026 12:58
Chicken Roll¦1¦€5.50¦€5.50
Breakfast Tea¦2¦€2.20¦€4.40
Scone & Jam¦1¦€2.80¦€2.80
Meal Deal¦¦¦-€1.20
Total¦€11.50
Paid by Card¦€11.50
VAT incl. 13.5%¦€1.37
@qr:https://deli.example.com/r/26110841
""",
        number="2611-0841",
        printed_at="2026-11-22T12:58:00",
        payable=1150,
        lines=(
            Line("Chicken Roll", "1", 550, 550),
            Line("Breakfast Tea", "2", 220, 440),
            Line("Scone & Jam", "1", 280, 280),
            Line("Meal Deal", None, None, -120, "discount"),
        ),
        tenders=(("bank_card", 1150),),
        stops=(22, 32, 42),
        encoding="cp858",
        medium="python-escpos",
    ),
    Slip(
        "Singapore bakery, GST on top",
        "en",
        "SGD",
        "sale",
        """
^RISE & CRUMB
Bill No.: RC00031877
Pax: 1  Counter 2
22/11/2026 16:05:33
Pandan Chiffon¦9.80
Curry Puff x3¦5.40
Kopi-O¦1.90
Sub Total¦17.10
GST 9%¦1.54
Round Adj¦-0.04
Grand Total¦$18.60
NETS¦18.60
""",
        number="RC00031877",
        printed_at="2026-11-22T16:05:33",
        payable=1860,
        lines=(Line("Pandan Chiffon", None, None, 980), Line(None, None, None, 540), Line("Kopi-O", None, None, 190)),
        tax_added=154,
        rounding=-4,
        tenders=((None, 1860),),
        stops=(32,),
        encoding="cp437",
        medium="escpos",
    ),
    Slip(
        "US home theatre, thousands and gift card",
        "en",
        "USD",
        "sale",
        """
HOLLISTER HOME THEATER
Sales Receipt SR-20261121-17
11-21-2026 13:47
Assoc: 3381
OLED TV 65"
  SKU 8841120   1 @ 1,499.00   1,499.00
WALL MOUNT
  SKU 7730118   1 @ 129.99       129.99
Instant Rebate                  -150.00
SUBTOTAL                       1,478.99
TAX 7.000%                       103.53
TOTAL                          1,582.52
GIFT CARD ****8830               250.00
AMEX ***********1007           1,332.52
CHANGE                             0.00
""",
        number="SR-20261121-17",
        printed_at="2026-11-21T13:47:00",
        payable=158252,
        lines=(
            Line('OLED TV 65"', "1", 149900, 149900),
            Line("WALL MOUNT", "1", 12999, 12999),
            Line("Instant Rebate", None, None, -15000, "discount"),
        ),
        tax_added=10353,
        tenders=(("gift_card", 25000), ("bank_card", 133252)),
        encoding="cp437",
    ),
)

SLIPS = (
    Slip(
        "guest check with suggested tips",
        "en",
        "USD",
        "prebill",
        """
^GUEST CHECK
THE IRON SKILLET
Chk 2240  Tbl 12  Gst 3
Svr: Marco  11/22/26 7:22PM
1 Ribeye 12oz       34.00
2 Caesar Salad      22.00
1 Iced Tea           3.50
Subtotal            59.50
Tax                  5.21
Balance Due        $64.71
Suggested Gratuity
18% $10.71 20% $11.90
This is not a receipt
""",
        number="2240",
        payable=6471,
        tax_added=521,
        printed_at="2026-11-22T19:22:00",
        lines=(
            Line("Ribeye 12oz", "1", None, 3400),
            Line("Caesar Salad", "2", None, 2200),
            Line("Iced Tea", "1", None, 350),
        ),
        encoding="cp437",
        medium="python-escpos",
    ),
    Slip(
        "US return",
        "en",
        "USD",
        "return",
        """
           BRIAR CREEK MARKET
        *** RETURN / REFUND ***
Store 0217  Reg 04  Trans 8830  Op 112
Orig Trans 8823  11/21/26
11/22/26 10:11 AM
PAPER TOWEL 6PK¦-9.49 T
     SUBTOTAL¦-9.49
     TAX 8.25%¦-0.78
     TOTAL REFUND¦-10.27
     CASH¦-10.27
""",
        number="8830",
        printed_at="2026-11-22T10:11:00",
        payable=1027,
        lines=(Line("PAPER TOWEL 6PK", None, None, 949),),
        tax_added=78,
        tenders=(("cash", 1027),),
        stops=(38,),
        encoding="cp437",
    ),
    Slip(
        "UK void",
        "en",
        "GBP",
        "void",
        """
HAWTHORN FOODS
** TRANSACTION VOIDED **
Receipt no 0114 0061 2240
22/11/26 14:51 Till 6 Op 33
DIGESTIVES 400G¦£1.25
TEA BAGS 80¦£2.40
VOID TOTAL¦£3.65
""",
        number="0114 0061 2240",
        printed_at="2026-11-22T14:51:00",
        payable=365,
        lines=(Line("DIGESTIVES 400G", None, None, 125), Line("TEA BAGS 80", None, None, 240)),
        stops=(32,),
        encoding="cp858",
    ),
    Slip(
        "duplicate",
        "en",
        "USD",
        "reprint",
        """
     *** DUPLICATE COPY ***
      Otter & Oak Coffee
Order #: 0071
11/22/2026 7:48 AM
Cortado                    4.25
Subtotal                   4.25
Tax                        0.34
Total                     $4.59
Visa                      $4.59
""",
        number="0071",
        payable=459,
        tax_added=34,
        lines=(Line("Cortado", None, None, 425),),
        tenders=(("bank_card", 459),),
        printed_at="2026-11-22T07:48:00",
        encoding="cp437",
    ),
    Slip(
        "gift card reload",
        "en",
        "USD",
        "top_up",
        """
      Otter & Oak Coffee
      GIFT CARD RELOAD
Order #: 0088
11/22/2026 9:30 AM
Card ************5521
Reload Amount             25.00
Total                    $25.00
Visa                     $25.00
New Balance              $31.40
""",
        number="0088",
        payable=2500,
        lines=(Line(None, None, None, 2500, "top_up"),),
        tenders=(("bank_card", 2500),),
        printed_at="2026-11-22T09:30:00",
        encoding="cp437",
    ),
    Slip(
        "kitchen ticket",
        "en",
        "USD",
        "kitchen",
        """
^KITCHEN
^TABLE 12
Chk 2240  Marco  7:01PM
1 RIBEYE 12OZ
   MED RARE
   NO ONION
2 CAESAR SALAD
** FIRE NOW **
""",
        encoding="cp437",
        medium="escpos",
    ),
    Slip(
        "card slip, merchant copy",
        "en",
        "GBP",
        "merchant_copy",
        """
THE COPPER KETTLE
MERCHANT COPY
MID: ****3321  TID: ****0008
22/11/2026 11:47
SALE
VISA CREDIT CONTACTLESS
************3308
AMOUNT  GBP26.95
AUTH CODE 009812
PLEASE KEEP FOR YOUR RECORDS
""",
        encoding="cp858",
    ),
    Slip(
        "Z report",
        "en",
        "USD",
        "shift_report",
        """
   PINE & SONS HARDWARE
     Z REPORT  #0412
Reg 1  11/20/2026 6:02 PM
Transactions          61
Gross Sales      2,881.40
Refunds            -46.64
Net Sales        2,834.76
Sales Tax          170.09
CASH               811.20
VISA/MC          2,193.65
*** END OF REPORT ***
""",
        encoding="cp437",
    ),
    Slip(
        "paid out",
        "en",
        "USD",
        "cash_in_out",
        """
BRIAR CREEK MARKET
PAID OUT
Reg 04  Op 112
11/21/26 03:15 PM
Amount           $45.00
Reason: window cleaner
Signature ______________
""",
        cash=("out", 4500),
        printed_at="2026-11-21T15:15:00",
        encoding="cp437",
    ),
)

ALL = (*SALES, *SLIPS)
