"""Redaction both ways, by the ten thousand, through everything a slip goes through."""

import random
import re
import unicodedata
from collections.abc import Callable, Iterator

import msgspec
import pytest
from structlog.testing import capture_logs

from edge_agent import decoders
from edge_agent.observations import DisplayText, Payment, Receipt, Scan
from edge_agent.redact import Redactor
from edge_agent.shop.outcome import Outcome
from tests.support.recaptures import read_with
from tests.support.slips import Book, at, templates

KEY = b"a store's own key"
REDACTOR = Redactor(KEY)
WIDTH = 48

Make = Callable[[random.Random], str]


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def checked(body: str, weights: tuple[int, int], *, luhn: bool) -> str:
    """Return the body with its check digit behind it; ``weights``: from the right."""
    total = 0
    for position, digit in enumerate(reversed(body)):
        value = int(digit) * weights[position % 2]
        total += value - 9 if luhn and value > 9 else value
    return body + str(-total % 10)


def gtin13(rng: random.Random) -> str:
    return checked(rng.choice(("69", "49", "45", "88", "500", "20")) + digits(rng, 10), (3, 1), luhn=False)[-13:]


SCHEMES = (
    ("4", 16), ("4", 19), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15), ("36", 14),
    ("300", 14), ("3528", 16), ("3589", 16), ("6011", 16), ("65", 16), ("62", 16), ("621700", 19), ("622848", 19),
    ("625", 17),
)  # fmt: skip


def card(rng: random.Random) -> str:
    ""
    "Return a card number; none of Diners' that is as well a right GTIN-14: bare, nothing tells the two apart."
    ""
    start, length = rng.choice(SCHEMES)
    number = checked(start + digits(rng, length - len(start) - 1), (2, 1), luhn=True)
    return card(rng) if length == 14 and number == checked(number[:-1], (3, 1), luhn=False) else number


def grouped_card(rng: random.Random) -> str:
    number, mark = card(rng), rng.choice(" -")
    if len(number) == 15:
        return mark.join((number[:4], number[4:10], number[10:]))
    if len(number) == 14:
        return mark.join((number[:4], number[4:10], number[10:]))
    return mark.join(number[i : i + 4] for i in range(0, len(number), 4))


def code(rng: random.Random) -> str:
    """Return a payment code as a telephone shows it: WeChat, Alipay, e-CNY, UnionPay."""
    kind = rng.randrange(4)
    if kind == 0:
        return "1" + rng.choice("012345") + digits(rng, 16)
    if kind == 1:
        return rng.choice(("25", "26", "27", "28", "29", "30")) + digits(rng, rng.randint(14, 22))
    return ("01" if kind == 2 else "62") + digits(rng, 17)


def grouped_code(rng: random.Random) -> str:
    number, mark = "1" + rng.choice("012345") + digits(rng, 16), rng.choice(" -")
    return mark.join(number[i : i + 4] for i in range(0, len(number), 4))


def mobile(rng: random.Random) -> str:
    return "1" + rng.choice("3456789") + digits(rng, 9)


def grouped_mobile(rng: random.Random) -> str:
    mark = rng.choice(" -")
    kind = rng.randrange(4)
    if kind == 0:  # Japan, Korea
        return mark.join((rng.choice(("070", "080", "090", "010")), digits(rng, 4), digits(rng, 4)))
    if kind == 1:
        return f"+{rng.choice(('86', '852', '81', '82', '44', '1'))} {mobile(rng)}"
    number = mobile(rng)
    return mark.join((number[:3], number[3:7], number[7:]))


def national_mobile(rng: random.Random) -> str:
    """Return a mobile number as it is written without a mark: only its label tells."""
    return rng.choice((mobile(rng), rng.choice(("070", "080", "090", "010")) + digits(rng, 8)))


def american(rng: random.Random) -> str:
    area, local = f"{rng.randint(201, 989)}", f"{rng.randint(200, 999)}"
    return rng.choice(("({}) {}-{}", "{}-{}-{}", "{}.{}.{}")).format(area, local, digits(rng, 4))


def wide(text: str) -> str:
    return text.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789"})


SECRETS: tuple[tuple[Make, tuple[str, ...]], ...] = (
    (
        code,
        (
            "付款码: {}", "支付宝付款码 {}", "微信支付 条码:{}", "授权码：{}", "扫码付 {}",
            "Auth code: {}", "{}", "[{}]",
            "Payment code {}", "支付码          {}", "付款码:\n   {}", "微信支付          {}",
            "お支払いバーコード {}",
            "バーコード決済\n{}", "Alipay code: {}", "|付款码|{}|", "付款码:{} 金额:12.00",
            "数字人民币付款码:{}",
        ),
    ),
    (grouped_code, ("付款码: {}", "付款码\n{}", "Payment code: {}", "支払コード {}")),
    (
        card,
        (
            "卡号:{}", "银行卡 {}", "CARD NO. {}", "Card Number: {}", "VISA {}", "会员卡号:{}",
            "カード番号 {}", "PAN: {}",
            "Account: {}", "卡号:\n{}", "{}", "信用卡           {}", "MASTERCARD #{}", "카드번호: {}",
            "Card: {} Exp 09/28",
            "卡號：{}",
        ),
    ),
    (grouped_card, ("卡号 {}", "{}", "CARD {}", "カード {}", "Card number:\n{}", "银行卡号: {}")),
    (
        mobile,
        (
            "电话:{}", "手机号 {}", "会员:{}", "会员手机: {}", "Tel {}", "张先生 {}", "Customer phone: {}",
            "收货人 王芳 {}",
            "李雷 {}", "{}", "联系电话:\n{}", "Mobile No: {}", "配送电话 {}", "骑手: {}", "手机:{} 余额:20.00",
            "Member: {}", "手機 {}", "顾客:{}", "Cell: {}", "Contact {}", "用户 {}", "买家:{}",
            "姓名:韩梅梅 {}",
        ),
    ),
    (
        national_mobile,
        (
            "携帯:{}", "電話番号 {}", "お客様 TEL {}", "휴대폰: {}", "Mobile: {}", "手机: {}",
            "会員 TEL:{}",
        ),
    ),
    (grouped_mobile, ("会员 {}", "{}", "TEL: {}", "携帯電話 {}", "Phone {}", "手机: {}", "연락처 {}")),
    (american, ("Customer phone: {}", "Member: {}", "Mobile: {}", "Cell {}", "Customer tel. {}")),
    (lambda rng: wide(mobile(rng)), ("手机：{}", "会员手机 {}", "携帯　{}")),
    (lambda rng: wide(code(rng)), ("付款码：{}", "付款码 {}")),
)  # fmt: skip

NUMBERS: tuple[tuple[Make, tuple[str, ...]], ...] = (
    (
        code,
        (
            "单号:{}", "流水号：{}", "小票号 {}", "Receipt No: {}", "订单号:{}", "交易号:{}",
            "交易单号:{}", "商户单号:{}",
            "Order #{}", "Transaction ID: {}", "微信交易单号 {}", "支付宝交易号:{}", "参考号:{}",
            "レシート番号 {}",
            "取引番号:{}", "伝票番号 {}", "交易单号:\n{}", "订单编号           {}", "영수증번호: {}",
            "單號：{}", "凭证号:{}",
            "Ref: {}", "Invoice {}", "终端流水号:{}",
        ),
    ),
    (card, ("订单号:{}", "交易号 {}", "Receipt #: {}", "Merchant ID {}", "商户号:{}", "取引番号 {}")),
    (
        mobile,
        (
            "单据号:{}", "流水 {}", "Ticket No. {}", "Trans {}", "小票号:{}", "伝票番号:{}",
            "{} 散装苹果 1 2.00 2.00",
        ),
    ),
    (
        gtin13,
        (
            "{} 农夫山泉 2 2.00 4.00", "{}", "  {}  1  9.90", "条码 {}", "商品条码:{}", "バーコード {}",
            "BARCODE {}", "{} おにぎり ¥120",
            "编码:{}",
        ),
    ),
    (lambda rng: "4200" + digits(rng, 24), ("微信交易单号: {}", "交易单号 {}", "{}")),
    (lambda rng: "20261122" + digits(rng, 20), ("支付宝订单号: {}", "商户订单号:{}", "{}")),
    (lambda rng: "2026112210" + digits(rng, 8), ("单号:{}", "流水号:{}", "No.{}", "{}")),
    (lambda rng: " ".join(digits(rng, 4) for _ in range(4)), ("TRN# {}", "Ref {}", "TC# {}")),
    (lambda rng: f"021-{rng.randint(2, 8)}{digits(rng, 7)}", ("电话: {}", "TEL {}", "客服热线:{}")),
    (lambda rng: f"400-{digits(rng, 3)}-{digits(rng, 4)}", ("客服电话 {}", "热线: {}")),
    (lambda rng: f"0{rng.choice('36')}-{rng.randint(2, 9)}{digits(rng, 3)}-{digits(rng, 4)}", ("TEL {}", "電話:{}")),
    (lambda rng: f"622202******{digits(rng, 4)}", ("卡号:{}", "CARD {}")),
    (lambda rng: f"138****{digits(rng, 4)}", ("会员:{}", "手机 {}")),
    (lambda rng: f"T{digits(rng, 13)}", ("登録番号 {}", "税号:{}")),
)  # fmt: skip


def cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def bare(text: str) -> str:
    ""
    "Return the digits of a text, in groups as they stand when blanks and marks between two digits do not count."
    ""
    half = unicodedata.normalize("NFKC", text)
    return re.sub(r"(?<=\d)[ .()-]+(?=\d)", "", half)


def rows(rng: random.Random, kinds: tuple[tuple[Make, tuple[str, ...]], ...], count: int) -> Iterator[tuple[str, str]]:
    """Yield a number and the rows it stands in, every kind and form in turn."""
    for _ in range(count):
        make, forms = rng.choice(kinds)
        number = make(rng)
        form = rng.choice(forms)
        if "\n" not in form and rng.random() < 0.2:
            label, _, rest = form.partition("{}")
            number_and_rest = number + rest
            blanks = WIDTH - cells(label) - cells(number_and_rest)
            yield number, label + " " * max(1, blanks) + number_and_rest
        else:
            yield number, form.replace("{}", number)


def printed(lines: list[str]) -> Receipt:
    """Return a slip as the decoder understands its bytes."""
    decoder = decoders.create("escpos", decoders.settings_model("escpos")())
    raw = b"\x1b@\x1c&" + "\r\n".join(lines).encode("gb18030", "replace") + b"\r\n\x1dV\x42\x00"
    (slip,) = (said for said in decoder.feed(raw) if isinstance(said, Receipt))
    return slip


def everything(outcome: Outcome) -> str:
    """Return all that an outcome leaves anywhere, as text."""
    events = [msgspec.json.encode([draft.subject, draft.data]).decode() for draft in outcome.events]
    state = [f"{c.part} {c.key} {(c.value or b'').decode('latin-1')}" for c in outcome.state]
    captures = [c.body.decode("gb18030", "replace") + c.about.decode() for c in outcome.captures]
    return "\n".join(events + state + captures)


def test_ten_thousand_secrets_are_found_nowhere() -> None:
    one = tuple(template for template in templates() if template.settings.name == "zh-retail")
    rng, book, found = random.Random(20261122), Book(read_with(one, "one"), KEY), []
    with capture_logs() as log:
        for _ in range(250):
            secrets = list(rows(rng, SECRETS, 40))
            receipt = printed(["惠民便利店", *(row for _, text in secrets for row in text.split("\n")), "合计 16.00"])
            outcome = book.shop.observe("till-1-printer", receipt, at())
            book.keep(outcome)
            left = everything(outcome)
            text = bare(left)
            found += [(text_, number) for number, text_ in secrets if bare(number) in text or number in left]
            clean = REDACTOR.redact_raw(receipt.raw, REDACTOR.redact_lines(receipt.lines).replacements)
            assert clean is not None, "with its secrets taken out every slip may be kept"
            assert len(clean) == len(receipt.raw)
    assert found == []
    assert re.search(r"\d{10}", bare(str(log))) is None


def test_ten_thousand_numbers_stay_and_every_column_where_it_was() -> None:
    rng, changed = random.Random(7), []
    for _ in range(500):
        numbers = list(rows(rng, NUMBERS, 20))
        lines = [row for _, text in numbers for row in text.split("\n")]
        clean = REDACTOR.redact_lines(lines)
        changed += [(before, after) for before, after in zip(lines, clean.lines, strict=True) if before != after]
    assert changed == []


def test_columns_stay_where_they_are_beside_secrets() -> None:
    rng = random.Random(11)
    for _ in range(250):
        both = [*rows(rng, SECRETS, 20), *rows(rng, NUMBERS, 20)]
        rng.shuffle(both)
        lines = [row for _, text in both for row in text.split("\n")]
        clean = REDACTOR.redact_lines(lines).lines
        assert [cells(row) for row in clean] == [cells(row) for row in lines]
        again = REDACTOR.redact_lines(clean)
        assert (again.lines, again.replacements) == (clean, ()), "what is redacted is not redacted again"


@pytest.mark.parametrize("seed", range(3))
def test_codes_shown_to_a_scanner_and_printed_as_bars(seed: int) -> None:
    rng, book = random.Random(seed), Book(key=KEY)
    for _ in range(300):
        secret = rng.choice((code, card, mobile))(rng)
        for observation in (
            Scan(secret),
            Receipt(("谢谢惠顾",), f"\x1dk\x49{secret}\n谢谢惠顾".encode("gb18030"), barcodes=(secret,)),
            DisplayText((f"付款码 {secret}", "16.00"), "total", "16.00"),
            Payment("approved", amount=1600, type="wechat_pay", reference="000123", fields={"pan": secret}),
        ):
            outcome = book.shop.observe("till-1-printer", observation, at())
            book.keep(outcome)
            assert secret not in everything(outcome), observation
        number = gtin13(rng)
        (draft, *_) = book.shop.observe("till-1-printer", Scan(number), at()).events
        assert number in msgspec.json.encode(draft.data).decode()
