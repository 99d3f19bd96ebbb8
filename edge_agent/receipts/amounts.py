"""Printed numbers: money, quantities, rates, as a till writes them."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

_MARK = (
    r"(?:HK\$|NT\$|US\$|[A-Z]{1,2}\$|\$|¥|£|€|₩|₹|฿|₫|RMB|RM|Rp|Rs\.?|kr|zł|MYR|INR|THB|TWD|MOP|CNY|USD|EUR|GBP|HKD|"
    r"AUD|NZD|SGD|CAD|CHF|JPY|KRW)"
)
_UNIT = (
    r"(?:kgs?|KGS?|Kg|g|G|克|斤|公斤|千克|市斤|两|lbs?|LBS?|LB|oz|OZ|个|件|份|盒|瓶|袋|包|支|杯|碗|只|条|位|罐|听|张|串|笼|"
    r"扎|例|盘|打|箱|桶|板|片|双|套|枚|点|個|コ|ヶ|本|冊|名|人|개|병|봉|EA|ea|pcs?|PCS?|ml|ML|L|l|天|次|台|块钱|晚|小时|位|串|壶|煲|锅|卷|提|捆|筐|碟|束|朵|根|块|桶|盆|株|条|把|颗|棵|枝|樽|屉|组|筒|封|项|項|道|样|樣|款|种|種|點|客|顶|副|对|节|课时|泊|박|잔|그릇|세트|팩|박스|캔|통|丁|匹|皿|杯|袋|箱|缶|セット|パック)"
)
# What stands behind a count in a word of its own, too: 1 煲  2 碗
COUNTERS = (
    "件点项項品個个건只位条瓶份盒袋杯碗罐听包支根串笼块张枚套例扎打箱桶双片本煲锅壶卷提捆筐碟盘束朵盆株把颗棵枝樽屉组筒封道样樣款种顶副"
    "对串碟皿匹丁缶병잔봉팩판줄籠煲鍋盤組雙張隻條瓶罐"
)
_NUMBER = re.compile(
    rf"(?P<open>\()?(?P<sign>[-+−–])?(?P<mark>{_MARK})?(?P<sign2>[-+−–])?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d{1,4})?|\d{1,3}(?:\.\d{3})+,\d{2}|\d+(?:[.,]\d{1,4})?|\.\d{2})"
    rf"(?P<mark2>元|円|圆|원|圓|{_MARK})?(?P<unit>/?{_UNIT})?(?P<rate>%|折)?(?P<after>-|CR|cr)?(?P<close>\))?"
    r"(?P<tax>[A-Z*#軽※軽非内外込Tt]{1,2})?"
)
_MEMORY = 4096  # words; prices and counts repeat from slip to slip
CURRENCY = re.compile(rf"[-+−]?{_MARK}")


@dataclass(frozen=True, slots=True)
class Number:
    """One printed number.

    ``places``: printed decimals; ``money``: it carries a currency mark; ``unit``: the unit of measure printed with it;
    ``rate``: it is a percentage or 折; ``signed``: a plus or minus was printed; ``per``: it is a price for one such
    unit (``9.98/kg``).
    """

    value: Decimal
    places: int
    money: bool = False
    unit: str = ""
    rate: bool = False
    signed: bool = False
    per: bool = False

    def minor(self, digits: int) -> int | None:
        """Return the number as minor units of a currency with so many digits; None if it has a finer fraction."""
        scaled = self.value.scaleb(digits)
        whole = int(scaled)
        return whole if whole == scaled else None


@lru_cache(maxsize=_MEMORY)
def parse(word: str) -> Number | None:
    """Return the number a word is, or None: ``-1.04`` ``¥1,234`` ``16.00元`` ``(1.50)`` ``1.50-`` ``0.856kg``."""
    if len(word) > 24:
        return None
    match = _NUMBER.fullmatch(word)
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    digits, places = _plain(match["digits"])
    money = bool(match["mark"] or match["mark2"])
    # ¥1,234- is how Japanese receipts close a figure, not a minus.
    trailing = bool(match["after"]) and not (money and match["after"] == "-")
    negative = (match["sign"] or match["sign2"] or "+") in "-−–" or trailing or bool(match["open"])
    value = Decimal(digits)
    return Number(
        -value if negative else value,
        places,
        money,
        (match["unit"] or "").strip("/"),
        bool(match["rate"]),
        signed=negative or bool(match["sign"] or match["sign2"]),
        per=(match["unit"] or "").startswith("/"),
    )


def _plain(digits: str) -> tuple[str, int]:
    """Return the digits with a decimal point and how many decimals there are."""
    comma, dot = digits.rfind(","), digits.rfind(".")
    if comma > dot and len(digits) - comma - 1 != 3:  # a decimal comma, as on the continent
        digits = digits.replace(".", "").replace(",", ".")
    elif comma > dot >= 0:
        digits = digits.replace(",", "")
    else:
        digits = digits.replace(",", "")
    point = digits.find(".")
    return digits, 0 if point < 0 else len(digits) - point - 1
