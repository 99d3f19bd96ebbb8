"""The same receipt with words and blanks a neighbouring shop would print."""

import random
from dataclasses import replace

from tests.support.receipts.paper import Slip

# word → others that mean the same; replaced only where the whole label is that word
VARIANTS = {
    "单号": ("小票号", "单据号", "票号", "小票编号"),
    "合计": ("总计", "总额", "合计金额", "总金额"),
    "应收": ("应付", "应收金额", "应付金额"),
    "找零": ("找回", "找零金额", "找赎"),
    "收银员": ("收款员", "操作员", "营业员"),
    "微信支付": ("微信", "微信扫码支付"),
    "支付宝": ("支付宝支付", "支付宝扫码"),
    "现金": ("现金支付", "人民币现金"),
    "TOTAL": ("AMOUNT DUE", "TOTAL DUE", "GRAND TOTAL"),
    "CASH": ("CASH TENDERED", "Cash"),
    "CHANGE": ("Change", "CHANGE DUE"),
}


def mutate(slip: Slip, seed: int) -> Slip:
    rng = random.Random(seed)
    lines = list(slip.lines)
    for word, others in VARIANTS.items():
        if rng.random() < 0.5:
            other = rng.choice(others)
            lines = [_swap(line, word, other) for line in lines]
    shift = " " * rng.choice((0, 0, 1, 2))
    spread = []
    for line in lines:
        spread.append(shift + line if line else line)
        if rng.random() < 0.08:
            spread.append("")
    if rng.random() < 0.2:
        spread = [line.replace(":", "：") if "：" not in line else line.replace("：", ":") for line in spread]
    return replace(slip, lines=tuple(spread))


def _swap(line: str, word: str, other: str) -> str:
    for end in (":", "：", "  "):
        if line.strip().startswith(word + end):
            return line.replace(word, other, 1)
    return line
