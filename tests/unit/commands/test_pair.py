"""What `edge-agent pair` tells the installer."""

import ipaddress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_agent.commands.pair import Pairing, render, urls
from edge_agent.config.agent import PageSettings


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (PageSettings(), ["http://127.0.0.1:8080/"]),
        (PageSettings(listen="192.168.1.20:80"), ["http://192.168.1.20/"]),
        (PageSettings(listen="[fd00::12]:8080"), ["http://[fd00::12]:8080/"]),
        (PageSettings(listen="10.0.0.7:8080", allowed_hosts=("till.lan",)), ["http://till.lan:8080/", "http://10.0.0.7:8080/"]),
        (PageSettings(listen="127.0.0.1:0"), []),
    ],
)  # fmt: skip
def test_where_the_page_is_opened(page: PageSettings, expected: list[str]) -> None:
    assert urls(page) == expected


def test_with_a_certificate_it_is_https(tmp_path: Path) -> None:
    for name in ("page.pem", "page.key"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o600)
    files = {"certificate": str(tmp_path / "page.pem"), "key": str(tmp_path / "page.key")}
    page = PageSettings.model_validate({"listen": "10.0.0.7:443", **files})
    assert urls(page) == ["https://10.0.0.7/"]


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "[::]:8080"])
def test_behind_a_wildcard_are_the_addresses_of_this_box(listen: str) -> None:
    found = urls(PageSettings(listen=listen))
    assert found
    hosts = [url.removeprefix("http://").removesuffix(":8080/") for url in found]
    assert hosts == ["localhost"] or not any(ipaddress.ip_address(host).is_loopback for host in hosts)


@pytest.mark.parametrize(("language", "word"), [("zh", "一次性安装码"), ("en", "One-time code")])
def test_it_can_be_read_out(language: str, word: str) -> None:
    until = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)
    said = render(Pairing("80347115", 15, until, ("http://10.0.0.7:8080/",)), language)
    assert word in said
    assert [part in said for part in ("8034 7115", "15", "09:05", "http://10.0.0.7:8080/")] == [True] * 4
