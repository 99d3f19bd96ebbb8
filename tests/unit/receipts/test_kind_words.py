"""The words that make a slip a return, a reprint, a bill before payment …, and what only sounds like them."""

# ruff: noqa: E501 - a slip or a list of words in one row is easier to compare than one cut to width

import pytest

from edge_agent import receipts

TEMPLATES = [receipts.compile(settings) for settings in receipts.shipped().values()]

# The slip around a title, by language: its currency, its head, its goods and total, its payment.
SLIPS = {
    "zh": ("CNY", "惠民超市", "单号:10086\n2026-11-22 10:31:05\n可乐    2   3.00   6.00\n合计          6.00", "现金          6.00"),
    "tw": ("TWD", "惠民超市", "單號:10086\n2026-11-22 10:31:05\n可樂    2   3.00   6.00\n合計          6.00", "現金          6.00"),
    "en": ("GBP", "QUICKSTOP", "Receipt No: 10086\n22/11/2026 10:31\nCOKE        6.00\nTOTAL       6.00", "CASH        6.00"),
    "ja": ("JPY", "スーパーまる", "レシートNo 10086\n2026/11/22 10:31\nコーラ        600\n合計         ¥600", "現金         ¥600"),
    "ko": ("KRW", "우리마트", "영수증번호 10086\n2026-11-22 10:31\n콜라       600\n합계       600", "현금       600"),
}  # fmt: skip
PAID = {
    ("zh", "return"): "退货 ｜【退货单】｜*** 退款 ***｜退货小票｜交易类型:退货｜销售退货单｜---退货---｜退款凭证｜整单退货｜无单退货",
    ("tw", "return"): "退貨｜*** 退貨單 ***｜退款單｜銷貨退回｜【退貨憑證】",
    ("en", "return"): "REFUND｜*** RETURN ***｜Refund Receipt｜CREDIT NOTE｜SALES RETURN｜** REFUND TRANSACTION **｜Merchandise Return",
    ("ja", "return"): "返品｜【返品】｜** 返金 **｜返品レシート｜払戻し",
    ("ko", "return"): "반품｜[반품]｜환불 영수증｜*** 환불 ***",
    ("zh", "void"): "作废｜** 交易作废 **｜【冲正】｜整单取消｜已作废｜交易撤销｜******整单作废******｜订单已取消｜该单已作废",
    ("tw", "void"): "作廢｜** 交易取消 **｜【作廢】｜已作廢",
    ("en", "void"): "*** VOID ***｜Voided Transaction｜TRANSACTION VOID｜CANCELLED｜** TRANSACTION CANCELLED **｜POST VOID｜SALE VOIDED",
    ("ja", "void"): "取消｜取引取消｜【取消レシート】｜*** 取引中止 ***",
    ("ko", "void"): "취소｜거래취소｜[취소 영수증]",
    ("zh", "reprint"): "补打｜*** 补打 ***｜【重打】｜重印小票｜副本｜打印次数:2｜第2次打印｜—— 补打小票 第1次 ——｜*** 重打印 ***｜重新打印"
    "｜【补打印】｜(补打)｜====重印====｜补打联｜补打第3次",
    ("tw", "reprint"): "補印｜*** 重印 ***｜補列印｜副本",
    ("en", "reprint"): "*** REPRINT ***｜DUPLICATE｜Copy Receipt｜** DUPLICATE RECEIPT **｜REPRINT #2｜-- COPY --｜Receipt Copy｜REPRINTED RECEIPT｜COPY",
    ("ja", "reprint"): "再発行｜【再発行】｜再印字｜レシート再発行｜** 写し **",
    ("ko", "reprint"): "재발행｜[재발행]｜재출력｜영수증 재발행｜*** 사본 ***",
    ("zh", "merchant_copy"): "商户存根｜商户存根联｜POS签购单｜商户存根 MERCHANT COPY｜【商户联】｜商家联｜银行存根｜商户留存",
    ("en", "merchant_copy"): "MERCHANT COPY｜** Merchant Copy **｜STORE COPY｜--- MERCHANT COPY ---",
    ("ja", "merchant_copy"): "加盟店控え｜店舗控｜【加盟店控】",
    ("ko", "merchant_copy"): "가맹점용｜[가맹점 보관용]",
}  # fmt: skip
UNPAID = {
    ("zh", "prebill"): "预结单｜***预结单***｜预打单｜预结账单｜客户预结单｜对账单｜未结账｜埋单｜对账单(未结账)｜【预结算单】｜客看单｜*** 预 结 单 ***｜消费清单(未结)｜此单未付款",
    ("tw", "prebill"): "預結單｜埋單｜*** 對帳單 ***｜【未結帳】",
    ("en", "prebill"): "GUEST CHECK｜*** PRE-BILL ***｜Pro-forma｜NOT A RECEIPT｜Provisional Bill｜UNPAID｜BILL PREVIEW｜*** NOT PAID ***",
    ("ja", "prebill"): "お会計票｜仮伝票｜【会計伝票】｜請求書",
    ("ko", "prebill"): "계산서｜빌지｜[주문내역]",
}  # fmt: skip
NO_PRICES = {
    (
        "zh",
        "kitchen",
    ): "厨打单｜后厨制作单｜【厨房联】｜传菜单｜热菜厨房单｜制作单｜*** 后厨 ***｜出品单｜凉菜档口单｜起菜单｜催菜单",
    ("tw", "kitchen"): "廚房單｜【後廚】｜出餐單",
    ("en", "kitchen"): "KITCHEN ORDER｜*** KITCHEN ***｜KOT｜BAR TICKET｜Kitchen Copy｜PREP TICKET",
    ("ja", "kitchen"): "調理伝票｜【キッチン】｜厨房伝票",
    ("ko", "kitchen"): "주방 주문서｜[주방용]",
}
# At the foot or the head of a sale that was paid.
HARMLESS = {
    "zh": "凭小票7日内退货｜如需退换货请保留小票｜退货须知：请于7日内凭小票办理｜退货须知｜充值有礼 会员充100送10｜本店概不退款｜打印次数:1｜商户热线 400-820-1234"
    "｜厨房重地 闲人免进 欢迎品尝｜作废小票无效｜凭小票退货｜退换货请凭小票｜退款将原路返回｜撕毁作废｜复印无效｜预付卡办理请至服务台｜预付卡可用｜日结优惠 天天有｜日结"
    "｜零钱可捐款｜储值卡 余额不足请充值｜补打小票请至服务台｜加入会员 享充值优惠｜厨房用品 8折｜今日营业至22:00｜交班时段请稍候｜商家联系方式见门口｜未付款请勿离店",
    "tw": "退貨請憑發票｜憑單退換貨｜塗改作廢｜逾期作廢｜補印收費",
    "en": "Returns within 14 days with receipt｜REFUNDS ONLY WITH RECEIPT｜No refund on sale items｜CUSTOMER COPY｜Void where prohibited｜Please keep this copy"
    "｜Top up your card today!｜THE KITCHEN GARDEN｜RETURN POLICY｜NO REFUNDS｜VOID IF DETACHED｜Coupon void after 30 days｜Duplicate coupons not accepted"
    "｜One coupon per visit, duplicates void｜Gift card reload available｜Unpaid parking is fined｜Refunds and exchanges｜Ask about float tanks｜No sale too small"
    "｜Please retain your copy｜Shift into winter｜End of season sale｜Daily specials｜Reprint fee applies",
    "ja": "返品は7日以内にお願いします｜再発行はできません｜返品・交換はレシートをお持ちください｜領収証｜お客様控えは大切に",
    "ko": "교환 및 환불은 7일 이내｜반품시 영수증 지참｜재발행 불가｜환불규정｜고객용",
}  # fmt: skip


def cases(table: dict[tuple[str, str], str]) -> list[tuple[str, str, str]]:
    return [(*place, title.strip()) for place, titles in table.items() for title in titles.split("｜")]


def read(language: str, *parts: str) -> receipts.Reading:
    reading = receipts.read(tuple("\n".join(parts).split("\n")), TEMPLATES, SLIPS[language][0])
    assert reading is not None
    return reading


@pytest.mark.parametrize(("language", "kind", "title"), cases(PAID))
def test_titles_of_paid_slips(language: str, kind: str, title: str) -> None:
    _, head, body, payment = SLIPS[language]
    reading = read(language, head, title, body, payment)
    assert (reading.kind, reading.totals.payable) == (kind, 600)


@pytest.mark.parametrize(("language", "kind", "title"), cases(UNPAID))
def test_titles_of_bills_before_payment(language: str, kind: str, title: str) -> None:
    _, head, body, _ = SLIPS[language]
    reading = read(language, head, title, body)
    assert (reading.kind, reading.totals.payable, reading.tenders) == (kind, 600, ())


@pytest.mark.parametrize(("language", "kind", "title"), cases(NO_PRICES))
def test_titles_of_slips_without_prices(language: str, kind: str, title: str) -> None:
    assert read(language, title, "#0042 T5", "ラーメン   x1" if language == "ja" else "ABC   x1").kind == kind


@pytest.mark.parametrize(
    ("language", "text"), [(language, text) for language, texts in HARMLESS.items() for text in texts.split("｜")]
)
def test_notices_at_the_foot_do_not_change_the_kind(language: str, text: str) -> None:
    _, head, body, payment = SLIPS[language]
    reading = read(language, head, body, payment, text)
    assert (reading.kind, reading.totals.payable) == ("sale", 600)
