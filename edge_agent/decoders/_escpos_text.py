"""From printed bytes to characters: code tables, national sets, Chinese, Japanese and Korean modes."""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

REPLACEMENT = "\ufffd"
_SPOILT_BLANK = b"\xa0"  # where it is no character: half of what a receipt prints are blanks
_ESCAPED = re.compile("[\udc80-\udcff]")  # what the surrogateescape handler leaves of an undecodable byte

# ESC t n, Epson's numbering. Thai, Vietnamese, Indian and block tables Python has no codec for are left out: their
# upper half comes back as undecodable, never as another table's letters.
CODE_TABLES = {
    0: "cp437", 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865", 13: "cp857", 14: "cp737", 15: "iso8859_7",
    16: "cp1252", 17: "cp866", 18: "cp852", 19: "cp858", 26: "cp874", 32: "cp720", 33: "cp775", 34: "cp855",
    35: "cp861", 36: "cp862", 37: "cp864", 38: "cp869", 39: "iso8859_2", 40: "iso8859_15", 44: "cp1125",
    45: "cp1250", 46: "cp1251", 47: "cp1253", 48: "cp1254", 49: "cp1255", 50: "cp1256", 51: "cp1257", 52: "cp1258",
    53: "kz1048",
}  # fmt: skip
KATAKANA_TABLE = 1
USER_TABLES = (254, 255)  # whatever the shop stored there: taken for the start-up page

_ASCII = "".join(map(chr, range(128)))
_KATAKANA = (
    "▁▂▃▄▅▆▇█▏▎▍▌▋▊▉┼┴┬┤├▔─│▕┌┐└┘╭╮╰╯\u3000"
    + "".join(map(chr, range(0xFF61, 0xFFA0)))
    + "═╞╪╡◢◣◥◤♠♥♦♣●○╱╲╳円年月日時分秒〒市区町村人▒"
    + REPLACEMENT
)
_KATAKANA_MAP = _ASCII + _KATAKANA.replace("\u3000", REPLACEMENT).replace(REPLACEMENT, "\ufffe")  # U+FFFE: undefined

# ESC R n: the twelve positions that national sets replace.
_NATIONAL_POSITIONS = "#$@[\\]^`{|}~"
_NATIONAL_SETS = {
    1: "#$à°ç§^`éùè¨", 2: "#$§ÄÖÜ^`äöüß", 3: "£$@[\\]^`{|}~", 4: "#$@ÆØÅ^`æøå~", 5: "#¤ÉÄÖÅÜéäöåü",
    6: "#$@°\\é^ùàòèì", 7: "₧$@¡Ñ¿^`¨ñ}~", 8: "#$@[¥]^`{|}~", 9: "#¤ÉÆØÅÜéæøåü", 10: "#$ÉÆØÅÜéæøåü",
    11: "#$á¡Ñ¿é`íñóú", 12: "#$á¡Ñ¿éüíñóú", 13: "#$@[₩]^`{|}~", 14: "#$ŽŠĐĆČžšđćč", 15: "#¥@[\\]^`{|}~",
    16: "#₫@[\\]^`{|}~",
}  # fmt: skip

MULTIBYTE = {
    "gb18030": "gb18030",
    "gbk": "gb18030",  # a superset that decodes every GBK text alike
    "gb2312": "gb18030",
    "big5": "big5hkscs",  # the largest of the Big5 family
    "shift_jis": "cp932",  # with NEC's and IBM's additions, as Japanese printers have
    "cp932": "cp932",
    "euc_jp": "euc_jp",
    "euc_kr": "cp949",  # a superset of EUC-KR
}
_PAIRS = ("gb18030", "cp949")  # both bytes of nearly every character are high
JAPANESE = ("shift_jis", "cp932", "euc_jp")

Decode = Callable[[bytes, str], str]  # bytes and the error handler → text


@dataclass(frozen=True, slots=True)
class Charset:
    """How runs of text are read. ``first``, then ``second`` for a byte that is no part of a two-byte character."""

    first: Decode
    second: Decode | None
    two_byte: bool
    pairs: tuple[tuple[str, str], ...]  # (ASCII character, what the national set prints there)
    ascii_as_is: bool


def _by_codec(name: str, data: bytes, errors: str) -> str:
    return codecs.decode(data, name, errors)


_HIGH = re.compile(rb"[\x80-\xff]{3,}")


def _by_pairs(codec: str, data: bytes, errors: str) -> str:
    """Read a code of byte pairs; where the line spoilt one byte of a pair, the other costs no character behind it.

    A run of high bytes of odd length holds one that is no part of a pair: it stands where the rest reads best.
    """
    if errors == "strict":
        return codecs.decode(data, codec)
    out: list[str] = []
    at = 0
    for run in _HIGH.finditer(data):
        if len(run[0]) % 2 and not _is_sound(data[run.start() : run.end() + 1], codec):
            orphan = run.start() + _orphan(run[0], data[run.start() - 1 : run.start()] > b" ")
            out += [codecs.decode(data[at:orphan], codec, errors), chr(0xDC00 | data[orphan])]
            at = orphan + 1
    return "".join(out) + codecs.decode(data[at:], codec, errors)


def _is_sound(data: bytes, codec: str) -> bool:
    """Tell whether the last high byte makes a character with what follows, as some rare ones do."""
    try:
        codecs.decode(data, codec)
    except UnicodeDecodeError:
        return False
    return True


def _orphan(run: bytes, after_letter: bool) -> int:
    """Return the even index whose byte, left out, leaves the likeliest pairs.

    ``after_letter``: a letter stands before it, which may be what the line made of the first pair's first byte.
    """
    score = sum(_likely(run[i], run[i + 1]) for i in range(1, len(run), 2))
    best, place = score + after_letter, 0
    for index in range(2, len(run), 2):
        score += _likely(run[index - 2], run[index - 1]) - _likely(run[index - 1], run[index])
        if score > best:
            best, place = score, index
    return place


# What Chinese and Korean receipts say most.
_EVERYDAY_ZH = (
    "单号时间日期收银员机台桌流水交易订小票销售退货品名数量价金额小计合总优惠折扣应实付找零现微信支宝行卡会积分余储值"
    "券抹谢光临欢迎店地址电话元瓶袋盒份个斤克打印发备注网点餐外顾客您开码请保管凭证"
)
_EVERYDAY_KO = "영수증주문번호일자시간담당상품명량단가금액합계할인과세부면물판매받은돈거스름현카드승점전화감사니다"
_EVERYDAY = {c.encode("gb18030") for c in _EVERYDAY_ZH} | {c.encode("cp949") for c in _EVERYDAY_KO}


def _likely(first: int, second: int) -> int:
    """Rate a pair: everyday characters, GB 2312's and KS X 1001's common rows, their other rows, the rest."""
    if second < 0xA1 or first < 0xA1:
        return 0
    if bytes((first, second)) in _EVERYDAY:
        return 4
    return 2 if first <= 0xA3 or 0xB0 <= first <= 0xD7 else 1


def _by_katakana_table(data: bytes, errors: str) -> str:
    return codecs.charmap_decode(data, errors, _KATAKANA_MAP)[0]


def _by_jis(data: bytes, errors: str) -> str:
    """JIS X 0208 pairs without escapes: EUC-JP with the high bits cleared."""
    return codecs.decode(bytes(byte | 0x80 for byte in data), "euc_jp", errors)


def _code_table(number: int | None, startup: str) -> Decode:
    """Return how ``ESC t number`` reads its bytes; None: the table in force after power on."""
    if number == KATAKANA_TABLE:
        return _by_katakana_table
    if number is None or number in USER_TABLES:
        single = "cp437" if startup in MULTIBYTE or startup == "utf_8" else startup
        return partial(_by_codec, single)
    return partial(_by_codec, CODE_TABLES.get(number, "ascii"))


def _national(number: int) -> tuple[tuple[str, str], ...]:
    printed = _NATIONAL_SETS.get(number, _NATIONAL_POSITIONS)
    return tuple((ascii_, there) for ascii_, there in zip(_NATIONAL_POSITIONS, printed, strict=True) if ascii_ != there)


@lru_cache(64)
def charset(
    startup: str, table: int | None, kanji: bool, kanji_system: int | None, utf_8: bool, national: int
) -> Charset:
    """Return the character set of these modes; ``kanji_system``: ``FS C``, which only Japanese printers know."""
    first, second = _code_table(table, startup), None
    two_byte = kanji and not utf_8
    jis = two_byte and startup in JAPANESE and kanji_system is not None and kanji_system % 48 == 0
    if utf_8:
        first = partial(_by_codec, "utf_8")
    elif two_byte:
        second = None if table is None else first
        shift_jis = startup in JAPANESE and kanji_system is not None
        codec = "cp932" if shift_jis else MULTIBYTE.get(startup, "gb18030")
        first = _by_jis if jis else partial(_by_pairs if codec in _PAIRS else _by_codec, codec)
    pairs = _national(national)
    return Charset(first, second, two_byte, pairs, not jis and not pairs)


def decode(data: bytes, first: Decode, second: Decode | None) -> tuple[str, bytes]:
    """Return the text and the bytes that neither ``first`` nor ``second`` knows, each shown as U+FFFD.

    ``second``: what a byte that is no part of a two-byte character is tried with.
    """
    try:
        return first(data, "strict"), b""
    except UnicodeDecodeError:
        text = first(data, "surrogateescape")
    bad = bytearray()

    def replace(match: re.Match[str]) -> str:
        byte = bytes((ord(match[0]) & 0xFF,))
        try:
            if second is not None:
                return second(byte, "strict")
        except UnicodeDecodeError:
            pass
        bad.extend(byte)
        return " " if byte == _SPOILT_BLANK else REPLACEMENT

    return _ESCAPED.sub(replace, text), bytes(bad)
