"""Japanese and Korean layouts held back: only their score is looked at while the templates are worked on."""

from tests.support.receipts.paper import JA_GOODS, KO_GOODS, Paper, Sale, Slip, Truth, grouped, total


def ja_convenience_emoney(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(JA_GOODS)
    due, number = total(goods), f"{s.digits(4)}"
    p.center("ローズンストア 渋谷")
    p.put(f"{s.when:%Y/%m/%d}({s.pick('月', '火', '水')}) {s.when:%H:%M}", f"取引番号:{number}  レジ:{s.till}")
    p.rule("-")
    for g in goods:
        p.ends(f"*{g.name}", f"{grouped(g.price)}")
        if g.quantity > 1:
            p.rows.pop()
            p.ends(f"*{g.name}  {g.price}×{g.quantity}", f"{grouped(g.amount)}")
    p.rule("-")
    p.ends(f"合計 {len(goods)}点", f"{grouped(due)}円")
    p.ends("現計", f"{grouped(due)}円")
    p.ends("お釣", "0円")
    return p.done(Truth("sale", number, due, (("cash", due),)), "JPY")


def ja_drugstore(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(JA_GOODS, least=2)
    gross, number = total(goods), s.digits(8)
    off = 50
    due = gross - off
    p.center("ツルヤ薬局")
    p.put("領収証", f"伝票No:{number}", f"{s.when:%Y年%m月%d日 %H時%M分}", "担当者 佐藤")
    for g in goods:
        p.put(g.name)
        p.ends(f"    {g.quantity}コ × {g.price}", f"¥{grouped(g.amount)}")
    p.ends("小計", f"¥{grouped(gross)}")
    p.ends("クーポン値引", f"-¥{grouped(off)}")
    p.ends("お買上合計", f"¥{grouped(due)}")
    p.ends("クレジットカード", f"¥{grouped(due)}")
    return p.done(Truth("sale", number, due, (("bank_card", due),)), "JPY")


def ko_mart(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(KO_GOODS, least=2)
    due, number = total(goods), s.digits(10)
    paid = s.cash_for(due, 1000)
    p.center("우리마트")
    p.put(f"[구매]{s.when:%Y-%m-%d %H:%M:%S}", f"영수증 No : {number}  POS:{s.till:04d}", "캐셔: 010")
    p.columns(("상품명", "단가", "수량", "금액"), (8, 5, 9))
    for i, g in enumerate(goods, 1):
        p.put(f"{i:03d} {g.name}", f"   {g.code}   {grouped(g.price)}  {g.quantity}  {grouped(g.amount)}")
    p.ends("총 품목 수량", str(len(goods)))
    p.ends("결제대상금액", grouped(due))
    p.ends("현금", grouped(paid))
    p.ends("거스름돈", grouped(paid - due))
    return p.done(Truth("sale", number, due, (("cash", paid),)), "KRW")


LAYOUTS = (ja_convenience_emoney, ja_drugstore, ko_mart)
