"""Second batch: English-language groceries with their taxes, and cafés with a tip."""

from tests.support.fresh.b_zh_shops import off
from tests.support.fresh.slip import Line, Slip

GROCERY = (
    Slip(
        "us-sunfield",
        "en",
        "USD",
        "sale",
        """
            SUNFIELD MARKET
        214 Orchard Ave  Store #118
      OPEN 7AM-10PM  CASHIER: DANA
WHOLE MILK GAL¦3.99 F
BREAD WHEAT¦2.79 F
PAPER TOWELS 6PK¦8.49 T
BANANAS
1.52 lb @ 0.59/lb¦0.90 F
SUBTOTAL¦16.17
TAX 8.25%¦0.70
TOTAL¦16.87
CASH¦20.00
CHANGE¦3.13
# ITEMS SOLD 4
TRANS #: 004512  REG 03  11/14/2026 05:42 PM
YOU SAVED 1.20 TODAY!
""",
        number="004512",
        printed_at="2026-11-14T17:42",
        payable=1687,
        tax_added=70,
        lines=(
            Line("WHOLE MILK GAL", None, None, 399),
            Line("BREAD WHEAT", None, None, 279),
            Line("PAPER TOWELS 6PK", None, None, 849),
            Line("BANANAS", "1.52", 59, 90),
        ),
        tenders=(("cash", 2000),),
        change=313,
        stops=(40,),
        encoding="cp437",
    ),
    Slip(
        "us-coupon-debit",
        "en",
        "USD",
        "sale",
        """
PRAIRIE FOODS CO-OP
Receipt # 88-20413
Date: Nov 20, 2026  9:15 AM
Lane 2   Clerk 417
----------------------------------------
2 @ $4.50
  GREEK YOGURT 32OZ              $9.00
COFFEE BEANS 12OZ               $13.99
  STORE COUPON                  -$2.00
SPARKLING WATER                  $5.49
----------------------------------------
Subtotal                        $26.48
Sales Tax                        $0.45
BALANCE DUE                     $26.93
VISA DEBIT                      $26.93
CHANGE DUE                       $0.00
----------------------------------------
Member points balance: 1,482
""",
        number="88-20413",
        printed_at="2026-11-20T09:15",
        payable=2693,
        tax_added=45,
        lines=(
            Line("GREEK YOGURT 32OZ", "2", 450, 900),
            Line("COFFEE BEANS 12OZ", None, None, 1399),
            off(200),
            Line("SPARKLING WATER", None, None, 549),
        ),
        tenders=(("bank_card", 2693),),
        encoding="cp437",
    ),
    Slip(
        "uk-vat-included",
        "en",
        "GBP",
        "sale",
        """
        HAWTHORN & PEEL
      12 High Street, Marlow
VAT Reg No 000 0000 00
--------------------------------
Semi Skimmed 2L           £1.55
Cheddar 350g              £3.40
2 x Baked Beans 0.85      £1.70
Meal Deal Saving         -£0.65
--------------------------------
TOTAL                     £6.00
CARD                      £6.00
VAT included 20%          £0.00
--------------------------------
Receipt No: 5521-07-0093
21/11/2026 13:05:22
Thank you for shopping with us
""",
        number="5521-07-0093",
        printed_at="2026-11-21T13:05:22",
        payable=600,
        lines=(
            Line("Semi Skimmed 2L", None, None, 155),
            Line("Cheddar 350g", None, None, 340),
            Line("Baked Beans", "2", 85, 170),
            off(65),
        ),
        tenders=(("bank_card", 600),),
        encoding="cp858",
    ),
    Slip(
        "uk-vat-table",
        "en",
        "GBP",
        "sale",
        """
BRAMBLE STORES LTD
Till 4  Op 22   18-Oct-26 17:31
Trans 004417
QTY ITEM              EACH   AMOUNT
1   KETTLE 1.7L      24.99    24.99 A
3   LIGHT BULB E27    2.50     7.50 A
2   CRISPS 150G       1.80     3.60 A
                  ---------------
AMOUNT DUE                   36.09
TENDERED CASH                40.00
CHANGE                        3.91
VAT RATE    NET     VAT    GROSS
A 20.00   30.08    6.01    36.09
ITEMS 6
""",
        number="004417",
        printed_at="2026-10-18T17:31",
        payable=3609,
        lines=(
            Line("KETTLE 1.7L", "1", 2499, 2499),
            Line("LIGHT BULB E27", "3", 250, 750),
            Line("CRISPS 150G", "2", 180, 360),
        ),
        tenders=(("cash", 4000),),
        change=391,
        encoding="cp858",
    ),
    Slip(
        "au-gst-included",
        "en",
        "AUD",
        "sale",
        """
     WATTLE CREEK GROCER
      ABN 00 000 000 000
         TAX INVOICE
Invoice 10-0033871   Reg 10
22/11/2026  10:44 am
==========================================
* Dishwash Liquid 1L                  4.20
  Avocado Each
    3 @ $1.90                         5.70
  Lamb Chops
    0.684 kg @ $21.00/kg             14.36
==========================================
TOTAL                               $24.26
Rounding                            -$0.01
Cash                                $30.00
Change                               $5.75
GST included in total                $0.38
* indicates taxable item
""",
        number="10-0033871",
        printed_at="2026-11-22T10:44",
        payable=2425,
        lines=(
            Line("Dishwash Liquid 1L", None, None, 420),
            Line("Avocado Each", "3", 190, 570),
            Line("Lamb Chops", "0.684", 2100, 1436),
        ),
        tenders=(("cash", 3000),),
        change=575,
        rounding=-1,
        encoding="cp437",
    ),
    Slip(
        "sg-paynow",
        "en",
        "SGD",
        "sale",
        """
        PANDAN MINIMART
   BLK 000 SERANGOON #01-11
GST REG NO: M0-0000000-0
BILL NO : PM-2026-11-4471
DATE    : 19/11/2026 20:02
CASHIER : LIM
--------------------------------
KAYA SPREAD 400G
  1 X 5.60                  5.60
CHRYSANTHEMUM TEA
  6 X 0.90                  5.40
RICE 5KG
  1 X 13.90                13.90
--------------------------------
SUB-TOTAL                  24.90
MEMBER DISC                -0.90
NETT TOTAL                 24.00
NETS                       24.00
--------------------------------
GST 9% INCL                 1.98
""",
        number="PM-2026-11-4471",
        printed_at="2026-11-19T20:02",
        payable=2400,
        lines=(
            Line("KAYA SPREAD 400G", "1", 560, 560),
            Line("CHRYSANTHEMUM TEA", "6", 90, 540),
            Line("RICE 5KG", "1", 1390, 1390),
            off(90),
        ),
        tenders=((None, 2400),),
        encoding="cp437",
    ),
    Slip(
        "us-gift-card-thousands",
        "en",
        "USD",
        "sale",
        """
BIRCHWOOD HOME & HARDWARE
STORE 0042  TERM 09  ASSOC 5531
SALE                 09/03/26 14:20
840012300017 CORDLESS DRILL
                     1  249.00   249.00
840012300024 PATIO SET
                     1  899.00   899.00
840012300031 WOOD SCREWS
                     4    6.25    25.00
               SUBTOTAL        1,173.00
               TAX 7.000%         82.11
               TOTAL           1,255.11
               GIFT CARD         200.00
               MASTERCARD      1,055.11
GIFT CARD BALANCE  0.00
TXN 0042-09-7719
""",
        number="0042-09-7719",
        printed_at="2026-09-03T14:20",
        payable=125511,
        tax_added=8211,
        lines=(
            Line("CORDLESS DRILL", "1", 24900, 24900),
            Line("PATIO SET", "1", 89900, 89900),
            Line("WOOD SCREWS", "4", 625, 2500),
        ),
        tenders=(("gift_card", 20000), ("bank_card", 105511)),
        encoding="cp437",
    ),
    Slip(
        "us-void-line-two-taxes",
        "en",
        "USD",
        "sale",
        """
^CEDAR STREET DELI
Order #: 2207
2026-11-18 12:33:10
TURKEY CLUB¦11.50
CHIPS¦2.25
VOID CHIPS¦-2.25
ICED TEA¦3.00
SUBTOTAL¦14.50
STATE TAX¦0.87
CITY TAX¦0.29
TOTAL¦15.66
CASH TENDERED¦16.00
CHANGE¦0.34
CUSTOMER COPY - RETURNS WITHIN 30 DAYS
""",
        number="2207",
        printed_at="2026-11-18T12:33:10",
        payable=1566,
        tax_added=116,
        tenders=(("cash", 1600),),
        change=34,
        stops=(32,),
        encoding="cp437",
        medium="escpos",
    ),
)

CAFES = (
    Slip(
        "cafe-tip-card",
        "en",
        "USD",
        "sale",
        """
        LANTERN COFFEE BAR
Check 1193   Server: Mo   Table 6
11/21/2026 8:52 AM
--------------------------------
2 Cappuccino               9.50
1 Almond Croissant         4.75
1 Avocado Toast           12.00
--------------------------------
Subtotal                  26.25
Tax                        2.33
Tip                        5.00
Total                     33.58
--------------------------------
VISA **** 4242            33.58
""",
        number="1193",
        printed_at="2026-11-21T08:52",
        payable=3358,
        tax_added=233,
        tip=500,
        lines=(
            Line("Cappuccino", "2", None, 950),
            Line("Almond Croissant", "1", None, 475),
            Line("Avocado Toast", "1", None, 1200),
        ),
        tenders=(("bank_card", 3358),),
        encoding="cp437",
    ),
    Slip(
        "cafe-gratuity-auto",
        "en",
        "USD",
        "sale",
        """
THE BRASS KETTLE
Guests: 6    Tbl 14    Srv: Ines
Check # 40021
Nov 15 2026 07:48PM
----------------------------------------
3  Fish & Chips @ 18.00            54.00
2  House Salad @ 9.00              18.00
1  Pitcher Lager                   22.00
----------------------------------------
Food/Bev Subtotal                  94.00
Sales Tax 6%                        5.64
Gratuity 18%                       16.92
TOTAL DUE                         116.56
Cash                              120.00
Change                              3.44
""",
        number="40021",
        printed_at="2026-11-15T19:48",
        payable=11656,
        tax_added=564,
        tip=1692,
        lines=(
            Line("Fish & Chips", "3", 1800, 5400),
            Line("House Salad", "2", 900, 1800),
            Line("Pitcher Lager", "1", None, 2200),
        ),
        tenders=(("cash", 12000),),
        change=344,
        encoding="cp437",
    ),
    Slip(
        "cafe-suggested-tips",
        "en",
        "USD",
        "sale",
        """
      JUNIPER & RYE CAFE
Order 0318  To Go
2026-11-22 11:09
1x Cold Brew          $5.25
1x Bagel w/ Lox      $11.50
1x Oat Milk           $0.75
-----------------------------
Subtotal             $17.50
Tax                   $1.55
Total                $19.05
Apple Pay            $19.05
-----------------------------
Suggested tip:
 15% = $2.63
 18% = $3.15
 20% = $3.50
""",
        number="0318",
        printed_at="2026-11-22T11:09",
        payable=1905,
        tax_added=155,
        lines=(
            Line("Cold Brew", "1", None, 525),
            Line("Bagel w/ Lox", "1", None, 1150),
            Line("Oat Milk", "1", None, 75),
        ),
        tenders=((None, 1905),),
        encoding="cp437",
    ),
    Slip(
        "cafe-uk-service",
        "en",
        "GBP",
        "sale",
        """
THE TIN TEAPOT
Bill No 771    Table 3   Covers 2
19/11/2026 15:26
1 Cream Tea          9.50
1 Pot of Assam       3.80
1 Carrot Cake        4.70
Subtotal            18.00
Service 12.5%        2.25
Total to pay       £20.25
Contactless        £20.25
Prices include VAT at 20%
""",
        number="771",
        printed_at="2026-11-19T15:26",
        payable=2025,
        tenders=(("bank_card", 2025),),
        encoding="cp858",
    ),
)

ALL = (*GROCERY, *CAFES)
