"""English layouts held back: only their score is looked at while the templates are worked on."""

from tests.support.receipts.paper import EN_CAFE, EN_GOODS, EN_WEIGHED, Paper, Sale, Slip, Truth, total, yuan


def discounter(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(EN_GOODS, EN_WEIGHED, least=2)
    due, number = total(goods), f"{s.serial:04d}"
    p.center("ALTI SUPERMARKETS")
    for g in goods:
        p.ends(f"{s.digits(6)} {g.name}", f"{yuan(g.amount)} {s.pick('A', 'B')}")
        if g.weighed:
            p.put(f"   {g.quantity:.3f} kg x {yuan(g.price)} EUR/kg")
        elif g.quantity > 1:
            p.put(f"   {g.quantity} x {yuan(g.price)}")
    p.rule("=")
    p.ends("Total", f"EUR {yuan(due)}")
    p.ends("Card payment", f"EUR {yuan(due)}")
    p.put("A  VAT 21.00%   B  VAT 9.00%")
    p.put(f"*{number} {s.till:03d}/{s.till}/1  {s.when:%d.%m.%y %H:%M}", f"Receipt: {number}")
    return p.done(Truth("sale", number, due, (("bank_card", due),)), "EUR")


def coffee_chain(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(EN_CAFE, most=4)
    gross = total(goods)
    tax, number = gross * 9 // 100, f"{s.serial}"
    due = gross + tax
    p.center("STARBEAN COFFEE #1187")
    p.put(f"CHK {number}", f"{s.when:%m/%d/%Y %I:%M %p}", f"{s.digits(6)} Drawer: 1 Reg: {s.till}")
    p.rule()
    for g in goods:
        p.ends(f"{g.name}" if g.quantity == 1 else f"{g.quantity} {g.name}", yuan(g.amount))
        p.put("  Oat Milk")
    p.ends("Gift Card", yuan(due))
    p.ends("Subtotal", f"${yuan(gross)}")
    p.ends("Tax 9%", f"${yuan(tax)}")
    p.ends("Total", f"${yuan(due)}")
    p.ends("Change Due", "$0.00")
    return p.done(Truth("sale", number, due, (("gift_card", due),)), "USD")


def department_store(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(EN_GOODS, least=2)
    off, number = s.pick(100, 150, 200), s.digits(12)
    gross = total(goods) + 500
    due = gross - off
    paid = s.cash_for(due)
    p.center("Marlowe & Sons")
    p.put(
        f"Invoice Number: {number}",
        f"Date: {s.when:%d %B %Y}   Time: {s.when:%H:%M:%S}",
        f"Operator: 0042 Terminal: {s.till}",
    )
    p.rule()
    p.put("Description")
    p.put("Code            Qty     Price     Amount")
    p.rule()
    for g in goods:
        p.put(g.name, f"{g.code}   {g.quantity}   {yuan(g.price)}   {yuan(g.amount)}")
    p.put("Gift wrap", f"{s.gtin()}   1   5.00   5.00")
    p.rule()
    p.put(f"Gross Amount:  {yuan(gross)}", f"Discount:  {yuan(off)}", f"Net Total:  {yuan(due)}")
    p.put(f"Paid (Cash):  {yuan(paid)}", f"Balance Returned:  {yuan(paid - due)}")
    p.put("Exchange or return within 14 days")
    return p.done(Truth("sale", number, due, (("cash", paid),)), "GBP")


def food_court(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(EN_CAFE, most=3)
    due, number = total(goods), f"{s.serial:04d}"
    p.center(f"ORDER NO. {number}")
    p.put(f"{s.when:%a %d/%m/%Y %H:%M}", "EAT IN")
    for g in goods:
        p.ends(f"{g.quantity}x {g.name} @{yuan(g.price)}", yuan(g.amount))
    p.ends("Nett Total", f"S${yuan(due)}")
    p.ends("ALIPAY", f"S${yuan(due)}")
    return p.done(Truth("sale", number, due, (("alipay", due),)), "SGD")


def duplicate(s: Sale) -> Slip:
    slip = discounter(s)
    mark = s.pick("*** DUPLICATE ***", "REPRINT", "** COPY RECEIPT **")
    return Slip((slip.lines[0], mark, *slip.lines[1:]), Truth("reprint", *_rest(slip)), slip.currency)


def voided(s: Sale) -> Slip:
    slip = department_store(s)
    mark = s.pick("*** VOID ***", "VOIDED TRANSACTION", "TRANSACTION VOID")
    return Slip((*slip.lines, mark), Truth("void", *_rest(slip)), slip.currency)


def split_cards(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(EN_GOODS, least=3)
    due, number = total(goods), s.digits(9)
    voucher = due // 3
    p.center("QUICKSTOP")
    p.put(f"Tkt# {number}   {s.when:%Y-%m-%d %H:%M:%S}", "Assoc: 118")
    for g in goods:
        p.put(f"{g.name}")
        p.ends(f"   {g.quantity} EA @ {yuan(g.price)}", f"{yuan(g.amount)}")
    p.ends("GRAND TOTAL", f"${yuan(due)}")
    p.ends("Voucher", f"${yuan(voucher)}")
    p.ends("Eftpos", f"${yuan(due - voucher)}")
    p.put(f"Items: {len(goods)}")
    return p.done(Truth("sale", number, due, (("coupon", voucher), ("bank_card", due - voucher))), "NZD")


def _rest(slip: Slip) -> tuple[str | None, int | None, tuple[tuple[str, int], ...]]:
    return slip.truth.number, slip.truth.payable, slip.truth.tenders


LAYOUTS = (discounter, coffee_chain, department_store, food_court, duplicate, voided, split_cards)
