"""Field-aware redaction: payment codes, card and phone numbers become keyed tokens of the same printed width.

Digits alone say little: a receipt number may look like a payment code. So the words before a number decide first, and
the number's own form only where no word does. What stands under a word for a document (单号, order, ref …) survives,
here and wherever else on the slip the same number is printed.
"""

import hmac
import re
import string
import unicodedata
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

# Payment codes shown to the till's scanner: WeChat 18 digits, Alipay 16-24, e-CNY 19; UnionPay's begin with 62.
_PAYMENT_CODE = re.compile(r"1[0-5]\d{16}|(?:2[5-9]|30)\d{14,22}|01\d{17}|62\d{17}")
_MOBILE = re.compile(r"1[3-9]\d{9}")
# Written without a mark these look like anything: only a word for telephones or people tells. Japan, Korea; Taiwan.
_NATIONAL = re.compile(r"0(?:[789]0|1[016-9])\d{8}|09\d{8}")
# Issuer ranges with their lengths (ISO/IEC 7812): Visa, Mastercard, Amex, Diners, JCB, Discover, UnionPay.
_CARD = re.compile(
    r"4\d{15}|4\d{18}|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35\d{14}|"
    r"6(?:011|5\d\d)\d{12}|62\d{14,17}"
)
_CARD_LENGTHS = range(14, 20)
_NUMBER = re.compile(
    r"(?<![\d.,*+A-Za-z-])(?:"
    r"(?P<plain>\d{10,32})"
    r"|(?P<card>\d{4}(?P<m>[ -])\d{4}(?P=m)\d{4}(?P=m)\d{1,7}(?:(?P=m)\d{1,4}){0,2}|\d{4}(?P<k>[ -])\d{6}(?P=k)\d{4,5})"
    r"|(?P<phone>(?:1[3-9]\d|0[789]0|01[016-9])(?P<p>[ -])\d{4}(?P=p)\d{4}|09\d\d(?P<t>[ -])\d{3}(?P=t)\d{3})"
    r"|(?P<american>\(\d{3}\) ?\d{3}[-. ]\d{4}|\d{3}(?P<a>[-.])\d{3}(?P=a)\d{4})"
    r")(?![\d*]|\.\d|-\d)"
)
# E.164 behind a plus; behind 00 only with blanks or dashes, and not in the middle of a number printed in groups.
_INTERNATIONAL = re.compile(
    r"(?<![\d+])(?:\+[1-9]\d{0,2}[ -]?|(?<!\d)(?<!\d[ -])00[1-9]\d{0,2}[ -])"
    r"\(?\d{1,4}\)?(?:[ -]?\d{2,5}){2,4}(?![\d.*])"
)

# A code as a scanner may be set up to send it: blanks, an AIM identifier (ISO/IEC 15424), other signs around it.
_FRAMED = re.compile(r"\s*(?:\][A-Za-z]\d)?[^0-9A-Za-z]{0,8}(?P<digits>\d{11,32})[^0-9A-Za-z]{0,4}")

_NUMBERED = re.compile(r"(?P<index>00\d{1,3})[ -](?P<code>\d{12,14}|\d{8})(?!\d)")
# As EAN-13 and UPC-A are printed below their bars.
_GROUPED_GTIN = re.compile(r"00\d{1,3}[ -](?:\d \d{6} \d{6}|\d \d{5} \d{5} \d)")
_GTIN_LENGTHS = (8, 12, 13, 14)
_INTERNATIONAL_DIGITS = 12  # 00 65 6123 4567 is of the shortest
_PHONE_WORD = re.compile(
    r"电话|手机|联系|联络|会员|顾客|客户|客人|用户|买家|姓名|收货|收件|配送|骑手|尾号|先生|女士|小姐|電話|手機|聯絡|會員|顧客|"
    r"tel|phone|mobile|\bcell|contact|whatsapp|member|customer|携帯|お客様|会員|氏名|휴대|핸드폰|전화|연락|회원|고객",
    re.IGNORECASE,
)
# A shop prints its own telephone on every receipt, in North America in the form of anybody's: whose it is decides.
_PERSON_WORD = re.compile(r"member|customer|guest|mobile|\bcell|deliver|会员|會員|顾客|手机|客户", re.IGNORECASE)
# A name alone before a mobile number: one of the hundred surnames that nine in ten Chinese people have, and one or two
# characters more.
_NAME = re.compile(
    r"[王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖"
    r"石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴][\u4e00-\u9fff*]{1,2}"
)
_CARD_WORD = re.compile(
    r"卡号|卡號|银行卡|信用卡|借记卡|银联|card|acc(?:oun)?t|\bpan\b|visa|master|amex|カード|会員番号|카드",
    re.IGNORECASE,
)
_PAY_WORD = re.compile(
    r"付款码|支付码|付款条码|支付条码|收款码|授权码|条码|条形码|扫码|auth_?code|pay(?:ment)? ?code|付款碼|"
    r"支払い?(?:コード|バーコード)",
    re.IGNORECASE,
)
_DOCUMENT_WORD = re.compile(
    r"单号|原单|流水|交易号|订单|票号|小票|单据|收据|商户|参考|凭证|批次|终端|发票|税号|编号|序号|货号|编码|店号|机号|取餐|运单|快递|單號|訂單|收據|序號|編號|票號|流水號|發票|統編|帳號|"
    r"レシート|伝票|取引|登録|영수증|거래|승인|주문|사업자|order|receipt|rcpt|trans|txn|invoice|\binv\b|bill|check|chk|"
    r"ticket|tkt|\btc\b|\bref|\btrn\b|\btran\b|\brfn\b|\bseq|\bslip|\brec\b|trade|merchant|terminal|batch|\btrace\b|\bno\b|\bid\b|number|docket|serial|\bs/?n\b|vat|abn|gst",
    re.IGNORECASE,
)
# Seven digits with little between them: no secret and no document's number is shorter, and most rows hold none.
_MAYBE = re.compile(r"\d(?:[ \u3000()-]{0,2}\d){6}|\d{3}\.\d{3}\.\d{4}")
_LABEL = re.compile(r"[^\d]*$")
_LONG = re.compile(r"\d{8,32}")
# What a row ends in if the number below is its value; a title such as 购物凭证 says nothing of the row below.
_ASKS = re.compile(r"(?:[::]|号码?|號碼?|码|碼|番号|번호|编号|no\.?|number|id|#)\s*$", re.IGNORECASE)
_LABEL_REACH = 24  # characters before a number in which its label stands
_TOKEN = re.compile(r"\*[a-z]{9,}")
_HALF_WIDTH = {0xFF10 + i: 0x30 + i for i in range(10)} | {0xFF1A: 0x3A, 0x3000: 0x20, 0xFF0D: 0x2D, 0xFF0B: 0x2B}
# Code pages a printer may hold full-width digits in; plain digits are the same byte in all of them.
_CODE_PAGES = ("gb18030", "big5", "shift_jis", "euc_kr", "euc_jp", "utf_8")


@dataclass(frozen=True, slots=True)
class Replacement:
    """One secret as it was printed, and the token that stands for it: both take the same number of cells."""

    secret: str
    token: str


@dataclass(frozen=True, slots=True)
class Redacted:
    """The lines (and codes) without secrets, and what was replaced in them."""

    lines: tuple[str, ...]
    replacements: tuple[Replacement, ...]
    codes: tuple[str, ...] = ()


class Redactor:
    """Replaces secrets by tokens made of ``key`` and the secret's digits alone: always the same, never reversible."""

    def __init__(self, key: bytes) -> None:
        if not key:
            raise ValueError("a redaction key must not be empty")
        self._key = key

    def redact_lines(self, lines: Sequence[str], codes: Sequence[str] = ()) -> Redacted:
        """Return the lines of one slip, and the contents of its bar codes, with every secret replaced in place."""
        risky = {index for index, line in enumerate(lines) if _MAYBE.search(line)}
        documents = _documents(lines, risky)
        found: dict[str, Replacement] = {}
        clean = []
        for index, line in enumerate(lines):
            above = lines[index - 1] if index else ""
            clean.append(self._redact_line(line, above, documents, found) if index in risky else line)
        kept = []
        for code in codes:
            safe = code if code in documents else self.redact_code(code)
            if safe != code:
                found.setdefault(code, Replacement(code, safe))
            kept.append(safe)
        return Redacted(tuple(clean), tuple(found.values()), tuple(kept))

    def redact_text(self, text: str) -> str:
        """Return a text of any number of lines with every secret replaced in place."""
        return "\n".join(self.redact_lines(text.split("\n")).lines)

    def redact_raw(self, raw: bytes, replacements: Sequence[Replacement]) -> bytes | None:
        """Return printer bytes with the same secrets replaced, length unchanged.

        None where a secret is not found in one piece: then nothing of these bytes may be kept.
        """
        for replacement in sorted(replacements, key=lambda r: -len(r.secret)):
            secret = _encoded(replacement.secret, raw)
            if secret is None or len(secret) != len(replacement.token):
                return None
            raw = raw.replace(secret, replacement.token.encode("ascii"))
        return raw

    def redact_code(self, code: str) -> str:
        """Return a scanned code with its secret replaced, if it is a payment code, a card or a mobile phone number.

        Signs and AIM identifiers that a scanner puts around a code hide nothing; a letter makes it another code (what a
        scanner is set up to add is the decoder's ``prefix``). Of a link the parameters are looked at as text.
        """
        if "=" in code:
            return "&".join(self.redact_text(part) for part in code.split("&"))
        framed = _FRAMED.fullmatch(code)
        digits = framed["digits"] if framed else ""
        if _PAYMENT_CODE.fullmatch(digits) or _MOBILE.fullmatch(digits) or _is_card(digits):
            return code.replace(digits, self._token(digits, len(digits)))
        return code

    def _redact_line(self, line: str, above: str, documents: frozenset[str], found: dict[str, Replacement]) -> str:
        text = line.translate(_HALF_WIDTH)
        for start, end in reversed(list(_secrets(text, above, documents))):
            printed = line[start:end]
            digits = "".join(c for c in text[start:end] if c.isdigit())
            token = self._token(digits, _cells(printed))
            found.setdefault(printed, Replacement(printed, token))
            line = line[:start] + token + line[end:]
        return line

    def _token(self, digits: str, width: int) -> str:
        """Return ``*`` and letters, ``width`` cells in all: no digit, so nothing takes it for a number."""
        value = int.from_bytes(hmac.digest(self._key, digits.encode(), "sha256"), "big")
        letters = []
        for _ in range(width - 1):
            value, letter = divmod(value, 26)
            letters.append(string.ascii_lowercase[letter])
        return "*" + "".join(letters)


def _secrets(text: str, above: str, documents: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Yield where the secrets of a row begin and end, left to right."""
    spans = [
        m.span()
        for m in _INTERNATIONAL.finditer(text)
        if _is_long_enough(m[0]) and not _is_numbered_code(m[0]) and not _is_document(_label(text, m.start(), above))
    ]
    for match in _NUMBER.finditer(text):
        if any(start < match.end() and match.start() < end for start, end in spans):
            continue
        digits = re.sub(r"\D", "", match[0])
        label = _label(text, match.start(), above)
        if _is_secret(match, digits, label, documents) or (
            _MOBILE.fullmatch(digits) and digits not in documents and text.strip(" []|:") == match[0]
        ):
            spans.append(match.span())
    yield from sorted(spans)


def _is_long_enough(phone: str) -> bool:
    """Tell whether what begins with 00 has the digits of country, area and subscriber; a plus is certain without."""
    return phone[0] == "+" or sum(c.isdigit() for c in phone) >= _INTERNATIONAL_DIGITS


def _is_numbered_code(phone: str) -> bool:
    """Tell whether what begins with 00 is a row's number and a bar code: ``001 6900000011223``.

    No country's subscribers have so many digits in one piece; and behind 00 and a single digit only those of the two
    one-digit country codes of ITU-T E.164 follow, never printed in eights: 1 North America, 7 Russia and Kazakhstan.
    """
    match = _NUMBERED.match(phone)
    if match is not None and _is_card(match["code"]):
        return False
    if match is not None:
        return len(match["code"]) in _GTIN_LENGTHS[1:] or len(match["index"]) == len("001")
    return _GROUPED_GTIN.fullmatch(phone) is not None


def _is_secret(match: re.Match[str], digits: str, label: str, documents: frozenset[str]) -> bool:
    if match["phone"]:
        return not _is_document(label)
    if match["american"]:
        return _PERSON_WORD.search(label) is not None and not _is_document(label)
    if match["card"]:
        code = _PAYMENT_CODE.fullmatch(digits) is not None and _PAY_WORD.search(label) is not None
        return (_luhn(digits) or code) and not _is_document(label)
    if _MOBILE.fullmatch(digits) or _NATIONAL.fullmatch(digits):
        whose = _PHONE_WORD.search(label) is not None or _NAME.fullmatch(label) is not None
        return whose and not _is_document(label)
    if _CARD_WORD.search(label) and 13 <= len(digits) <= 19:
        return _luhn(digits) or (_CARD.fullmatch(digits) is not None and not _is_document(label))
    if _PAYMENT_CODE.fullmatch(digits):
        if _PAY_WORD.search(label):
            return True
        return not _is_document(label) and digits not in documents
    return _is_card(digits) and not _is_document(label) and digits not in documents


def _is_document(label: str) -> bool:
    """Tell whether a label names a document, and not a card, a phone or a payment code."""
    if _DOCUMENT_WORD.search(label) is None:
        return False
    last = max((m.end() for m in _DOCUMENT_WORD.finditer(label)), default=-1)
    stronger = (m.end() for word in (_PHONE_WORD, _CARD_WORD, _PAY_WORD) for m in word.finditer(label))
    # "Card No" and "Phone number" end in a word for documents; "会员单号" is a document all the same.
    return not any(end > last or _only_number_word(label[end:]) for end in stronger)


def _only_number_word(rest: str) -> bool:
    return re.fullmatch(r"\s*(?:no|number|id|号码?|號碼?|编号|番号|번호)?[.#: ]*", rest, re.IGNORECASE) is not None


def _label(text: str, start: int, above: str) -> str:
    """Return the words a number stands under: those before it in its row, else the row above if it has no figures."""
    before = _without_tokens(text[:start])[-4 * _LABEL_REACH :].rstrip(" :#*.([|=-")
    match = _LABEL.search(before)
    label = match[0].strip(" ,;|")[-_LABEL_REACH:] if match is not None else ""
    if label or before:
        return label
    above = _without_tokens(above).strip()
    return above[-_LABEL_REACH:] if _ASKS.search(above) is not None and not any(c.isdigit() for c in above) else ""


def _without_tokens(text: str) -> str:
    """Return a row with noughts for tokens: what was redacted is as little a word as the digits it stands for."""
    return _TOKEN.sub(lambda token: "0" * len(token[0]), text) if "*" in text else text


def documents(lines: Sequence[str]) -> frozenset[str]:
    """Return the numbers that some row of a slip labels as a document's, as digits."""
    return _documents(lines, {index for index, line in enumerate(lines) if _MAYBE.search(line)})


def may_hold_secret(digits: str, *, misread: bool = False) -> bool:
    """Tell whether a number is or holds what could be a mobile telephone's, a card's or a payment code.

    For numbers that no label explains. ``misread``: not even a good GTIN is one by more than accident.
    """
    if not misread and len(digits) in _GTIN_LENGTHS and _gtin(digits) and not _is_card(digits):
        return False
    if _NATIONAL.fullmatch(digits) or _MOBILE.search(digits) or _PAYMENT_CODE.search(digits):
        return True
    starts = range(len(digits) - min(_CARD_LENGTHS) + 1)
    return any(_is_card(digits[start : start + length]) for start in starts for length in _CARD_LENGTHS)


def _documents(lines: Sequence[str], risky: AbstractSet[int]) -> frozenset[str]:
    """Return the numbers that some row of the slip labels as a document's."""
    found = set()
    for index in risky:
        text = lines[index].translate(_HALF_WIDTH)
        for match in _LONG.finditer(text):
            label = _label(text, match.start(), lines[index - 1] if index else "")
            if _is_document(label) and not _PAY_WORD.search(label):
                found.add(match[0])
    return frozenset(found)


def _is_card(digits: str) -> bool:
    """Tell whether digits have an issuer's range and length and a right check digit, and are no GTIN."""
    if _CARD.fullmatch(digits) is None or not _luhn(digits):
        return False
    return not (len(digits) == 14 and _gtin(digits))


def _luhn(digits: str) -> bool:
    """Check ISO/IEC 7812's check digit."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _gtin(digits: str) -> bool:
    """Check the GS1 check digit."""
    return sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(reversed(digits))) % 10 == 0


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _encoded(secret: str, raw: bytes) -> bytes | None:
    """Return the secret's bytes as they stand in the raw stream, or None."""
    for page in ("ascii",) if secret.isascii() else _CODE_PAGES:
        try:
            found = secret.encode(page)
        except UnicodeEncodeError:
            continue
        if found in raw:
            return found
    return None
