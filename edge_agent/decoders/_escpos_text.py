"""From printed bytes to characters: code tables, national sets, Chinese, Japanese and Korean modes."""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

REPLACEMENT = "\ufffd"
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
        first = _by_jis if jis else partial(_by_codec, codec)
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
        return REPLACEMENT

    return _ESCAPED.sub(replace, text), bytes(bad)
