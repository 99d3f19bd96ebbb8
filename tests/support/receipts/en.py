"""English layouts to work on while the templates are written."""

from tests.support.receipts.paper import EN_CAFE, EN_GOODS, EN_WEIGHED, Paper, Sale, Slip, Truth, total, yuan


def grocery_uk(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(EN_GOODS, EN_WEIGHED)
    due, number = total(goods), f"{s.serial:05d}"
    paid = s.cash_for(due)
    p.center("GREENFIELD STORES")
    p.center("14 High Street, Reading RG1 2AB")
    p.center("VAT NO. 123 4567 89")
    p.ends("", "£")
    for g in goods:
        if g.weighed:
            p.put(g.name)
            p.ends(f"  {g.quantity:.3f} kg @ £{yuan(g.price)}/kg", yuan(g.amount))
        elif g.quantity > 1:
            p.put(g.name)
            p.ends(f"  {g.quantity} @ £{yuan(g.price)}", yuan(g.amount))
        else:
            p.ends(g.name, yuan(g.amount))
    p.rule()
    p.ends("BALANCE DUE", yuan(due))
    p.ends("CASH", yuan(paid))
    p.ends("CHANGE", yuan(paid - due))
    p.put(f"{s.when:%d/%m/%y %H:%M}  TILL {s.till:02d}  TRANS {number}")
    p.put("Refunds given within 28 days with receipt")
    return p.done(Truth("sale", number, due, (("cash", paid),)), "GBP")


def grocery_us(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(EN_GOODS, least=2)
    gross, number = total(goods), f"{s.digits(4)}"
    tax = gross * 7 // 100
    due = gross + tax
    p.center("SUNNY MART")
    p.center("(415) 555-0132")
    p.put(f"ST# 02115 OP# 009046 TE# {s.till:02d} TR# {number}")
    for g in goods:
        p.ends(f"{g.name:<20}{g.code[:12]}" if s.width > 40 else g.name, f"{yuan(g.amount)} {s.pick('N', 'T', 'X')}")
        if g.quantity > 1:
            p.put(f"   {g.quantity} AT 1 FOR {yuan(g.price)}")
    p.ends("SUBTOTAL", yuan(gross))
    p.ends("TAX 1  7.000 %", yuan(tax))
    p.ends("TOTAL", yuan(due))
    p.ends("VISA TEND", yuan(due))
    p.put("ACCOUNT # **** **** **** 1234", f"APPROVAL # {s.digits(6)}", f"REF # {s.digits(12)}")
    p.ends("CHANGE DUE", "0.00")
    p.put(f"{s.when:%m/%d/%y}   {s.when:%H:%M:%S}", f"# ITEMS SOLD {len(goods)}")
    return p.done(Truth("sale", number, due, (("bank_card", due),)), "USD")


def cafe(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(EN_CAFE)
    due, number = total(goods), f"A-{s.digits(5)}"
    p.center("Café Zürich")
    p.put(f"Bill No: {number}   Table {s.till}", f"{s.when:%Y-%m-%d %H:%M}", "Server: Anna")
    p.rule()
    for g in goods:
        p.ends(f"{g.quantity} x {g.name}", yuan(g.amount))
    p.rule()
    p.ends("TOTAL", f"€{yuan(due)}")
    p.ends("CARD MASTERCARD ****4321", yuan(due))
    p.put("Thank you!")
    return p.done(Truth("sale", number, due, (("bank_card", due),)), "EUR")


def restaurant_tip(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(EN_CAFE, least=2)
    gross, number = total(goods), s.digits(5)
    tax, tip = gross * 8 // 100, s.pick(200, 300, 500)
    due = gross + tax + tip
    p.center("The Corner Bistro")
    p.put(f"Check #: {number}    Table: {s.till}", "Server: Mary K.    Guests: 2", f"{s.when:%b %d, %Y %I:%M %p}")
    p.rule()
    for g in goods:
        p.ends(f"{g.quantity} {g.name}", f"${yuan(g.amount)}")
    p.rule()
    p.ends("Subtotal", f"${yuan(gross)}")
    p.ends("Sales Tax", f"${yuan(tax)}")
    p.ends("Gratuity", f"${yuan(tip)}")
    p.ends("Total", f"${yuan(due)}")
    p.ends("Amex XXXXXXXXXXX1005", f"${yuan(due)}")
    return p.done(Truth("sale", number, due, (("bank_card", due),)), "USD")


def guest_check(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(EN_CAFE, least=2)
    gross, number = total(goods), s.digits(4)
    tax = gross // 10
    p.center("*** GUEST CHECK ***")
    p.put(f"Order: {number}  Table: {s.till}", f"{s.when:%d %b %Y %H:%M}")
    for g in goods:
        p.ends(f"{g.quantity} {g.name}", yuan(g.amount))
    p.ends("Sub Total", yuan(gross))
    p.ends("GST 10%", yuan(tax))
    p.ends("Amount Due", yuan(gross + tax))
    p.put("Tip: ________  Total: ________")
    return p.done(Truth("prebill", number, gross + tax), "AUD")


def retail_rounding(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(EN_GOODS, least=2)
    gross, number = total(goods), f"{s.digits(3)}-{s.digits(6)}"
    rounded = (gross + 2) // 5 * 5
    paid = s.cash_for(rounded, 500)
    p.center("TAX INVOICE")
    p.put(
        f"Receipt No: {number}",
        f"Register: {s.till}   Cashier: John",
        f"Date: {s.when:%d-%m-%Y} Time: {s.when:%I:%M %p}",
    )
    p.columns(("Item", "Qty", "Price", "Total"), (5, 8, 9))
    p.rule()
    for g in goods:
        p.columns((g.name, str(g.quantity), yuan(g.price), yuan(g.amount)), (5, 8, 9))
    p.rule()
    p.ends("Total (incl. GST)", f"${yuan(gross)}")
    p.ends("Rounding", f"{(rounded - gross) / 100:+.2f}")
    p.ends("Total Payable", f"${yuan(rounded)}")
    p.ends("Cash Tendered", f"${yuan(paid)}")
    p.ends("Change", f"${yuan(paid - rounded)}")
    p.ends("GST included", f"${yuan(gross // 11)}")
    return p.done(Truth("sale", number, rounded, (("cash", paid),)), "AUD")


def loyalty_savings(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(EN_GOODS, least=3)
    number, due = s.digits(8), 0
    p.center("FRESHWAY")
    p.put(f"Transaction: {number}  {s.when:%d.%m.%Y %H:%M}")
    for g in goods:
        p.ends(f"{g.quantity} {g.name}", yuan(g.amount))
        due += g.amount
        if s.rng.random() < 0.4:
            off = g.amount // 5
            p.ends("   Clubcard saving", f"-{yuan(off)}")
            due -= off
    p.ends("TOTAL TO PAY", f"£{yuan(due)}")
    p.ends("Contactless Visa Debit", f"£{yuan(due)}")
    p.put("AID: A0000000031010", f"Auth code: {s.digits(6)}", "You saved today £1.20")
    return p.done(Truth("sale", number, due, (("bank_card", due),)), "GBP")


def refund(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(EN_GOODS, most=2)
    due, number = total(goods), s.digits(6)
    p.center("HOMEBASE & CO")
    p.center(s.pick("*** REFUND ***", "RETURN", "Refund Receipt"))
    p.put(f"Receipt #{number}", f"{s.when:%d/%m/%Y %H:%M}", f"Original receipt: {s.digits(6)}")
    for g in goods:
        p.ends(f"{g.name}", f"-{yuan(g.amount)}")
    p.ends("TOTAL", f"-{yuan(due)}")
    p.ends("VISA REFUND", f"-{yuan(due)}")
    return p.done(Truth("return", number, due, (("bank_card", due),)), "GBP")


def english_kitchen(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(EN_CAFE, least=2)
    p.center("** KITCHEN **")
    p.put(f"Order #{s.serial}  Table {s.till}", f"{s.when:%H:%M}")
    for g in goods:
        p.put(f"{g.quantity} x {g.name}")
    return p.done(Truth("kitchen", str(s.serial), None), "EUR")


LAYOUTS = (
    grocery_uk,
    grocery_us,
    cafe,
    restaurant_tip,
    guest_check,
    retail_rounding,
    loyalty_savings,
    refund,
    english_kitchen,
)
