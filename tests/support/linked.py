"""What a shop is shown and told of its connection to head office."""

from typing import Any

from tests.support.shop import ShopUnderTest

PART = "link"


def link_codes(status: dict[str, Any]) -> set[str]:
    """Return the codes of what is wrong with the connection."""
    return {condition["code"] for condition in status["conditions"] if condition["part"] == PART}


async def until_away(shop: ShopUnderTest, *codes: str) -> None:
    """Wait until the page says that head office is out of reach, and for one of these reasons, if any is named."""
    await shop.until_status(
        lambda status: (
            not status["sync"]["connected"]
            and bool(link_codes(status))
            and (not codes or link_codes(status) <= set(codes))
        )
    )


async def until_back(shop: ShopUnderTest) -> None:
    """Wait until the page says that all is well with the connection."""
    await shop.until_status(lambda status: status["sync"]["connected"] and not link_codes(status))


def told(shop: ShopUnderTest, event: str) -> list[dict[str, Any]]:
    """Return the lines of the log that tell of an event."""
    return [line for line in shop.log if line.get("event") == event]
