"""Layouts of vendors that do not exist, in words no table knows, for what is taught from captures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.support.fresh.slip import laid_out


@dataclass(frozen=True)
class Sale:
    """One sale: goods as name, quantity and price; what was handed over; money in minor units."""

    number: str
    at: str
    goods: tuple[tuple[str, int, int], ...]
    handed: int
    less: int = 0
    phone: str = "13800000000"

    @property
    def total(self) -> int:
        return sum(quantity * price for _, quantity, price in self.goods)

    @property
    def payable(self) -> int:
        return self.total - self.less


SALES = (
    Sale("LS-0092", "2026-11-20 09:30", (("Gaufre", 2, 350), ("Brioche", 1, 420), ("Limonade", 3, 180)), 2000, 60),
    Sale("LS-0107", "2026-11-20 16:02", (("Tarte citron", 1, 390), ("Limonade", 2, 180)), 1000),
    Sale("LS-0311", "2026-11-21 11:47", (("Brioche", 4, 420), ("Quiche", 1, 575), ("Café noir", 2, 210)), 3000, 75),
)
UNSEEN = Sale(
    "LS-0498", "2026-11-22 08:15", (("Galette", 5, 260), ("Gaufre", 1, 350), ("Pain perdu", 2, 480)), 5000, 110
)


def _money(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02}"


def columns(sale: Sale) -> tuple[str, ...]:
    """Four columns under a heading of strange words, change given."""
    rows = ["      晨曦小铺", f"票根 {sale.number}", sale.at, f"联系电话 {sale.phone}", "物什¦几何¦单值¦共值"]
    rows += [f"{name}¦{n}¦{_money(price)}¦{_money(n * price)}" for name, n, price in sale.goods]
    rows += [f"归总¦{_money(sale.total)}"]
    rows += [f"舍去¦{_money(sale.less)}"] if sale.less else []
    rows += [
        f"当纳¦{_money(sale.payable)}",
        f"纳来¦{_money(sale.handed)}",
        f"归还¦{_money(sale.handed - sale.payable)}",
    ]
    return tuple(laid_out(row, (18, 26, 34)) for row in [*rows, "有空再来坐坐"])


def amount_first(sale: Sale) -> tuple[str, ...]:
    """The amount before the name, quantity and price behind it."""
    rows = ["KIOSK BLAUWAL", f"Zettel {sale.number}", f"am {sale.at}", "was du nimmst"]
    rows += [f"{_money(n * price)}  {name}  {n} zu {_money(price)}" for name, n, price in sale.goods]
    rows += ["was du gibst"]
    rows += [f"ergibt {_money(sale.total)}"]
    rows += [f"geschenkt {_money(sale.less)}"] if sale.less else []
    rows += [f"bleibt {_money(sale.payable)}", f"gegeben {_money(sale.handed)}"]
    return (*rows, f"retour {_money(sale.handed - sale.payable)}", "bis bald")


def two_rows(sale: Sale) -> tuple[str, ...]:
    """Name above, figures below it; the total and the rest in a frame of rules."""
    rows = ["    ~ Nonna Pia ~", f"Foglio {sale.number}", sale.at, "-" * 32]
    for name, n, price in sale.goods:
        rows += [name, f"   {n} x {_money(price)}¦{_money(n * price)}"]
    rows += ["-" * 32, f"Somma¦{_money(sale.total)}"]
    rows += [f"Regalo¦-{_money(sale.less)}"] if sale.less else []
    rows += [
        f"Da dare¦{_money(sale.payable)}",
        f"Dato¦{_money(sale.handed)}",
        f"Indietro¦{_money(sale.handed - sale.payable)}",
    ]
    return tuple(laid_out(row, (32,)) for row in rows)


LAYOUTS: dict[str, Callable[[Sale], Sequence[str]]] = {
    "columns": columns,
    "amount first": amount_first,
    "two rows": two_rows,
}
