"""Grocers, cafes, restaurants: English slips of the third batch."""

from tests.support.fresh.slip import Line, Slip

ALL = (
    Slip(
        "c-us-maple-diner",
        "en",
        "USD",
        "sale",
        """
            MAPLE STREET DINER
              204 Maple St
           Dayton, OH 45402
Server: Carla             Table 9
Check #4417               Guests: 2
03/27/2026 12:48 PM
----------------------------------------
1 Turkey Club                      12.50
1 Veggie Omelet                    11.25
2 Coffee                            6.50
  @ 3.25
----------------------------------------
Subtotal                           30.25
Sales Tax                           2.27
Total                              32.52
Tip                                 6.00
Amount Paid                        38.52
VISA XXXX1884                      38.52
----------------------------------------
    Thank you! Come see us for pie.
""",
        number="4417",
        printed_at="2026-03-27T12:48:00",
        payable=3852,
        tax_added=227,
        tip=600,
        lines=(
            Line("Turkey Club", "1", None, 1250),
            Line("Veggie Omelet", "1", None, 1125),
            Line("Coffee", "2", None, 650),
        ),
        tenders=(("bank_card", 3852),),
        encoding="cp437",
    ),
    Slip(
        "c-us-greenvale-market",
        "en",
        "USD",
        "sale",
        """
         GREENVALE MARKET
          Store 0418  Lane 6
      Your cashier today: DEE
ORG BANANAS
  2.31 lb @ $0.79/lb          1.82 F
WHL MILK GAL                  3.89 F
PAPER TOWELS 6CT              8.49 T
  SALE SAVINGS               -1.50
CHICKEN THIGHS
  1.87 lb @ $2.99/lb          5.59 F
SOURDOUGH LOAF                4.99 F
           SUBTOTAL          23.28
           TAX                0.56
           TOTAL             23.84
           DEBIT             23.84
           CHANGE             0.00
ITEMS 5
TRANS# 061184   07/16/26 18:09:51
YOU SAVED $1.50 TODAY!
Fuel points earned: 23
""",
        number="061184",
        printed_at="2026-07-16T18:09:51",
        payable=2384,
        tax_added=56,
        lines=(
            Line("ORG BANANAS", "2.31", 79, 182),
            Line("WHL MILK GAL", None, None, 389),
            Line("PAPER TOWELS 6CT", None, None, 849),
            Line(None, None, None, -150, "discount"),
            Line("CHICKEN THIGHS", "1.87", 299, 559),
            Line("SOURDOUGH LOAF", None, None, 499),
        ),
        tenders=(("bank_card", 2384),),
        encoding="cp437",
    ),
    Slip(
        "c-uk-hollybush-stores",
        "en",
        "GBP",
        "sale",
        """
^HOLLYBUSH STORES
12 Church Lane, Ludlow
VAT No. GB 000 1234 56
--------------------------------
Semi Skim Milk 2L¦£1.65
Brown Loaf¦£1.40
Free Range Eggs x12¦£3.25
Digestive Biscuits
 2 @ £1.20¦£2.40
--------------------------------
5 Items
TOTAL¦£8.70
CASH¦£10.00
CHANGE¦£1.30
--------------------------------
Receipt 20931   Till 1
18/05/2026 08:17
Served by: Gwen
Thank you, please call again
""",
        number="20931",
        printed_at="2026-05-18T08:17:00",
        payable=870,
        lines=(
            Line("Semi Skim Milk 2L", None, None, 165),
            Line("Brown Loaf", None, None, 140),
            Line(None, None, None, 325),
            Line("Digestive Biscuits", "2", 120, 240),
        ),
        tenders=(("cash", 1000),),
        change=130,
        stops=(32,),
        encoding="cp858",
        medium="escpos",
    ),
    Slip(
        "c-uk-kiln-and-crumb",
        "en",
        "GBP",
        "sale",
        """
              Kiln & Crumb
           Coffee - Bread - Cake
Order: 0652            Eat In
Date: 29/08/2026       Time: 10:41
------------------------------------------
Qty Item                  Each       Total
 2  Flat White            3.40        6.80
 1  Cinnamon Bun          3.10        3.10
 1  Avocado Toast         8.50        8.50
------------------------------------------
Subtotal                            £18.40
10% off loyalty                     -£1.84
Total to pay                        £16.56
Contactless Mastercard              £16.56
------------------------------------------
VAT @ 20% included               £2.76
Follow us @kilnandcrumb for 15% off
""",
        number="0652",
        printed_at="2026-08-29T10:41:00",
        payable=1656,
        lines=(
            Line("Flat White", "2", 340, 680),
            Line("Cinnamon Bun", "1", 310, 310),
            Line("Avocado Toast", "1", 850, 850),
            Line(None, None, None, -184, "discount"),
        ),
        tenders=(("bank_card", 1656),),
        encoding="cp1252",
    ),
    Slip(
        "c-au-wattle-grove",
        "en",
        "AUD",
        "sale",
        """
           WATTLE GROVE GROCER
           ABN 00 123 456 789
              TAX INVOICE
Register 3  Op: JADE  Receipt: 3-88104
14/01/2026 5:36 PM
----------------------------------------
Pavlova Shell 500g¦7.00
%Sunscreen SPF50¦16.95
Weet Flakes 750g¦5.49
 Multibuy Saving¦-0.50
----------------------------------------
TOTAL AUD¦$28.94
Rounding¦$0.01
CASH¦$50.00
CHANGE¦$21.05
----------------------------------------
GST Included in Total¦$1.54
% = Taxable item
""",
        number="3-88104",
        printed_at="2026-01-14T17:36:00",
        payable=2895,
        rounding=1,
        lines=(
            Line("Pavlova Shell 500g", None, None, 700),
            Line(None, None, None, 1695),
            Line("Weet Flakes 750g", None, None, 549),
            Line(None, None, None, -50, "discount"),
        ),
        tenders=(("cash", 5000),),
        change=2105,
        stops=(40,),
        encoding="cp437",
    ),
    Slip(
        "c-ca-nordic-pantry",
        "en",
        "CAD",
        "sale",
        """
^NORDIC PANTRY
Halifax NS
HST# 000123456 RT0001
Invoice: 100-55281
2026-10-19 11:22:40
------------------------------------------
RYE CRISPBREAD¦4.79
LINGONBERRY JAM¦6.49
TEA TOWEL H¦12.00
BOTTLE DEPOSIT¦0.20
------------------------------------------
SUBTOTAL¦23.48
HST 14%¦1.68
TOTAL¦25.16
INTERAC¦25.16
------------------------------------------
Returns within 14 days with receipt
""",
        number="100-55281",
        printed_at="2026-10-19T11:22:40",
        payable=2516,
        tax_added=168,
        lines=(
            Line("RYE CRISPBREAD", None, None, 479),
            Line("LINGONBERRY JAM", None, None, 649),
            Line(None, None, None, 1200),
            Line("BOTTLE DEPOSIT", None, None, 20, "fee"),
        ),
        tenders=(("bank_card", 2516),),
        stops=(42,),
        encoding="cp437",
        medium="python-escpos",
    ),
    Slip(
        "c-sg-lau-kopi",
        "en",
        "SGD",
        "sale",
        """
^UNCLE LAU KOPI & TOAST
#01-12 Tanjong Plaza
GST Reg: M90001234X
Bill No: A00451      Pax: 2
22-06-2026 07:55:02  Cashier: MEI
----------------------------------------
2 Kaya Toast Set¦11.60
1 Teh Peng¦2.20
1 Laksa¦7.50
----------------------------------------
Subtotal¦21.30
Svc Chg 10%¦2.13
GST 9%¦2.11
Total¦25.54
PayNow¦25.54
----------------------------------------
Queue No. 18
""",
        number="A00451",
        printed_at="2026-06-22T07:55:02",
        payable=2554,
        tax_added=211,
        lines=(
            Line("Kaya Toast Set", "2", None, 1160),
            Line("Teh Peng", "1", None, 220),
            Line("Laksa", "1", None, 750),
            Line(None, None, None, 213, "fee"),
        ),
        tenders=((None, 2554),),
        stops=(40,),
        encoding="cp437",
        medium="escpos",
    ),
    Slip(
        "c-ie-corrib-books",
        "en",
        "EUR",
        "sale",
        """
           Corrib Books
        4 Quay Street, Galway
--------------------------------
Sale No: 7730
Date: 23/11/2026 16:29
--------------------------------
The Salt Road (Pbk)
1 x €14.99            €14.99
Map of Connemara
1 x €9.50              €9.50
Gift Wrap
2 x €1.50              €3.00
--------------------------------
Total                 €27.49
Gift Card             €20.00
Cash                  €10.00
Change                 €2.51
--------------------------------
Gift card balance: €0.00
""",
        number="7730",
        printed_at="2026-11-23T16:29:00",
        payable=2749,
        lines=(
            Line("The Salt Road (Pbk)", "1", 1499, 1499),
            Line("Map of Connemara", "1", 950, 950),
            Line("Gift Wrap", "2", 150, 300, "fee"),
        ),
        tenders=(("gift_card", 2000), ("cash", 1000)),
        change=251,
        encoding="cp858",
    ),
)
