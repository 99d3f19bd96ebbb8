"""The fourth batch: American, British and Australian grocers and cafés."""

from tests.support.fresh.slip import Line, Slip

ALL: tuple[Slip, ...] = (
    Slip(
        name="d-en-us-grocer",
        language="en",
        currency="USD",
        kind="sale",
        text="""
            HARVEST LANE MARKET
             1420 Cedar Ave
         Springfield  555-0142
ST# 0114  OP# 00932  TE# 07  TR# 04418
LARGE EGGS 12CT¦3.49 F
WHOLE MILK GAL¦4.19 F
BANANAS
  2.31 lb @ 0.59 /lb¦1.36 F
PAPER TOWELS 6RL¦9.99 T
  SUBTOTAL¦19.03
  TAX 7.000%¦0.70
  TOTAL¦19.73
  VISA¦19.73
ACCT# ************4421
APPROVAL# 07731C
  CHANGE DUE¦0.00
# ITEMS SOLD 4
11/14/2026  17:20:33
""",
        printed_at="2026-11-14T17:20:33",
        payable=1973,
        lines=(
            Line("LARGE EGGS 12CT", None, None, 349),
            Line("WHOLE MILK GAL", None, None, 419),
            Line("BANANAS", "2.31", 59, 136),
            Line("PAPER TOWELS 6RL", None, None, 999),
        ),
        tenders=(("bank_card", 1973),),
        tax_added=70,
        stops=(38,),
        encoding="cp437",
    ),
    Slip(
        name="d-en-us-savings",
        language="en",
        currency="USD",
        kind="sale",
        text="""
^BRIGHTWAY FOODS
Store 27  Register 4
Receipt: 27-4-118302
Date: 11/16/2026 09:48 AM
Cashier: DANA
----------------------------------------
GREEK YOGURT 32OZ¦5.99
  SALE SAVINGS¦-1.00
SOURDOUGH LOAF¦4.50
2 @ 3.25
ORANGE JUICE 52OZ¦6.50
----------------------------------------
SUBTOTAL¦15.99
TAX¦0.00
BALANCE DUE¦15.99
CASH¦20.00
CHANGE¦4.01
YOU SAVED $1.00 TODAY
""",
        number="27-4-118302",
        printed_at="2026-11-16T09:48:00",
        payable=1599,
        lines=(
            Line("GREEK YOGURT 32OZ", None, None, 599),
            Line(None, None, None, -100, "discount"),
            Line("SOURDOUGH LOAF", None, None, 450),
            Line("ORANGE JUICE 52OZ", "2", 325, 650),
        ),
        tenders=(("cash", 2000),),
        change=401,
        stops=(40,),
        encoding="cp437",
        medium="escpos",
    ),
    Slip(
        name="d-en-uk-grocer",
        language="en",
        currency="GBP",
        kind="sale",
        text="""
          FENWORTH'S LOCAL
       18 Mill Road, Otley
      VAT No: GB 000 0000 00
--------------------------------
SEMI SKIM MILK 2L¦£1.65
WHOLEMEAL BREAD¦£1.40
CHEDDAR 350G¦£3.75
BAKED BEANS 4PK
  2 x £2.80¦£5.60
--------------------------------
5 ITEMS
TOTAL TO PAY¦£12.40
CARD SALE¦£12.40
CONTACTLESS  ****7719
15/11/2026 18:07  T2 #60913
""",
        printed_at="2026-11-15T18:07:00",
        payable=1240,
        lines=(
            Line("SEMI SKIM MILK 2L", None, None, 165),
            Line("WHOLEMEAL BREAD", None, None, 140),
            Line("CHEDDAR 350G", None, None, 375),
            Line("BAKED BEANS 4PK", "2", 280, 560),
        ),
        tenders=(("bank_card", 1240),),
        stops=(32,),
        encoding="cp858",
    ),
    Slip(
        name="d-en-uk-loyalty",
        language="en",
        currency="GBP",
        kind="sale",
        text="""
^Pennywell Stores
Till 03   Trans 004871
Served by Aisha
17/11/2026 12:31:09
Qty Item¦Price
  1 Cheese & Onion Pasty¦2.95
  2 Salted Crisps¦2.50
  1 Still Water 750ml¦1.15
Meal Saver¦-0.80
Total GBP¦5.80
Cash¦10.00
Change¦4.20
VAT @ 20%¦0.42
Thank you for shopping with us
""",
        number="004871",
        printed_at="2026-11-17T12:31:09",
        payable=580,
        lines=(
            Line("Cheese & Onion Pasty", "1", None, 295),
            Line("Salted Crisps", "2", None, 250),
            Line("Still Water 750ml", "1", None, 115),
            Line(None, None, None, -80, "discount"),
        ),
        tenders=(("cash", 1000),),
        change=420,
        stops=(36,),
        encoding="cp437",
        medium="python-escpos",
    ),
    Slip(
        name="d-en-au-grocer",
        language="en",
        currency="AUD",
        kind="sale",
        text="""
        COOLABAH FOODWORKS
       ABN 00 000 000 000
          TAX INVOICE
Invoice No: 5521903
Date: 18/11/2026  Time: 16:44
Description¦Qty¦Price¦Total
FLAT WHITE SACHETS¦1¦6.20¦6.20
LAMINGTON 6PK¦2¦5.50¦11.00
%TEA TOWEL¦1¦4.99¦4.99
TOTAL¦22.19
ROUNDING¦0.01
CASH¦22.20
CHANGE¦0.00
GST INCLUDED IN TOTAL¦0.45
% = TAXABLE ITEM
""",
        number="5521903",
        printed_at="2026-11-18T16:44:00",
        payable=2220,
        lines=(
            Line("FLAT WHITE SACHETS", "1", 620, 620),
            Line("LAMINGTON 6PK", "2", 550, 1100),
            Line(None, "1", 499, 499),
        ),
        tenders=(("cash", 2220),),
        rounding=1,
        stops=(24, 32, 40),
        encoding="cp437",
    ),
    Slip(
        name="d-en-au-greengrocer",
        language="en",
        currency="AUD",
        kind="sale",
        text="""
^Banksia Fruit & Veg
Tax Invoice #88120
19/11/2026 08:15:27 AM
Lane 2
------------------------------------------
Royal Gala Apples
  1.245 kg NET @ $4.90/kg¦$6.10
Avocado Hass
  3 @ $1.80 EACH¦$5.40
Brown Onions
  0.880 kg NET @ $2.50/kg¦$2.20
------------------------------------------
Total¦$13.70
EFTPOS¦$13.70
Total includes GST¦$0.00
""",
        number="88120",
        printed_at="2026-11-19T08:15:27",
        payable=1370,
        lines=(
            Line("Royal Gala Apples", "1.245", 490, 610),
            Line("Avocado Hass", "3", 180, 540),
            Line("Brown Onions", "0.880", 250, 220),
        ),
        tenders=(("bank_card", 1370),),
        stops=(42,),
        encoding="cp437",
        medium="escpos",
    ),
    Slip(
        name="d-en-cafe-tip",
        language="en",
        currency="USD",
        kind="sale",
        text="""
^COPPER KETTLE CAFE
Order #: 318
Server: Marco      Table: 6
Nov 20, 2026  10:22 AM
------------------------------------
2 Cappuccino¦9.00
1 Avocado Toast¦11.50
  add egg
1 Blueberry Muffin¦4.25
------------------------------------
Subtotal¦24.75
Sales Tax¦2.04
Tip¦5.00
Total¦31.79
Mastercard ****1180¦31.79
""",
        number="318",
        printed_at="2026-11-20T10:22:00",
        payable=3179,
        lines=(
            Line("Cappuccino", "2", None, 900),
            Line(None, "1", None, 1150),
            Line("Blueberry Muffin", "1", None, 425),
        ),
        tenders=(("bank_card", 3179),),
        tax_added=204,
        tip=500,
        stops=(36,),
        encoding="cp437",
        medium="python-escpos",
    ),
    Slip(
        name="d-en-uk-cafe",
        language="en",
        currency="GBP",
        kind="sale",
        text="""
The Lantern Tearoom
Bill no. 2207
Table 4    Covers 2
Date 14/11/2026   Time 15:38
Pot of Tea          2 x 3.20    6.40
Cream Scone         2 x 4.50    9.00
Carrot Cake         1 x 4.95    4.95
Sub Total                      20.35
Gratuity                        2.00
Total                          22.35
Paid by Card                   22.35
""",
        number="2207",
        printed_at="2026-11-14T15:38:00",
        payable=2235,
        lines=(
            Line("Pot of Tea", "2", 320, 640),
            Line("Cream Scone", "2", 450, 900),
            Line("Carrot Cake", "1", 495, 495),
        ),
        tenders=(("bank_card", 2235),),
        tip=200,
        encoding="cp437",
    ),
    Slip(
        name="d-en-refund",
        language="en",
        currency="GBP",
        kind="return",
        text="""
^HOLLIN & PIKE
        ** REFUND **
Receipt No: R-10442
Original Receipt: 10398
16/11/2026 11:05
--------------------------------
Wool Scarf Grey¦-24.00
--------------------------------
REFUND TOTAL¦-24.00
Card refund ****2280¦-24.00
Customer signature
""",
        number="R-10442",
        printed_at="2026-11-16T11:05:00",
        payable=2400,
        lines=(Line("Wool Scarf Grey", None, None, 2400),),
        tenders=(("bank_card", 2400),),
        stops=(32,),
        encoding="cp437",
        medium="escpos",
    ),
    Slip(
        name="d-en-guest-check",
        language="en",
        currency="USD",
        kind="prebill",
        text="""
^SADDLEBACK GRILL
GUEST CHECK
Check #: 7045     Table: 22
Guests: 3    Server: Jo
11/18/2026 07:52 PM
--------------------------------
1 Ribeye 12oz¦34.00
2 House Salad¦17.00
3 Iced Tea¦10.50
--------------------------------
Subtotal¦61.50
Tax¦5.07
Amount Due¦66.57
Suggested tip: 18% = 11.07
   20% = 12.30
THIS IS NOT A RECEIPT
""",
        number="7045",
        printed_at="2026-11-18T19:52:00",
        payable=6657,
        lines=(
            Line("Ribeye 12oz", "1", None, 3400),
            Line("House Salad", "2", None, 1700),
            Line("Iced Tea", "3", None, 1050),
        ),
        tax_added=507,
        stops=(32,),
        encoding="cp437",
        medium="escpos",
    ),
)
