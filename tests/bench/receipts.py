"""What understanding a slip costs between its last byte and its order: redact, read, hash."""

import random
import time
from itertools import count

from edge_agent import receipts
from edge_agent.redact import Redactor

_SLIP = """\
        惠民便利店
      浦东张江店
单号: {number}      收银机: 03
2026-11-22 {clock}   收银员: 王芳
------------------------------------
品名          数量    单价     金额
------------------------------------
{goods}
会员折扣                     {less:>6}
------------------------------------
合  计                       {total:>6}
微信支付                     {total:>6}
凭小票7日内退换货"""
_GOODS = (
    "农夫山泉550ml",
    "康师傅红烧牛肉面",
    "散装苹果",
    "可口可乐330ml",
    "蒙牛纯牛奶",
    "双汇火腿肠",
    "清风卷纸10卷",
    "关东煮萝卜",
)
_SEEDS = count(1)  # no run may find its slips known
_WARM_UP = 50
_SLIPS = 300


def receipts_ms() -> float:
    """Return the CPU milliseconds of one 15-row slip: redacted, read and hashed, the words of its layout known."""
    templates = [receipts.compile(settings) for settings in receipts.shipped().values()]
    redactor = Redactor(b"a store's own key")
    rng = random.Random(next(_SEEDS))
    slips = [_slip(rng, 20261122000000 + i) for i in range(_WARM_UP + _SLIPS)]
    for slip in slips[:_WARM_UP]:
        _understand(slip, templates, redactor)
    began = time.process_time()
    for slip in slips[_WARM_UP:]:
        _understand(slip, templates, redactor)
    return (time.process_time() - began) * 1000 / _SLIPS


def _slip(rng: random.Random, number: int) -> list[str]:
    """Return a sale of three goods; no two slips have the same figures."""
    rows, total = [], 0
    for name in rng.sample(_GOODS, 3):
        quantity, price = rng.randint(1, 9), rng.randint(150, 3000)
        total += quantity * price
        rows.append(f"{name:<10}{quantity:>4}  {price / 100:>6.2f}  {quantity * price / 100:>7.2f}")
    less = rng.randint(1, 99)
    clock = f"{rng.randint(9, 21):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"
    figures = {"less": f"-{less / 100:.2f}", "total": f"{(total - less) / 100:.2f}"}
    return _SLIP.format(number=number, clock=clock, goods="\n".join(rows), **figures).split("\n")


def _understand(slip: list[str], templates: list[receipts.Template], redactor: Redactor) -> None:
    redacted = redactor.redact_lines(slip)
    if receipts.read(redacted.lines, templates) is None:
        raise AssertionError("the slip of the benchmark is not understood")
    receipts.body_key(redacted.lines)
