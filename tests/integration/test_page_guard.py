"""What every request must pass, said byte by byte: a client library would correct it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from edge_agent.page.control import control_socket
from edge_agent.page.guard import BURST, HEADERS, TRUSTED_HEADERS
from edge_agent.simulator.virtual_store import AGENT_TOML
from tests.support.generation import configure
from tests.support.page import Page, served

AGENT = AGENT_TOML + 'allowed_hosts = ["Till.Shop.example"]\n'


class Answer(NamedTuple):
    """What came back. ``headers``: in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    async with served(configure(tmp_path_factory.mktemp("page"), agent=AGENT)) as found:
        yield found


pytestmark = pytest.mark.asyncio(loop_scope="module")


def port(page: Page) -> int:
    return urlsplit(page.url).port or 0


async def send(page: Page, *lines: str, body: bytes = b"") -> Answer:
    """Send a request as it is and return the answer to it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port(page))
    head = "".join(f"{line}\r\n" for line in (*lines, "Connection: close", f"Content-Length: {len(body)}"))
    writer.write(head.encode("utf-8", "surrogateescape") + b"\r\n" + body)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    top, _, rest = answer.partition(b"\r\n\r\n")
    status, *headers = top.decode("latin-1").split("\r\n")
    named = dict(header.lower().split(": ", 1) for header in headers)
    return Answer(int(status.split()[1]), named, rest)


OWN = [
    "127.0.0.1", "127.0.0.1:8080", "127.8.9.1", "localhost", "LOCALHOST", "localhost.", "[::1]", "[::1]:8080",
    "192.168.1.20:8080", "10.0.0.7", "172.31.255.254", "169.254.1.1", "100.64.0.9", "[fd00::12]", "[fe80::1]:80",
    "[::ffff:192.168.1.20]", "[::FFFF:7f00:1]", "till.shop.example", "TILL.shop.EXAMPLE.:443",
]  # fmt: skip
FOREIGN = [
    "evil.example", "evil.example:8080", "8.8.8.8", "[2001:db8::1]", "[::ffff:8.8.8.8]", "0.0.0.0", "[::]", "240.0.0.1",
    "224.0.0.1", "255.255.255.255", "172.32.0.1", "localhost.evil.com", "evil.localhost", "localhost..", ".",
    "127.0.0.1.evil.com", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.1:80:80", "127.0.0.1:",
    "127.0.0.1:x", "127.0.0.1:65536", "localhost:99999", "[::1", "::1", "[::1]x", "[127.0.0.1]",
    "localhost@evil.com", "evil.com@localhost",
    "evil.com#localhost", "evil.com/localhost", "localhost,evil.com", "localhost evil.com", "xtill.shop.example",
    "till.shop.example.evil.com",
    "ｌocalhost", "localhost%00", "%6cocalhost", "a" * 2000, "",
]  # fmt: skip


@pytest.mark.parametrize("host", OWN)
async def test_this_box_answers_to_its_own_names(page: Page, host: str) -> None:
    assert (await send(page, "GET /healthz HTTP/1.1", f"Host: {host}")).status == 200


@pytest.mark.parametrize("host", FOREIGN)
async def test_it_answers_to_no_name_that_somebody_else_points_here(page: Page, host: str) -> None:
    answer = await send(page, "GET /healthz HTTP/1.1", f"Host: {host}")
    assert answer.status in ((400, 421) if not host.isascii() or host in ("", "localhost evil.com") else (421,))
    assert b"stalled" not in answer.body


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("GET /healthz HTTP/1.1",), 400),
        (("GET /healthz HTTP/1.0",), 400),
        (("GET /healthz HTTP/1.1", "Host: localhost", "Host: localhost"), 400),
        (("GET /healthz HTTP/1.1", "Host: localhost", "Host: evil.example"), 400),
        (("GET /healthz HTTP/1.1", "Host: evil.example", "Host: localhost"), 400),
        (("GET /healthz HTTP/1.1", "Host: localhost", "X-Forwarded-Host: evil.example"), 200),
        (("GET /healthz HTTP/1.1", "Host: evil.example", "X-Forwarded-Host: localhost"), 421),
        (("GET http://localhost/healthz HTTP/1.1", "Host: localhost"), 200),
        (("GET http://evil.example/healthz HTTP/1.1", "Host: localhost"), 421),
        (("GET http://localhost/healthz HTTP/1.1", "Host: evil.example"), 421),
        (("GET http://evil.example/healthz HTTP/1.1", "Host: evil.example"), 421),
        (("GET //evil.example/healthz HTTP/1.1", "Host: localhost"), 404),
        (("GET /nothing HTTP/1.1", "Host: evil.example"), 421),
        (("POST /api/login HTTP/1.1", "Host: evil.example", "Origin: http://evil.example"), 421),
    ],
)
async def test_one_host_and_the_targets_name_counts(page: Page, lines: tuple[str, ...], status: int) -> None:
    assert (await send(page, *lines)).status == status


LOGIN = ("POST /api/login HTTP/1.1", "Host: localhost:8080")
JSON = "Content-Type: application/json"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (("Origin: http://localhost:8080",), 400),  # through the guard: the body is what is wrong with it
        (("Origin: HTTP://LOCALHOST:8080",), 400),
        (("Referer: http://localhost:8080/help?x=1",), 400),
        (("Origin: http://localhost:8080", "Sec-Fetch-Site: same-origin"), 400),
        (("Origin: http://localhost:8080", "Referer: http://evil.example/"), 400),
        ((), 403),
        (("Origin: null",), 403),
        (("Origin: null", "Referer: http://localhost:8080/"), 403),
        (("Origin:", "Referer: http://evil.example/"), 403),
        (("Origin: http://evil.example",), 403),
        (("Origin: http://evil.example", "Referer: http://localhost:8080/"), 403),
        (("Origin: https://localhost:8080",), 403),
        (("Origin: http://localhost",), 403),
        (("Origin: http://localhost:8081",), 403),
        (("Origin: http://localhost:8080.evil.example",), 403),
        (("Origin: http://127.0.0.1:8080",), 403),
        (("Origin: localhost:8080",), 403),
        (("Origin: http://localhost:99999999",), 403),
        (("Origin: file://",), 403),
        (("Origin: http://localhost:8080", "Origin: http://evil.example"), 403),
        (("Referer: http://evil.example/http://localhost:8080/",), 403),
        (("Origin: http://localhost:8080", "Sec-Fetch-Site: cross-site"), 403),
    ],
)
async def test_posts_are_taken_from_this_page_alone(page: Page, headers: tuple[str, ...], status: int) -> None:
    assert (await send(page, *LOGIN, JSON, *headers, body=b"[]")).status == status


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "BREW"])
async def test_so_is_every_other_method_that_may_change_something(page: Page, method: str) -> None:
    assert (await send(page, f"{method} /api/login HTTP/1.1", "Host: localhost", JSON)).status in (400, 403)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "text/json"]
)
async def test_a_form_cannot_post(page: Page, kind: str) -> None:
    answer = await send(page, *LOGIN, "Origin: http://localhost:8080", f"Content-Type: {kind}", body=b'{"code": "1"}')
    assert answer.status == 415


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((), 200),
        (("Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors"), 200),
        (("Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"), 200),
        (("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"), 200),  # a link
        (("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"), 403),  # an image, a script
        (("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors"), 403),
        (("Sec-Fetch-Site: cross-site",), 403),
    ],
)
async def test_another_site_may_link_to_the_page_and_no_more(page: Page, headers: tuple[str, ...], status: int) -> None:
    assert (await send(page, "GET /api/status HTTP/1.1", "Host: localhost", *headers)).status == status


async def test_a_name_of_its_own_and_the_usual_port(page: Page) -> None:
    for host, origin in (
        ("till.shop.example", "http://till.shop.example"),
        ("10.0.0.7:80", "http://10.0.0.7"),
        ("[FD00::12]:8080", "http://[fd00::12]:8080"),
    ):
        answer = await send(page, "POST /api/login HTTP/1.1", f"Host: {host}", f"Origin: {origin}", JSON, body=b"[]")
        assert answer.status == 400


async def test_a_page_elsewhere_is_never_given_permission(page: Page) -> None:
    asked = (
        "Origin: http://evil.example",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: x-csrf-token",
    )
    for path in ("/api/login", "/api/status", "/", "*", "/nothing"):
        answer = await send(page, f"OPTIONS {path} HTTP/1.1", "Host: localhost", *asked)
        assert answer.status >= 400
        assert not [name for name in answer.headers if name.startswith("access-control")]
    answer = await send(page, "GET /api/status HTTP/1.1", "Host: localhost", "Origin: http://evil.example")
    assert answer.status == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("GET /api/status HTTP/1.1", "Host: localhost"), 200),
        (("GET /api/session HTTP/1.1", "Host: localhost"), 200),
        (("HEAD /healthz HTTP/1.1", "Host: localhost"), 200),
        (("GET / HTTP/1.1", "Host: evil.example"), 421),
        (("GET /nothing HTTP/1.1", "Host: localhost"), 404),
        (("DELETE /healthz HTTP/1.1", "Host: localhost", "Origin: http://localhost", JSON), 405),
        (("POST /api/login HTTP/1.1", "Host: localhost"), 403),
    ],
)
async def test_every_answer_tells_the_browser_to_be_strict(page: Page, lines: tuple[str, ...], status: int) -> None:
    answer = await send(page, *lines)
    assert answer.status == status
    assert {name: answer.headers.get(name.lower()) for name in HEADERS} == {
        name: value.lower() for name, value in HEADERS.items()
    }
    trusted = "Host: localhost" in lines
    assert [answer.headers.get(name.lower()) for name in TRUSTED_HEADERS] == ["same-origin" if trusted else None]
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers


async def test_the_policy_allows_no_inline_code_and_no_other_origin() -> None:
    policy = dict(each.split(" ", 1) for each in HEADERS["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert (policy["require-trusted-types-for"], policy["trusted-types"]) == ("'script'", "'none'")
    assert not [part for part in ("unsafe", "http:", "https:", "*", "blob:") if part in " ".join(policy.values())]


async def test_what_is_no_http_is_never_answered_with_a_page(page: Page) -> None:
    answer = await send(page, "GET /<script>alert(1)</script> HTTP/9.9", "Host: localhost", "Accept: text/html")
    assert answer.status == 400
    assert answer.headers["content-type"].startswith("text/plain")


async def test_too_many_requests_are_sent_away_for_a_while(tmp_path: Path) -> None:
    async with served(configure(tmp_path)) as page:
        reader, writer = await asyncio.open_connection("127.0.0.1", port(page))
        statuses: list[int] = []
        for _ in range(BURST + 40):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            statuses.append(int(head.split()[1]))
            await reader.readexactly(int(head.split("content-length: ")[1].split()[0]))
            if statuses[-1] == 429:
                assert "retry-after: 1" in head
        writer.close()
    assert statuses[:BURST] == [200] * BURST
    assert 429 in statuses[BURST:]


async def test_the_control_socket_needs_none_of_it(page: Page) -> None:
    socket = control_socket(page.sources.config.agent.agent.state_dir)
    reader, writer = await asyncio.open_unix_connection(str(socket))
    for _ in range(BURST + 10):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: whatever.example\r\n\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.split()[1] == "200"
        await reader.readexactly(int(head.split("content-length: ")[1].split()[0]))
    writer.close()


async def test_nobody_in_the_network_gets_a_one_time_code(page: Page) -> None:
    answer = await send(
        page, "POST /api/pairing HTTP/1.1", "Host: localhost", "Origin: http://localhost", JSON, body=b"{}"
    )
    assert answer.status == 403
    assert b"code" not in answer.body
    said: dict[str, Any] = json.loads((await send(page, "GET /api/session HTTP/1.1", "Host: localhost")).body)
    assert said == {"signed_in": False, "code_set": False, "csrf": None, "seconds_left": 0}
