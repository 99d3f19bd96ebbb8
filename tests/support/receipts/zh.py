"""Chinese layouts to work on while the templates are written."""

from tests.support.receipts.paper import (
    ZH_DISHES,
    ZH_DRUGS,
    ZH_GOODS,
    ZH_WEIGHED,
    Paper,
    Sale,
    Slip,
    Truth,
    count_text,
    cut,
    pad,
    total,
    yuan,
)


def supermarket_columns(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_GOODS, ZH_WEIGHED)
    number, due = s.when.strftime("%Y%m%d") + f"{s.serial:06d}", total(goods)
    paid = s.cash_for(due)
    p.center("惠民生活超市")
    p.center("欢迎光临")
    p.put(f"单号:{number}", f"收银机:{s.till:02d}    收银员:1023")
    p.put(f"时间:{s.when:%Y-%m-%d %H:%M:%S}")
    p.rule()
    p.columns(("品名", "数量", "单价", "金额"), (7, 8, 9))
    p.rule()
    for g in goods:
        p.columns((g.name, count_text(g), yuan(g.price), yuan(g.amount)), (7, 8, 9))
    p.rule()
    p.put(f"合计:{yuan(due)}    件数:{len(goods)}")
    p.put(f"应收:{yuan(due)} 实收:{yuan(paid)} 找零:{yuan(paid - due)}")
    p.put("支付方式:现金")
    p.center("谢谢惠顾 凭小票7日内退换货")
    p.put("服务热线:400-820-1234")
    return p.done(Truth("sale", number, due, (("cash", paid),)))


def hypermarket_two_lines(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_GOODS, ZH_WEIGHED)
    number, due = s.digits(10), total(goods)
    p.center("大 润 万 家 (中山店)")
    p.put(f"{s.when:%Y/%m/%d %H:%M}   机号{s.till:03d}", f"流水号：{number}   收款员：王丽")
    p.put("编码/品名", pad("", 6) + "数量    单价    小计")
    p.rule("=")
    for g in goods:
        p.put(f"{g.code} {g.name}")
        p.ends("", f"{count_text(g):>8} {yuan(g.price):>8} {yuan(g.amount):>9}")
    p.rule("=")
    p.ends("总  计", yuan(due))
    p.ends("微信支付", yuan(due))
    p.put("微信交易单号:", "42000" + s.digits(23))
    p.put(f"商品件数 {len(goods)}")
    p.put("请保留小票,作为退换货凭证")
    return p.done(Truth("sale", number, due, (("wechat_pay", due),)))


def convenience_member_discount(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_GOODS, least=2)
    gross, off = total(goods), s.rng.randrange(10, 150)
    due, number = gross - off, f"{s.till:02d}{s.digits(8)}"
    p.center("全佳便利")
    p.center("上海陆家嘴店 021-58881234")
    p.put(f"小票号: {number}", f"日期: {s.when:%Y-%m-%d}  时间: {s.when:%H:%M:%S}", "会员卡号: 13****5678")
    p.rule()
    for g in goods:
        p.put(g.name)
        p.ends(f"  {yuan(g.price)} x {g.quantity}", yuan(g.amount))
    p.rule()
    p.ends("小计", yuan(gross))
    p.ends("会员优惠", "-" + yuan(off))
    p.ends("应付金额", "¥" + yuan(due))
    p.ends("支付宝", "¥" + yuan(due))
    p.put("本次积分: 12  累计积分: 1056")
    return p.done(Truth("sale", number, due, (("alipay", due),)))


def convenience_line_discounts(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_GOODS, least=2)
    number, due = s.digits(12), 0
    p.put(
        "★24小时营业★",
        f"门店:0{s.till}23 POS:{s.till:02d}",
        f"交易号 {number}",
        f"{s.when:%y-%m-%d %H:%M:%S}  收银:008",
    )
    p.rule("-")
    for g in goods:
        p.columns((g.name, f"*{g.quantity}", yuan(g.amount)), (5, 9))
        due += g.amount
        if s.rng.random() < 0.5:
            off = g.amount // 10
            p.ends("  促销优惠", f"-{yuan(off)}")
            due -= off
    p.rule("-")
    paid = s.cash_for(due)
    p.ends(f"合计({len(goods)}件)", f"{yuan(due)}元")
    p.ends("现金", f"{yuan(paid)}元")
    p.ends("找零", f"{yuan(paid - due)}元")
    return p.done(Truth("sale", number, due, (("cash", paid),)))


def restaurant_bill(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_DISHES, least=3)
    gross, number = total(goods), f"XS{s.when:%y%m%d}{s.serial:04d}"
    due = gross // 100 * 100 - s.pick(0, 100, 200)
    p.center("蜀香园川菜馆")
    p.center("结 账 单")
    p.put(
        f"桌号：{s.till}号桌      人数：{s.pick(2, 3, 4)}", f"账单号：{number}", f"开台时间：{s.when:%Y-%m-%d} 11:02:33"
    )
    p.put(f"结账时间：{s.when:%Y-%m-%d %H:%M:%S}", "服务员：小李  收银员：张静")
    p.rule()
    p.columns(("菜品", "数量", "金额"), (8, 10))
    p.rule()
    for g in goods:
        p.columns((g.name, str(g.quantity), yuan(g.amount)), (8, 10))
    p.rule()
    p.ends("消费合计:", yuan(gross))
    p.ends("抹零:", yuan(gross - due))
    p.ends("应收金额:", yuan(due))
    p.ends("微信:", yuan(due))
    p.put(f"打印时间：{s.when:%Y-%m-%d %H:%M:%S}")
    p.center("电子发票请扫描二维码")
    return p.done(Truth("sale", number, due, (("wechat_pay", due),)))


def restaurant_prebill(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_DISHES, least=3)
    due, number = total(goods), s.digits(8)
    p.center("***预结单***")
    p.put(f"台号: A{s.till:02d}   单号: {number}", "人数: 4  服务员: 003", f"时间: {s.when:%Y-%m-%d %H:%M}")
    p.rule()
    p.columns(("品名", "单价", "数量", "小计"), (8, 5, 9))
    for g in goods:
        p.columns((g.name, yuan(g.price), str(g.quantity), yuan(g.amount)), (8, 5, 9))
    p.rule()
    p.ends("合计:", yuan(due))
    p.put("此单为预结单,不作为付款凭证")
    return p.done(Truth("prebill", number, due))


def restaurant_integers(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_DISHES, least=2)
    due, number = total(goods), f"{s.serial:05d}"
    p.center("老街牛肉面")
    p.put(f"取餐号: {s.till:03d}", f"单据号: {number}", f"下单时间: {s.when:%m-%d %H:%M}")
    p.rule("- " * 1)
    for g in goods:
        p.columns((g.name, f"x{g.quantity}", f"{g.amount // 100}"), (5, 7))
    p.ends("总计", f"￥{due // 100}")
    p.ends("支付宝支付", f"￥{due // 100}")
    return p.done(Truth("sale", number, due, (("alipay", due),)))


def pharmacy(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_DRUGS, least=2, most=4)
    due, number = total(goods), f"A{s.when:%Y%m%d}-{s.serial:04d}"
    insured = due // 2
    p.center("国康大药房连锁有限公司")
    p.put(f"销售单号:{number}", f"销售日期:{s.when:%Y.%m.%d %H:%M:%S}", f"营业员:06 收款台:{s.till}")
    p.rule()
    p.put("商品名称/规格/产地/批号")
    p.columns(("", "数量", "单价", "金额"), (6, 9, 9))
    p.rule()
    for i, g in enumerate(goods, 1):
        p.put(f"{i}.{g.name}", "  片仔制药  批号:2605" + s.digits(4))
        p.columns(("", str(g.quantity) + "盒", yuan(g.price), yuan(g.amount)), (6, 9, 9))
    p.rule()
    p.put(f"合计金额:{yuan(due)}", f"医保支付:{yuan(insured)}", f"现金支付:{yuan(due - insured)}", "找零:0.00")
    p.put("药品属特殊商品,非质量问题概不退换")
    return p.done(Truth("sale", number, due, (("other", insured), ("cash", due - insured))))


def weighed_at(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_GOODS, ZH_WEIGHED, most=3)
    due, number = total(goods), s.digits(9)
    p.center("鲜丰果蔬")
    p.put(f"NO.{number}", f"{s.when:%Y年%m月%d日 %H:%M}")
    p.rule("=")
    for g in goods:
        p.put(g.name)
        count = f"{g.quantity:.3f}kg" if g.weighed else f"{g.quantity}"
        p.ends(f"   {count}×{yuan(g.price)}", yuan(g.amount))
    p.rule("=")
    p.put(f"应收: {yuan(due)}")
    p.put(f"实收: {yuan(due)}(微信支付)")
    return p.done(Truth("sale", number, due, (("wechat_pay", due),)))


def full_width_words(s: Sale) -> Slip:
    p, goods = Paper(42), s.goods(ZH_GOODS)
    due, number = total(goods), s.digits(11)
    paid = s.cash_for(due)
    p.center("美 佳 超 市")
    p.put(
        f"票　　号：{number}", f"机　　号：{s.till:04d}", "收 银 员：００１２", f"日　　期：{s.when:%Y/%m/%d %H:%M:%S}"
    )
    p.put("－" * 20)
    p.put("品　名        数　量   单　价    金　额")
    for g in goods:
        p.columns((g.name, f"{g.quantity}.00", yuan(g.price), yuan(g.amount)), (8, 9, 10))
    p.put("－" * 20)
    p.put(f"合　　计：￥{yuan(due)}", f"实　　收：￥{yuan(paid)}", f"找　　零：￥{yuan(paid - due)}")
    return p.done(Truth("sale", number, due, (("cash", paid),)))


def split_tenders(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_GOODS, least=3)
    due, number = total(goods), s.digits(14)
    card, coupon = due // 3, min(500, due // 4)
    rest = due - card - coupon
    p.center("百联优选")
    p.put(f"交易流水号: {number}", f"收银台: {s.till}  工号: 2055", f"交易时间: {s.when:%Y-%m-%d %H:%M:%S}")
    p.rule()
    p.columns(("商品", "单价", "数量", "金额"), (8, 6, 9))
    for g in goods:
        p.columns((g.name, yuan(g.price), str(g.quantity), yuan(g.amount)), (8, 6, 9))
    p.rule()
    p.ends("应收合计", yuan(due))
    p.put("付款明细:")
    p.ends("  储值卡", yuan(card))
    p.ends("  优惠券", yuan(coupon))
    p.ends("  银联云闪付", yuan(rest))
    p.ends("储值卡余额", yuan(s.rng.randrange(100, 99999)))
    return p.done(Truth("sale", number, due, (("stored_value", card), ("coupon", coupon), ("unionpay_qr", rest))))


def return_slip(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_GOODS, most=2)
    due, number = total(goods), s.digits(12)
    p.center("惠民生活超市")
    p.center("【退货】")
    p.put(f"单号:{number}", f"原单号:{s.digits(12)}", f"时间:{s.when:%Y-%m-%d %H:%M:%S} 收银员:1023")
    p.rule()
    p.columns(("品名", "数量", "单价", "金额"), (7, 8, 9))
    for g in goods:
        p.columns((g.name, f"-{g.quantity}", yuan(g.price), "-" + yuan(g.amount)), (7, 8, 9))
    p.rule()
    p.ends("合计", "-" + yuan(due))
    p.ends("现金", "-" + yuan(due))
    return p.done(Truth("return", number, due, (("cash", due),)))


def refund_positive(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_GOODS, most=2)
    due, number = total(goods), s.digits(12)
    p.center("退 款 单")
    p.put(f"退单号: {number}", f"原交易号: {s.digits(12)}", f"{s.when:%Y-%m-%d %H:%M:%S}")
    for g in goods:
        p.columns((g.name, str(g.quantity), yuan(g.amount)), (6, 9))
    p.ends("退款金额", yuan(due))
    p.ends("退款方式:微信支付", yuan(due))
    return p.done(Truth("return", number, due, (("wechat_pay", due),)))


def reprint(s: Sale) -> Slip:
    slip = supermarket_columns(s)
    mark = s.pick("*** 补打 ***", "[重打]", "补打小票", "*重印*", "(副本)")
    return Slip((mark, *slip.lines), Truth("reprint", slip.truth.number, slip.truth.payable, slip.truth.tenders))


def voided(s: Sale) -> Slip:
    slip = convenience_member_discount(s)
    lines = (*slip.lines[:2], s.pick("** 作废 **", "交易作废", "【冲正】", "整单取消"), *slip.lines[2:])
    return Slip(lines, Truth("void", slip.truth.number, slip.truth.payable, slip.truth.tenders))


def kitchen(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_DISHES, least=2)
    number = f"{s.serial:04d}"
    p.center(s.pick("厨打单", "后厨制作单", "【热菜】厨房联", "传菜单"))
    p.put(f"桌号:{s.till}  单号:{number}", f"下单:{s.when:%H:%M:%S}")
    p.rule()
    for g in goods:
        p.columns((g.name, f"{g.quantity}份"), (8,))
        if s.rng.random() < 0.3:
            p.put("  *少辣 不要香菜")
    p.rule()
    return p.done(Truth("kitchen", number, None))


def shift_report(s: Sale) -> Slip:
    p = Paper(s.width)
    cash, wechat = s.rng.randrange(10000, 99999), s.rng.randrange(10000, 99999)
    p.center(s.pick("交班报表", "收银员交班单", "日结报表", "营业日报"))
    p.put(f"收银机:{s.till:02d} 收银员:王芳", f"交班时间:{s.when:%Y-%m-%d %H:%M:%S}")
    p.rule()
    p.ends("交易笔数", "137")
    p.ends("现金", yuan(cash))
    p.ends("微信支付", yuan(wechat))
    p.rule()
    p.ends("合计", yuan(cash + wechat))
    return p.done(Truth("shift_report", None, cash + wechat, (("cash", cash), ("wechat_pay", wechat))))


def top_up(s: Sale) -> Slip:
    p = Paper(s.width)
    amount, number = s.pick(10000, 20000, 50000), s.digits(12)
    p.center(s.pick("会员充值", "储值卡充值小票", "充值凭证"))
    p.put(f"单号:{number}", f"时间:{s.when:%Y-%m-%d %H:%M:%S}", "会员卡号:8800****1234")
    p.ends("充值金额", yuan(amount))
    p.ends("支付方式:支付宝", yuan(amount))
    p.ends("卡内余额", yuan(amount + 1234))
    return p.done(Truth("top_up", number, amount, (("alipay", amount),)))


def dot_positioned(s: Sale) -> Slip:
    p, goods = Paper(48), s.goods(ZH_GOODS, ZH_WEIGHED)
    due, number = total(goods), s.digits(16)
    p.put("       欢乐购超市", f"店号:0{s.till}   机号:{s.till:02d}   单号:{number}", f"{s.when:%Y-%m-%d %H:%M:%S}")
    p.put(pad("货号", 10) + pad("品名", 16) + pad("单价", 8) + pad("数量", 7) + "金额")
    for g in goods:
        row = pad(g.code[:8], 10) + pad(cut(g.name, 15), 16) + pad(yuan(g.price), 8) + pad(count_text(g), 7)
        p.put(row + yuan(g.amount))
    p.put(f"  数量合计:{len(goods)}     金额合计:{yuan(due)}", f"  付款:银行卡         {yuan(due)}")
    p.put("  卡号:622202******1234", "  参考号:" + s.digits(12))
    return p.done(Truth("sale", number, due, (("bank_card", due),)))


def discount_total(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_GOODS, least=2)
    gross, off, number = total(goods), s.rng.randrange(50, 150), s.digits(10)
    due = gross - off
    paid = s.cash_for(due)
    p.center("万客隆")
    p.put(f"收据号: {number}", "操作员: 张三", f"日期: {s.when:%Y-%m-%d %H:%M}")
    p.put("商品名称     数量   售价   金额")
    for g in goods:
        p.put(g.name)
        p.ends(f"{g.code}", f"{g.quantity}  {yuan(g.price)}  {yuan(g.amount)}")
    p.put(
        f"总数量：{sum(g.quantity for g in goods)}",
        f"总金额：{yuan(gross)}",
        f"优惠：{yuan(off)}",
        f"应付：{yuan(due)}",
    )
    p.put(f"实付：{yuan(paid)}", f"找零：{yuan(paid - due)}", "支付方式：现金")
    return p.done(Truth("sale", number, due, (("cash", paid),)))


LAYOUTS = (
    supermarket_columns,
    hypermarket_two_lines,
    convenience_member_discount,
    convenience_line_discounts,
    restaurant_bill,
    restaurant_prebill,
    restaurant_integers,
    pharmacy,
    weighed_at,
    full_width_words,
    split_tenders,
    return_slip,
    refund_positive,
    reprint,
    voided,
    kitchen,
    shift_report,
    top_up,
    dot_positioned,
    discount_total,
)
