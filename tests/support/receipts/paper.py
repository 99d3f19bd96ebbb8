"""What every layout needs: a random sale, paper of some width, and the truth to compare with."""

import random
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

T = TypeVar("T")


def cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def pad(text: str, width: int, *, right: bool = False) -> str:
    gap = " " * max(0, width - cells(text))
    return gap + text if right else text + gap


def cut(text: str, width: int) -> str:
    while cells(text) > width:
        text = text[:-1]
    return text


@dataclass(frozen=True)
class Truth:
    kind: str
    number: str | None
    payable: int | None
    tenders: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Slip:
    lines: tuple[str, ...]
    truth: Truth
    currency: str = "CNY"


@dataclass(frozen=True)
class Good:
    name: str
    quantity: Decimal
    price: int
    amount: int
    unit: str = ""
    code: str = ""
    weighed: bool = False


ZH_GOODS = (
    ("农夫山泉550ml", 200),
    ("康师傅红烧牛肉面", 450),
    ("可口可乐330ml罐装", 250),
    ("蒙牛纯牛奶250ml*12", 4990),
    ("海天金标生抽500ml", 1280),
    ("洁柔抽纸3层100抽", 990),
    ("双汇王中王火腿肠", 1250),
    ("乐事薯片原味75g", 790),
    ("伊利酸奶原味100g*8", 1590),
    ("金龙鱼葵花籽油5L", 8990),
    ("旺旺雪饼84g", 650),
    ("百岁山矿泉水348ml", 300),
    ("关东煮萝卜", 350),
    ("鲜肉包", 250),
    ("茶叶蛋", 180),
    ("三得利乌龙茶500ml", 550),
    ("清风卷纸10卷", 2390),
)
ZH_WEIGHED = (
    ("散装苹果", 998),
    ("精品五花肉", 2980),
    ("本地青菜", 396),
    ("香蕉", 598),
    ("红富士苹果", 1190),
    ("冰鲜鲈鱼", 3580),
)
ZH_DISHES = (
    ("宫保鸡丁", 3800),
    ("鱼香肉丝", 3200),
    ("酸菜鱼(大份)", 8800),
    ("米饭", 300),
    ("清炒时蔬", 2200),
    ("红烧肉", 5800),
    ("麻婆豆腐", 2600),
    ("扬州炒饭", 2800),
    ("雪花啤酒", 1200),
    ("酸梅汤(扎)", 2800),
    ("小笼包/笼", 1800),
    ("夫妻肺片", 3600),
)
ZH_DRUGS = (
    ("阿莫西林胶囊0.25g*24粒", 1850),
    ("感冒灵颗粒10g*9袋", 1680),
    ("布洛芬缓释胶囊", 2290),
    ("云南白药创可贴", 890),
    ("维生素C片100片", 350),
    ("板蓝根颗粒", 1500),
    ("藿香正气水10支", 1290),
    ("医用外科口罩10只", 980),
)
EN_GOODS = (
    ("WHOLE MILK 1L", 129),
    ("WHITE BREAD", 95),
    ("FREE RANGE EGGS 12", 325),
    ("CHEDDAR 400G", 349),
    ("BAKED BEANS", 85),
    ("ORANGE JUICE 1.5L", 260),
    ("PASTA FUSILLI", 110),
    ("COFFEE BEANS 250G", 475),
    ("TOMATO SOUP", 99),
    ("WASHING LIQUID", 699),
)
EN_WEIGHED = (("BANANAS LOOSE", 129), ("ROYAL GALA APPLES", 289), ("CARROTS LOOSE", 65), ("CHICKEN THIGHS", 549))
EN_CAFE = (
    ("Flat White", 380),
    ("Latte Large", 430),
    ("Croissant", 320),
    ("Blueberry Muffin", 350),
    ("Espresso", 260),
    ("Avocado Toast", 950),
    ("Iced Tea", 300),
    ("Caesar Salad", 1250),
    ("Club Sandwich", 1180),
    ("House Red Glass", 750),
)
JA_GOODS = (
    ("おにぎり鮭", 150),
    ("緑茶525ml", 138),
    ("サンドイッチ", 298),
    ("ﾎｯﾄｺｰﾋｰR", 110),
    ("からあげ棒", 165),
    ("牛乳1L", 228),
)
KO_GOODS = (
    ("바나나우유", 1700),
    ("삼각김밥참치", 1200),
    ("신라면컵", 1250),
    ("생수500ml", 950),
    ("초코파이", 4800),
    ("아메리카노", 4500),
)


class Sale:
    """One random sale: everything a layout may print, drawn once from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.width = self.rng.choice((32, 42, 48))
        start = datetime(2026, 1, 1, 8, 0)
        self.when = start + timedelta(seconds=self.rng.randrange(330 * 86400))
        self.when = self.when.replace(hour=self.rng.randrange(8, 22))
        self.serial = self.rng.randrange(1, 9999)
        self.till = self.rng.randrange(1, 13)

    def pick(self, *options: T) -> T:
        return self.rng.choice(options)

    def digits(self, count: int) -> str:
        return str(self.rng.randrange(1, 10)) + "".join(self.rng.choice("0123456789") for _ in range(count - 1))

    def gtin(self) -> str:
        body = "69" + "".join(self.rng.choice("0123456789") for _ in range(10))
        total = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(body))
        return body + str(-total % 10)

    def goods(
        self, names: Sequence[tuple[str, int]], weighed: Sequence[tuple[str, int]] = (), least: int = 1, most: int = 6
    ) -> list[Good]:
        found = []
        for name, price in self.rng.sample(names, min(len(names), self.rng.randint(least, most))):
            count = self.pick(1, 1, 1, 2, 3)
            found.append(Good(name, Decimal(count), price, price * count, code=self.gtin()))
        for name, price in self.rng.sample(list(weighed), min(len(weighed), self.rng.randint(1, 2))):
            weight = Decimal(self.rng.randrange(200, 2500)) / 1000
            amount = int((weight * price).quantize(Decimal(1), ROUND_HALF_UP))
            found.append(Good(name, weight, price, amount, "kg", "2" + self.digits(6), weighed=True))
        self.rng.shuffle(found)
        return found

    def cash_for(self, amount: int, note: int = 100) -> int:
        """What a shopper hands over: the next round note or a bit more."""
        step = self.pick(note, note * 5, note * 10, note * 50)
        return -(-amount // step) * step


def total(goods: Sequence[Good]) -> int:
    return sum(g.amount for g in goods)


def yuan(amount: int, places: int = 2) -> str:
    return f"{amount / 100:.{places}f}"


def grouped(amount: int) -> str:
    return f"{amount:,}"


@dataclass
class Paper:
    """Rows of one slip."""

    width: int
    rows: list[str] = field(default_factory=list)

    def put(self, *texts: str) -> None:
        self.rows.extend(texts)

    def center(self, text: str) -> None:
        self.rows.append(" " * max(0, (self.width - cells(text)) // 2) + text)

    def ends(self, left: str, right: str) -> None:
        self.rows.append(pad(left, self.width - cells(right)) + right)

    def rule(self, mark: str = "-") -> None:
        self.rows.append(mark * self.width)

    def columns(self, texts: Sequence[str], widths: Sequence[int]) -> None:
        """Left-align the first column (cut to fit), right-align the others."""
        first, *rest = texts
        room = self.width - sum(widths)
        row = pad(cut(first, room - 1), room)
        self.rows.append(row + "".join(pad(text, width, right=True) for text, width in zip(rest, widths, strict=True)))

    def done(self, truth: Truth, currency: str = "CNY") -> Slip:
        return Slip(tuple(row.rstrip() for row in self.rows), truth, currency)


Layout = Callable[[Sale], Slip]


def count_text(good: Good) -> str:
    return f"{good.quantity:.3f}" if good.weighed else str(good.quantity)
