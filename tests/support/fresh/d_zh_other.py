"""The fourth batch: delivery slips, returns, top-ups and the papers that are no sale."""

from tests.support.fresh.slip import Line, Slip

ALL: tuple[Slip, ...] = (
    Slip(
        name="d-zh-meituan-noodles",
        language="zh",
        currency="CNY",
        kind="delivery_slip",
        text="""
^#23 美团外卖
^阿婆米线(东门店)
已在线支付
下单时间:2026-11-14 11:42:07
备注:不要香菜
-----------1号口袋-----------
招牌过桥米线 x1¦26.00
香煎豆腐 x2¦16.00
------------其他-------------
餐盒费¦3.00
配送费¦4.50
满减优惠¦-8.00
------------------------------
实付:¦41.50
订单编号:2611149087712345
王** 尾号6671
锦绣花园3栋***
""",
        number="2611149087712345",
        printed_at=None,
        payable=4150,
        lines=(
            Line("招牌过桥米线", "1", None, 2600),
            Line("香煎豆腐", "2", None, 1600),
            Line("餐盒费", None, None, 300, "fee"),
            Line("配送费", None, None, 450, "fee"),
            Line(None, None, None, -800, "discount"),
        ),
        channel="meituan",
        day_number="23",
        stops=(30,),
        medium="escpos",
    ),
    Slip(
        name="d-zh-meituan-tea",
        language="zh",
        currency="CNY",
        kind="delivery_slip",
        text="""
^美团外卖 #107
*山语鲜果茶(万象店)*
期望送达时间:立即送达
下单时间:2026-11-15 14:20
********************************
名称¦数量¦金额
葡萄冻冻(大杯)¦1¦21.00
芒果椰椰(中杯)¦2¦34.00
打包费¦¦2.00
配送费¦¦3.00
********************************
店铺优惠¦-5.00
平台红包¦-3.00
顾客实付¦52.00
@qr:https://mt.example/o/107
订单号 5011 2233 8899 107
""",
        payable=5200,
        lines=(
            Line("葡萄冻冻(大杯)", "1", None, 2100),
            Line("芒果椰椰(中杯)", "2", None, 3400),
            Line("打包费", None, None, 200, "fee"),
            Line("配送费", None, None, 300, "fee"),
            Line(None, None, None, -500, "discount"),
            Line(None, None, None, -300, "discount"),
        ),
        channel="meituan",
        day_number="107",
        stops=(23, 32),
        medium="python-escpos",
    ),
    Slip(
        name="d-zh-eleme-rice",
        language="zh",
        currency="CNY",
        kind="delivery_slip",
        text="""
^#8 饿了么
^小灶煲仔饭
----------在线支付----------
【下单时间】2026-11-16 17:33:12
订单号:8030111622334455667
--------------------------------
【1号篮子】
腊味煲仔饭¦x1¦28.80
例汤¦x1¦6.00
窝蛋牛肉煲仔饭¦x1¦31.20
--------------------------------
包装费¦3.00
配送费¦2.00
红包抵扣¦-6.00
--------------------------------
总计¦65.00
顾客:张女士 178****0092
""",
        number="8030111622334455667",
        payable=6500,
        lines=(
            Line("腊味煲仔饭", "1", None, 2880),
            Line("例汤", "1", None, 600),
            Line("窝蛋牛肉煲仔饭", "1", None, 3120),
            Line("包装费", None, None, 300, "fee"),
            Line("配送费", None, None, 200, "fee"),
            Line(None, None, None, -600, "discount"),
        ),
        channel="eleme",
        day_number="8",
        stops=(22, 32),
        medium="escpos",
    ),
    Slip(
        name="d-zh-eleme-grocer",
        language="zh",
        currency="CNY",
        kind="delivery_slip",
        text="""
饿了么订单 #41
绿篮子便利超市
下单:2026-11-17 21:05:44
支付状态:已支付
商品              数量    小计
抽纸6包             1    16.90
苏打水400ml         6    27.00
火腿肠10支          1    12.50
配送费                    1.00
合计                     57.40
优惠                     -7.40
实付                     50.00
订单号:3007 1188 2026 0041
配送:蜂鸟  骑手:待分配
""",
        payable=5000,
        lines=(
            Line("抽纸6包", "1", None, 1690),
            Line("苏打水400ml", "6", None, 2700),
            Line("火腿肠10支", "1", None, 1250),
            Line("配送费", None, None, 100, "fee"),
            Line(None, None, None, -740, "discount"),
        ),
        channel="eleme",
        day_number="41",
    ),
    Slip(
        name="d-zh-jddj",
        language="zh",
        currency="CNY",
        kind="delivery_slip",
        text="""
^京东到家 #15
旺角生活超市(滨江店)
订单编号:2611180001522
下单时间:2026-11-18 09:12:30
预计送达:2026-11-18 10:10
==========================================
商品名称¦单价¦数量¦小计
==========================================
东北珍珠米5kg¦39.90¦1¦39.90
浓香花生油1.8L¦45.00¦1¦45.00
即食海苔30g¦8.60¦3¦25.80
==========================================
商品金额¦110.70
运费¦6.00
促销优惠¦-10.70
实付金额¦106.00
支付方式:在线支付
""",
        number="2611180001522",
        payable=10600,
        lines=(
            Line("东北珍珠米5kg", "1", 3990, 3990),
            Line("浓香花生油1.8L", "1", 4500, 4500),
            Line("即食海苔30g", "3", 860, 2580),
            Line("运费", None, None, 600, "fee"),
            Line(None, None, None, -1070, "discount"),
        ),
        channel="jddj",
        day_number="15",
        stops=(24, 32, 42),
        medium="escpos",
    ),
    Slip(
        name="d-zh-returned",
        language="zh",
        currency="CNY",
        kind="return",
        text="""
        佳隆百货超市
         **退货单**
退货单号:T0300251
原单号:0300118
2026-11-19 13:14:15  收银:21
--------------------------------
品名¦数量¦单价¦金额
保温杯450ml¦-1¦79.00¦-79.00
毛巾¦-2¦12.50¦-25.00
--------------------------------
退款合计¦-104.00
现金退款¦-104.00
顾客签字:
""",
        number="T0300251",
        printed_at="2026-11-19T13:14:15",
        payable=10400,
        lines=(
            Line("保温杯450ml", None, 7900, 7900),
            Line("毛巾", None, 1250, 2500),
        ),
        tenders=(("cash", 10400),),
        stops=(17, 24, 32),
    ),
    Slip(
        name="d-zh-refund-original",
        language="zh",
        currency="CNY",
        kind="return",
        text="""
^蓝屿数码配件
^退款凭证
退款单号¦RF26112000002
原订单号¦SO26111800037
退款时间¦2026-11-20 16:30:02
--------------------------------
快充数据线1m
1 x 29.90¦29.90
--------------------------------
退款金额¦29.90
退款方式¦原路退回(微信支付)
""",
        number="RF26112000002",
        printed_at="2026-11-20T16:30:02",
        payable=2990,
        lines=(Line("快充数据线1m", "1", 2990, 2990),),
        tenders=(("wechat_pay", 2990),),
        stops=(32,),
        medium="escpos",
    ),
    Slip(
        name="d-zh-card-charged",
        language="zh",
        currency="CNY",
        kind="top_up",
        text="""
^云上美发沙龙
^会员充值单
单号:CZ2611150006
会员卡号:8800****19
充值时间:2026-11-15 15:10:44
--------------------------------
充值金额:¦500.00
支付方式:¦微信支付
充值前余额:¦36.00
充值后余额:¦536.00
--------------------------------
持卡人签名:
""",
        number="CZ2611150006",
        printed_at="2026-11-15T15:10:44",
        payable=50000,
        lines=(Line(None, None, None, 50000, "top_up"),),
        tenders=(("wechat_pay", 50000),),
        stops=(32,),
        medium="escpos",
    ),
    Slip(
        name="d-zh-canteen-charged",
        language="zh",
        currency="CNY",
        kind="top_up",
        text="""
    园区食堂 饭卡充值凭条
终端:C02   流水号:004417
日期:2026-11-16 11:20:09
卡号:100****882
充值前:    12.50元
充值额:   200.00元
卡余额:   212.50元
收款:现金 200.00元
""",
        number="004417",
        printed_at="2026-11-16T11:20:09",
        payable=20000,
        lines=(Line(None, None, None, 20000, "top_up"),),
        tenders=(("cash", 20000),),
    ),
    Slip(
        name="d-zh-prebill",
        language="zh",
        currency="CNY",
        kind="prebill",
        text="""
^渔家小院
^预结单
桌号:包厢2  人数:6
单号:YJ26111403
时间:2026-11-14 20:02:11
菜名¦数量¦单价¦金额
--------------------------------
清蒸鲈鱼¦1¦88.00¦88.00
白灼虾¦1¦98.00¦98.00
时蔬¦2¦22.00¦44.00
米饭¦6¦2.00¦12.00
--------------------------------
应付金额¦242.00
本单未付款,不作结账凭证
""",
        number="YJ26111403",
        printed_at="2026-11-14T20:02:11",
        payable=24200,
        lines=(
            Line("清蒸鲈鱼", "1", 8800, 8800),
            Line("白灼虾", "1", 9800, 9800),
            Line("时蔬", "2", 2200, 4400),
            Line("米饭", "6", 200, 1200),
        ),
        stops=(16, 24, 32),
        medium="escpos",
    ),
    Slip(
        name="d-zh-kitchen",
        language="zh",
        currency="CNY",
        kind="kitchen",
        text="""
^厨房制作单
^桌号:15
热菜档口
点单时间:2026-11-15 18:31:40
服务员:小梅
--------------------------------
鱼香肉丝¦1份
  少辣
干煸四季豆¦1份
酸辣汤¦1例
--------------------------------
整单备注:快点上
""",
        stops=(32,),
        medium="escpos",
    ),
    Slip(
        name="d-zh-reprinted",
        language="zh",
        currency="CNY",
        kind="reprint",
        text="""
       **** 重打小票 ****
        康乐便民超市
小票号:A0088123
销售时间:2026-11-13 08:50:17
重印时间:2026-11-13 09:02:55
品名¦数量¦单价¦金额
豆沙包¦4¦1.50¦6.00
原味豆浆¦2¦3.00¦6.00
合计¦12.00
微信支付¦12.00
""",
        number="A0088123",
        payable=1200,
        lines=(
            Line("豆沙包", "4", 150, 600),
            Line("原味豆浆", "2", 300, 600),
        ),
        tenders=(("wechat_pay", 1200),),
        stops=(17, 24, 32),
    ),
    Slip(
        name="d-zh-shift",
        language="zh",
        currency="CNY",
        kind="shift_report",
        text="""
^收银员交班报表
门店:优加便利新村店
收银员:005 刘芳
上班时间:2026-11-17 08:00:03
交班时间:2026-11-17 16:01:26
--------------------------------
销售笔数:¦142
销售金额:¦3,286.40
退货笔数:¦1
退货金额:¦12.00
--------------------------------
现金:¦415.40
微信支付:¦1,988.00
支付宝:¦871.00
合计:¦3,274.40
--------------------------------
签字:
""",
        printed_at="2026-11-17T16:01:26",
        stops=(32,),
        medium="escpos",
    ),
    Slip(
        name="d-zh-petty-cash",
        language="zh",
        currency="CNY",
        kind="cash_in_out",
        text="""
     优加便利新村店
       备用金存入单
单号:BY261117001
时间:2026-11-17 08:01:30
收银机:01  收银员:005
存入金额:300.00
经手人:
""",
        printed_at="2026-11-17T08:01:30",
        cash=("in", 30000),
    ),
)
