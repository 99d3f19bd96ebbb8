"""Japanese and Korean layouts to work on while the templates are written."""

from tests.support.receipts.paper import JA_GOODS, KO_GOODS, Paper, Sale, Slip, Truth, grouped, total


def konbini(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(JA_GOODS)
    due, number = total(goods), f"{s.serial:04d}"
    paid = s.cash_for(due, 100)
    p.center("さくらマート 新宿店")
    p.center("電話：03-1234-5678")
    p.put(f"{s.when:%Y年%m月%d日}(日) {s.when:%H:%M}", f"レジ #{s.till}  責No.012  レシートNo.{number}")
    p.center("【領 収 書】")
    for g in goods:
        p.ends(g.name, f"¥{grouped(g.amount)}軽" if g.quantity == 1 else "")
        if g.quantity > 1:
            p.rows.pop()
            p.put(g.name)
            p.ends(f"   @{g.price} × {g.quantity}点", f"¥{grouped(g.amount)}軽")
    p.ends("合　計", f"¥{grouped(due)}")
    p.ends("（税率 8%対象", f"¥{grouped(due)}）")
    p.ends("（内消費税等 8%", f"¥{grouped(due * 8 // 108)}）")
    p.ends("お預り", f"¥{grouped(paid)}")
    p.ends("お釣り", f"¥{grouped(paid - due)}")
    p.put("「軽」は軽減税率対象商品です。")
    return p.done(Truth("sale", number, due, (("cash", paid),)), "JPY")


def ja_supermarket(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(JA_GOODS, least=2)
    gross, number = total(goods), s.digits(6)
    tax = gross * 8 // 100
    due = gross + tax
    p.center("まいにちスーパー")
    p.put(f"{s.when:%Y/%m/%d %H:%M}  No.{number}", f"レジ{s.till:04d} 担当:山田")
    p.rule()
    for g in goods:
        p.ends(g.name, grouped(g.amount))
        if g.quantity > 1:
            p.put(f"  ({g.quantity}個 × 単{g.price})")
    p.rule()
    p.ends("小計", f"¥{grouped(gross)}")
    p.ends("外税8%", f"¥{grouped(tax)}")
    p.ends("合計", f"¥{grouped(due)}")
    p.ends("クレジット", f"¥{grouped(due)}")
    return p.done(Truth("sale", number, due, (("bank_card", due),)), "JPY")


def korean_convenience(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(KO_GOODS)
    due, number = total(goods), f"{s.serial:06d}"
    p.center("한빛편의점 강남점")
    p.put("사업자번호: 123-45-67890", f"[판매] {s.when:%Y-%m-%d %H:%M}  POS:{s.till:02d}", f"영수증번호: {number}")
    p.rule()
    p.columns(("상품명", "단가", "수량", "금액"), (8, 5, 9))
    p.rule()
    for g in goods:
        p.columns((g.name, grouped(g.price), str(g.quantity), grouped(g.amount)), (8, 5, 9))
    p.rule()
    p.ends("과세물품가액", grouped(due - due // 11))
    p.ends("부가세", grouped(due // 11))
    p.ends("합계", grouped(due))
    p.ends("신용카드", grouped(due))
    p.put("카드번호: 5387-20**-****-1234", f"승인번호: {s.digits(8)}")
    return p.done(Truth("sale", number, due, (("bank_card", due),)), "KRW")


def korean_cash(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(KO_GOODS)
    due, number = total(goods), s.digits(8)
    paid = s.cash_for(due, 1000)
    p.center("마을슈퍼")
    p.put(f"거래번호 {number}  계산원: 김영희", f"{s.when:%Y.%m.%d %H:%M:%S}")
    for g in goods:
        p.put(g.name)
        p.ends(f"  {grouped(g.price)} x {g.quantity}", grouped(g.amount))
    p.ends("합 계 금 액", f"{grouped(due)}원")
    p.ends("받 은 금 액", f"{grouped(paid)}원")
    p.ends("거 스 름 돈", f"{grouped(paid - due)}원")
    return p.done(Truth("sale", number, due, (("cash", paid),)), "KRW")


LAYOUTS = (konbini, ja_supermarket, korean_convenience, korean_cash)
