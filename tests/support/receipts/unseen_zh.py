"""Chinese layouts held back: only their score is looked at while the templates are worked on."""

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
    total,
    yuan,
)


def labelled_details(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_GOODS, ZH_WEIGHED)
    due, number = total(goods), f"{s.till:03d}-{s.when:%y%m%d}-{s.serial:05d}"
    p.center("永辉生活")
    p.put(f"小票编号：{number}", f"款台：{s.till}  收款员：8866", f"销售时间：{s.when:%Y-%m-%d %H:%M:%S}")
    p.rule("=")
    for g in goods:
        p.put(g.name, f"  单价:{yuan(g.price)}  数量:{count_text(g)}  小计:{yuan(g.amount)}")
    p.rule("=")
    p.put(f"总计：￥{yuan(due)}", f"支付宝：￥{yuan(due)}", "找赎：￥0.00")
    return p.done(Truth("sale", number, due, (("alipay", due),)))


def code_row_then_name(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_GOODS)
    due, number = total(goods), s.digits(9)
    paid = s.cash_for(due)
    p.center("物美便利超市")
    p.put(f"流水号:{number} 机号:{s.till:02d} 工号:3301", f"{s.when:%Y%m%d %H:%M:%S}")
    p.rule()
    p.put("条码            单价   数量   金额")
    for g in goods:
        p.put(f"{g.code}  {yuan(g.price)}  {g.quantity}  {yuan(g.amount)}", f"  {g.name}")
    p.rule()
    p.put(f"总件数 {sum(g.quantity for g in goods)}   总金额 {yuan(due)}")
    p.put(f"人民币 {yuan(paid)}", f"找零 {yuan(paid - due)}")
    return p.done(Truth("sale", number, due, (("cash", paid),)))


def member_price_column(s: Sale) -> Slip:
    p, goods = Paper(48), s.goods(ZH_GOODS, least=2)
    off = [g.amount // 20 if s.rng.random() < 0.5 else 0 for g in goods]
    due, number = total(goods) - sum(off), s.digits(13)
    p.center("华联综合超市")
    p.put(f"单据编号 {number}", f"收银员 0021   日期 {s.when:%Y-%m-%d %H:%M}")
    p.columns(("品名", "单价", "数量", "优惠", "金额"), (8, 6, 8, 10))
    p.rule()
    for g, less in zip(goods, off, strict=True):
        p.columns((g.name, yuan(g.price), str(g.quantity), yuan(less), yuan(g.amount - less)), (8, 6, 8, 10))
    p.rule()
    p.ends("优惠合计", yuan(sum(off)))
    p.ends("应收金额", yuan(due))
    p.ends("微信扫码", yuan(due))
    return p.done(Truth("sale", number, due, (("wechat_pay", due),)))


def tea_shop(s: Sale) -> Slip:
    p, goods = (
        Paper(32),
        s.goods((("芝芝莓莓", 2800), ("多肉葡萄", 2900), ("纯绿妍茶", 1500), ("生椰拿铁", 1880)), most=3),
    )
    off = s.pick(0, 300, 500)
    due, number = total(goods) - off, f"{s.when:%Y%m%d}{s.digits(10)}"
    p.center(f"取餐号 A{s.till:03d}")
    p.center("茶语时光(万达店)")
    p.put(f"订单编号:{number}", f"下单时间:{s.when:%Y-%m-%d %H:%M:%S}", "就餐方式:自取")
    p.rule()
    for g in goods:
        p.ends(f"{g.name} x{g.quantity}", yuan(g.amount))
        p.put("  正常冰/七分糖")
    p.rule()
    p.ends("商品总价", yuan(total(goods)))
    if off:
        p.ends("新人立减", f"-{yuan(off)}")
    p.ends("实付金额", f"¥{yuan(due)}")
    p.put("支付方式:微信支付", "扫码关注公众号 享更多优惠")
    return p.done(Truth("sale", number, due, (("wechat_pay", due),)))


def restaurant_service_fee(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_DISHES, least=3)
    fee = total(goods) // 10
    due, number = total(goods) + fee, f"{s.when:%m%d}{s.serial:04d}"
    p.center("粤海酒家")
    p.center("消费清单")
    p.put(f"台号:{s.till}", f"单号:{number}", "人数:6", f"日期:{s.when:%Y-%m-%d} 时间:{s.when:%H:%M}")
    p.columns(("菜名", "单位", "数量", "单价", "金额"), (6, 6, 8, 9))
    for g in goods:
        p.columns((g.name, "份", str(g.quantity), yuan(g.price), yuan(g.amount)), (6, 6, 8, 9))
    p.rule()
    p.put(f"菜品金额:{yuan(total(goods))}", f"服务费(10%):{yuan(fee)}", f"应付合计:{yuan(due)}", f"刷卡:{yuan(due)}")
    return p.done(Truth("sale", number, due, (("bank_card", due),)))


def group_voucher_meal(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_DISHES, least=3)
    due, number = total(goods), s.digits(8)
    voucher = min(5000, due // 2)
    p.center("烤匠麻辣烤鱼")
    p.put(
        "【结账单】",
        f"桌台: 大厅{s.till:02d}",
        f"流水号: {number}",
        f"结账时间: {s.when:%Y/%m/%d %H:%M}",
        "收银员: 管理员",
    )
    p.columns(("项目", "数量", "小计"), (6, 10))
    for g in goods:
        p.columns((g.name, f"{g.quantity}份", f"{yuan(g.amount)}元"), (8, 12))
    p.ends("订单金额", f"{yuan(due)}元")
    p.ends("应收", f"{yuan(due)}元")
    p.ends("实收", f"{yuan(due)}元")
    p.ends("-美团团购券", f"{yuan(voucher)}元")
    p.ends("-微信支付", f"{yuan(due - voucher)}元")
    return p.done(Truth("sale", number, due, (("group_voucher", voucher), ("wechat_pay", due - voucher))))


def pharmacy_insurance(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_DRUGS, least=1, most=4)
    due, number = total(goods), s.digits(14)
    p.center("益民大药房")
    p.put(f"小票号：{number}", f"时间：{s.when:%Y-%m-%d %H:%M:%S}", "收银员：刘敏  门店电话：0755-82345678")
    p.rule()
    for i, g in enumerate(goods, 1):
        p.put(f"{i:02d} {g.name}")
        p.columns((f"   {g.code}", f"{g.quantity}", yuan(g.price), yuan(g.amount)), (4, 8, 9))
    p.rule()
    p.ends("应收金额", yuan(due))
    p.ends("医保卡", yuan(due))
    p.ends("医保余额", yuan(123456))
    return p.done(Truth("sale", number, due, (("other", due),)))


def fruit_shop_savings(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_GOODS[:3], ZH_WEIGHED, most=2)
    due, number = total(goods), f"BG{s.digits(10)}"
    p.center("百果园")
    p.put(f"订单号：{number}", f"{s.when:%Y-%m-%d %H:%M:%S}  收银：小陈")
    p.columns(("商品", "单价", "重量/数量", "金额"), (8, 12, 9))
    for g in goods:
        p.columns((g.name, yuan(g.price), count_text(g) + ("kg" if g.weighed else ""), yuan(g.amount)), (8, 12, 9))
    p.put(f"原价:{yuan(due + 320)}   已省:3.20")
    p.put(f"应付:{yuan(due)}")
    p.put(f"会员余额支付:{yuan(due)}", "账户余额:88.20")
    return p.done(Truth("sale", number, due, (("stored_value", due),)))


def hong_kong(s: Sale) -> Slip:
    p, goods = (
        Paper(s.width),
        s.goods((("維他檸檬茶", 750), ("出前一丁", 580), ("嘉頓方包", 1290), ("雞尾包", 500)), most=4),
    )
    due, number = total(goods), s.digits(7)
    paid = s.cash_for(due, 1000)
    p.center("百佳便利店")
    p.put(f"收據編號: {number}", f"{s.when:%d/%m/%Y %H:%M}   收銀機: {s.till}")
    for g in goods:
        p.ends(f"{g.name}", f"${yuan(g.amount)}")
    p.ends("總計", f"${yuan(due)}")
    p.ends("現金", f"${yuan(paid)}")
    p.ends("找續", f"${yuan(paid - due)}")
    return p.done(Truth("sale", number, due, (("cash", paid),)), "HKD")


def bakery_rounding(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_GOODS, ZH_WEIGHED, least=2)
    gross, number = total(goods), s.digits(10)
    due = gross // 10 * 10
    p.center("好利来")
    p.put(f"销售单号 {number}", f"销售时间 {s.when:%Y-%m-%d %H:%M:%S}")
    p.rule("*")
    for i, g in enumerate(goods, 1):
        p.columns((f"{i} {g.name}", count_text(g), yuan(g.price), yuan(g.amount)), (7, 8, 9))
    p.rule("*")
    p.put(f"合计:{yuan(gross)}  抹零:{yuan(gross - due)}  实收:{yuan(due)}", f"[支付宝:{yuan(due)}]")
    return p.done(Truth("sale", number, due, (("alipay", due),)))


def values_below(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_GOODS, least=2)
    due, number = total(goods), s.digits(18)
    p.center("便利蜂")
    p.put("订单号:", number, f"{s.when:%Y-%m-%d %H:%M:%S}")
    for g in goods:
        p.put(g.name)
        p.ends("", f"¥{yuan(g.price)}  x{g.quantity}  ¥{yuan(g.amount)}")
    p.put("应付金额:")
    p.ends("", f"¥{yuan(due)}")
    p.put("支付宝:")
    p.ends("", f"¥{yuan(due)}")
    return p.done(Truth("sale", number, due, (("alipay", due),)))


def unpaid_bill(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_DISHES, least=2)
    due, number = total(goods), s.digits(6)
    p.center("小南国")
    p.center(s.pick("预打单", "对账单(未结账)", "客户预结账单", "消费单(未付款)"))
    p.put(f"单号:{number}  台号:{s.till}", f"{s.when:%Y-%m-%d %H:%M}")
    for g in goods:
        p.columns((g.name, str(g.quantity), yuan(g.amount)), (6, 10))
    p.ends("应付金额", yuan(due))
    return p.done(Truth("prebill", number, due))


def store_return(s: Sale) -> Slip:
    p, goods = Paper(s.width), s.goods(ZH_GOODS, most=3)
    due, number = total(goods), s.digits(12)
    p.center("优衣百货")
    p.center(s.pick("退货小票", "销售退货单", "退款凭证"))
    p.put(f"单据号: {number}", f"原小票号: {s.digits(12)}", f"{s.when:%Y-%m-%d %H:%M:%S}")
    for g in goods:
        p.put(g.name)
        p.ends(f" -{g.quantity} x {yuan(g.price)}", f"-{yuan(g.amount)}")
    p.ends("应退金额", yuan(due))
    p.ends("支付宝", yuan(due))
    return p.done(Truth("return", number, due, (("alipay", due),)))


def merchant_slip(s: Sale) -> Slip:
    p = Paper(s.width)
    amount = s.rng.randrange(500, 50000)
    p.center("POS签购单")
    p.put("商户存根", "商户名称:惠民生活超市", f"终端号:{s.digits(8)}", "卡号:622202******1234", "交易类型:消费")
    p.put(f"凭证号:{s.digits(6)}", f"日期/时间:{s.when:%Y/%m/%d %H:%M:%S}", f"金额:RMB {yuan(amount)}", "持卡人签名:")
    return p.done(Truth("merchant_copy", None, amount))


LAYOUTS = (
    labelled_details,
    code_row_then_name,
    member_price_column,
    tea_shop,
    restaurant_service_fee,
    group_voucher_meal,
    pharmacy_insurance,
    fruit_shop_savings,
    hong_kong,
    bakery_rounding,
    values_below,
    unpaid_bill,
    store_return,
    merchant_slip,
)
