"""What else comes out of a till's printer beside sales, and what its display shows, in one vendor's layout."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from edge_agent.simulator.receipts import WIDTH, Sale, encode, money, pair, printed, row

# LED8 customer displays: ESC s n sets the lamp, ESC Q A … CR shows figures.
_LAMP_TOTAL, _LAMP_RECEIVED, _LAMP_CHANGE = b"2", b"3", b"4"


@dataclass(frozen=True, slots=True)
class Slips:
    """A vendor's layouts in Chinese. ``shop``: the name on top."""

    shop: str = "人民广场店"
    style: str = "zh-retail"

    def sale(self, sale: Sale) -> bytes:
        """Return the receipt of a sale or return."""
        return encode(sale)

    def void(self, sale: Sale) -> bytes:
        """Return the slip of a sale that is taken back as a whole; it repeats the sale's number."""
        return printed(self.shop, ["作废单", *self._head(sale), *self._goods(sale), pair("作废金额:", sale.payable)])

    def reprint(self, sale: Sale) -> bytes:
        """Return the same receipt once more, marked."""
        return encode(sale, mark="*** 补打小票 ***")

    def prebill(self, sale: Sale) -> bytes:
        """Return the bill before it is paid."""
        lines = ["预结单", f"桌号:A12  时间:{sale.printed_at:%Y-%m-%d %H:%M}", *self._goods(sale)]
        return printed(self.shop, [*lines, pair("应收:", sale.payable), "此单不作为付款凭证"])

    def kitchen(self, sale: Sale) -> bytes:
        """Return what the kitchen gets: no prices."""
        goods = [row(item.name[:6], str(item.quantity), "", "") for item in sale.items]
        return printed("厨打单", [f"桌号:A12  {sale.printed_at:%H:%M}", "-" * WIDTH, *goods])

    def top_up(self, sale: Sale) -> bytes:
        """Return the slip of money put on a member's card."""
        lines = ["会员充值小票", *self._head(sale), pair("充值金额:", sale.payable)]
        lines += [pair(f"{tender.label}:", tender.amount) for tender in sale.tenders]
        return printed(self.shop, [*lines, pair("卡内余额:", sale.payable + 12_300)])

    def delivery(self, sale: Sale) -> bytes:
        """Return a platform's order as the store prints it."""
        lines = ["#12 美团外卖", f"订单号:{sale.order_no}", f"下单时间:{sale.printed_at:%Y-%m-%d %H:%M:%S}"]
        return printed(self.shop, [*lines, *self._goods(sale), pair("实付(在线支付):", sale.payable)])

    def cash(self, till: int, at: datetime, amount: int, *, inwards: bool) -> bytes:
        """Return the slip of money put into the drawer or taken out of it."""
        lines = ["备用金存入" if inwards else "解款单", f"机号:{till:02}  收银员:王芳", f"时间:{at:%Y-%m-%d %H:%M:%S}"]
        return printed(self.shop, [*lines, pair("金额:", amount)])

    def shift_report(self, till: int, at: datetime, taken: Mapping[str, int]) -> bytes:
        """Return the register's own report. ``taken``: cents by tender type, and ``orders``, how many sales."""
        names = {"cash": "现金", "wechat_pay": "微信支付", "alipay": "支付宝", "bank_card": "银行卡"}
        tenders = {name: taken[type_] for type_, name in names.items() if taken.get(type_)}
        lines = ["交班报表", f"机号:{till:02}  收银员:王芳", f"打印时间:{at:%Y-%m-%d %H:%M:%S}", "-" * WIDTH]
        lines += [f"销售笔数:{taken['orders']}", *(pair(f"{name}:", amount) for name, amount in tenders.items())]
        return printed(self.shop, [*lines, "-" * WIDTH, pair("销售合计:", sum(tenders.values()))])

    def display(self, sale: Sale) -> bytes:
        """Return what an LED display shows: the total, what was handed over, the change."""
        shown = [(_LAMP_TOTAL, sale.payable)]
        if sale.tenders[0].type == "cash":
            shown += [(_LAMP_RECEIVED, sale.tenders[0].amount), (_LAMP_CHANGE, sale.change)]
        return b"".join(b"\x1bs" + lamp + b"\x1bQA" + money(cents).encode() + b"\r" for lamp, cents in shown)

    def _head(self, sale: Sale) -> list[str]:
        return [
            f"单号:{sale.order_no}",
            f"时间:{sale.printed_at:%Y-%m-%d %H:%M:%S}",
            f"收银员:王芳  机号:{sale.workstation}",
        ]

    def _goods(self, sale: Sale) -> list[str]:
        lines = ["-" * WIDTH, row("品名", "数量", "单价", "金额")]
        for item in sale.items:
            lines += [item.name, row("", str(item.quantity), money(item.price), money(item.amount))]
        return [*lines, "-" * WIDTH]


class NewVendor(Slips):
    """The layout after the vendor's update: no word in it says what a figure is."""

    def sale(self, sale: Sale) -> bytes:
        """Return the receipt of a sale or return."""
        sign = -1 if sale.kind == "return" else 1
        lines = [f"<<A7>> {sale.order_no}", f"{sale.printed_at:%Y/%m/%d %H:%M:%S} #{sale.workstation}"]
        lines += [f"{item.name};{sign * item.quantity};{money(sign * item.amount)}" for item in sale.items]
        lines += [f"^{money(-sale.discount)}"] if sale.discount else []
        lines += [f">> {money(sign * sale.payable)} <<"]
        lines += [f"{_CHANNELS[tender.type]}: {money(sign * tender.amount)}" for tender in sale.tenders]
        lines += [f"余下: {money(sale.change)}"] if sale.change else []
        return printed(self.shop, lines)


_CHANNELS = {"cash": "通道甲", "wechat_pay": "通道乙", "alipay": "通道丙", "bank_card": "通道丁"}
