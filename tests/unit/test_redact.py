import random
import unicodedata

import pytest

from edge_agent.redact import Redactor

REDACTOR = Redactor(b"a store's own key")


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def luhn(body: str) -> str:
    total = 0
    for position, digit in enumerate(reversed(body)):
        value = int(digit) * (1 if position % 2 else 2)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def ean(body: str) -> str:
    total = sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(body))
    return body + str(-total % 10)


def width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def wechat(rng: random.Random) -> str:
    return "1" + rng.choice("012345") + digits(rng, 16)


def alipay(rng: random.Random) -> str:
    return rng.choice(("25", "26", "27", "28", "29", "30")) + digits(rng, rng.randint(14, 22))


def ecny(rng: random.Random) -> str:
    return "01" + digits(rng, 17)


def card(rng: random.Random) -> str:
    start, length = rng.choice((("4", 16), ("52", 16), ("37", 15), ("622202", 19), ("622848", 19), ("6225", 16)))
    return luhn(start + digits(rng, length - len(start) - 1))


def mobile(rng: random.Random) -> str:
    return "1" + rng.choice("3456789") + digits(rng, 9)


def spaced(number: str, mark: str) -> str:
    return mark.join(number[i : i + 4] for i in range(0, len(number), 4))


@pytest.mark.parametrize("seed", range(400))
def test_generated_secrets_are_found_nowhere(seed: int) -> None:
    rng = random.Random(seed)
    pay = rng.choice((wechat, alipay, ecny))(rng)
    number, phone = card(rng), mobile(rng)
    secrets = [
        (
            rng.choice(("付款码: {}", "微信支付 条码:{}", "支付宝付款码 {}", "扫码付 {}", "{}", "授权码：{}", "   {}")),
            pay,
        ),
        (rng.choice(("卡号:{}", "银行卡 {}", "CARD NO. {}", "Card Number: {}", "VISA {}", "会员卡号:{}")), number),
        (
            rng.choice(
                ("电话:{}", "手机号 {}", "会员:{}", "会员手机: {}", "Tel {}", "张先生 {}", "Customer phone: {}")
            ),
            phone,
        ),
        (rng.choice(("卡号 {}", "{}")), spaced(card(rng), rng.choice(" -"))),
        (rng.choice(("会员 {}", "{}")), f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"),
        ("联系: {}", f"+86 {mobile(rng)}"),
    ]
    rng.shuffle(secrets)
    lines = ["惠民超市", *(form.format(secret) for form, secret in secrets), "合计   16.00"]
    result = REDACTOR.redact_lines(lines)
    text = "\n".join(result.lines)
    for form, secret in secrets:
        assert secret not in text, (form, secret)
    assert [width(line) for line in result.lines] == [width(line) for line in lines]
    assert len(result.replacements) >= len({secret for _, secret in secrets}) - 1
    raw = "\n".join(lines).encode("gb18030")
    clean = REDACTOR.redact_raw(raw, result.replacements)
    assert clean is not None
    assert clean.decode("gb18030") == text


LABELS = (
    *("单号:{}", "流水号：{}", "小票号 {}", "Receipt No: {}"),
    *("订单号:{}", "交易号:{}", "退货原单:{}", "TRACE {}"),
)


@pytest.mark.parametrize("seed", range(400))
def test_numbers_that_merely_look_alike_survive(seed: int) -> None:
    rng = random.Random(seed)
    receipt = rng.choice((wechat, alipay, ecny))(rng)
    lines = [
        rng.choice(LABELS).format(receipt),
        "微信交易单号: 4200" + digits(rng, 24),
        "支付宝订单号: 20261122" + digits(rng, 20),
        "商户单号:" + alipay(rng),
        "交易单号:",
        wechat(rng),
        f"{ean('69' + digits(rng, 10))} 农夫山泉 2 2.00 4.00",
        ean("400" + digits(rng, 9)),
        "参考号: " + digits(rng, 12),
        f"订单号:{card(rng)}",
        f"单据号:{mobile(rng)}",
        "电话: 021-50801234",
        "客服热线 400-820-1234",
        "TEL:(021)63221234",
        f"卡号:622202******{digits(rng, 4)}",
        "会员:138****5678",
        "2026-11-22 10:31:05",
        f"{'2026112210310500' + digits(rng, 2)}",
        "合计            1,234.00",
        f"   {receipt}",  # the same number again, under its bar code
    ]
    result = REDACTOR.redact_lines(lines)
    assert list(result.lines) == lines
    assert result.replacements == ()
    assert REDACTOR.redact_raw(b"anything", result.replacements) == b"anything"


def test_the_token_is_stable_keyed_and_no_number() -> None:
    first = REDACTOR.redact_text("付款码:134567890123456789")
    assert first == REDACTOR.redact_text("付款码:134567890123456789")
    assert first != Redactor(b"another key").redact_text("付款码:134567890123456789")
    token = first.removeprefix("付款码:")
    assert token.startswith("*")
    assert len(token) == 18
    assert not any(c.isdigit() for c in token)


def test_full_width_digits_keep_their_width() -> None:
    line = "手机：１３８１２３４５６７８ 谢谢"
    result = REDACTOR.redact_lines([line])
    assert "１３８" not in result.lines[0]
    assert width(result.lines[0]) == width(line)
    clean = REDACTOR.redact_raw(line.encode("gb18030"), result.replacements)
    assert clean is not None
    assert clean.decode("gb18030") == result.lines[0]


def test_raw_bytes_where_the_secret_is_in_pieces_are_not_kept() -> None:
    result = REDACTOR.redact_lines(["付款码:134567890123456789"])
    assert REDACTOR.redact_raw(b"\x1b@13456789\x1b$\x10\x000123456789\n", result.replacements) is None


@pytest.mark.parametrize("form", ["~{}", "]Q3{}", "]C1 {}\r", "{}#", "https://pay.example.cn/q?o=1&phone={}"])
def test_marks_around_a_code_hide_nothing(form: str) -> None:
    secret = "13812345678" if "phone" in form else "134567890123456789"
    clean = REDACTOR.redact_code(form.format(secret))
    assert secret not in clean
    assert len(clean) == len(form.format(secret))
    assert clean.startswith(form.partition("{")[0])


@pytest.mark.parametrize("seed", range(200))
def test_scanned_codes(seed: int) -> None:
    rng = random.Random(seed)
    for secret in (wechat(rng), alipay(rng), ecny(rng), card(rng), mobile(rng)):
        assert secret not in REDACTOR.redact_code(secret)
        assert len(REDACTOR.redact_code(secret)) == len(secret)
    for code in (
        ean("69" + digits(rng, 10)),
        digits(rng, 8),
        "https://pos.example.cn/r/1",
        "M" + digits(rng, 18),
        "40" + digits(rng, 6),
    ):
        assert REDACTOR.redact_code(code) == code


def test_bar_codes_of_the_slip_follow_its_numbers() -> None:
    lines = ["单号: 134567890123456789"]
    assert REDACTOR.redact_lines(lines, ["134567890123456789"]).codes == ("134567890123456789",)
    alone = REDACTOR.redact_lines(["谢谢"], ["134567890123456789"])
    assert alone.codes != ("134567890123456789",)
    assert alone.replacements[0].secret == "134567890123456789"


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match="key"):
        Redactor(b"")


def test_ten_thousand_secrets_go_and_ten_thousand_numbers_stay() -> None:
    rng = random.Random(7)
    lines: list[str] = []
    kept: list[str] = []
    gone: list[str] = []
    for _ in range(2_500):
        number = card(rng)
        secrets = [
            ("付款码: {}", rng.choice((wechat, alipay, ecny))(rng)),
            ("卡号:{}", number),
            ("卡号 {}", spaced(card(rng), " ")),
            (rng.choice(("会员手机:{}", "收货人 {}", "Tel {}", "尾号 {}")), mobile(rng)),
        ]
        numbers = [
            ("单号:{}", rng.choice((wechat, alipay, ecny))(rng)),
            ("交易单号:{}", "4200" + digits(rng, 24)),
            ("{} 矿泉水 1 2.00 2.00", ean("69" + digits(rng, 10))),
            ("TRN# {}", f"00{digits(rng, 2)} {digits(rng, 4)} {digits(rng, 4)}"),
        ]
        gone += [secret for _, secret in secrets]
        kept += [form.format(number) for form, number in numbers]
        rows = [form.format(value) for form, value in (*secrets, *numbers)]
        clean = REDACTOR.redact_lines(rows).lines
        assert [width(row) for row in clean] == [width(row) for row in rows]
        lines += clean
    text = "\n".join(lines)
    assert (len(gone), len(kept)) == (10_000, 10_000)
    assert [secret for secret in gone if secret in text] == []
    assert set(kept) <= set(lines)


def test_a_phone_below_a_title_and_a_number_behind_two_noughts() -> None:
    lines = [
        "   自助售货机购物凭证",
        "138-1234-5678",
        "Tel 0044 7911 123456",
        "SI# 000000129911",
        "交易序號 0082-112018",
    ]
    clean = REDACTOR.redact_lines(lines).lines
    assert "1234-5678" not in clean[1]
    assert "7911" not in clean[2]
    assert list(clean[3:]) == lines[3:]
