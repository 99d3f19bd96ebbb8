"""The manager's door over HTTP: pairing, signing in and out, wrong codes, and what the audit says of it."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from edge_agent.page.control import control_socket
from edge_agent.page.manager import audit, hashed
from edge_agent.page.manager.audit import KEPT, Audit
from edge_agent.page.sections.manager import manager
from edge_agent.page.sources import Reader
from edge_agent.simulator.virtual_store import AGENT_TOML
from edge_agent.sockets import short_path
from tests.support.broker import Authority, authority
from tests.support.disk import small_disk, take_all
from tests.support.generation import configure
from tests.support.lan import own_address
from tests.support.page import Page, served
from tests.support.storage import fill

CODE = "271828"
SIGNED_OUT = {"signed_in": False, "code_set": True, "csrf": None, "seconds_left": 0}


class Browser:
    """A browser with the page open, speaking English."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url
        self.cookie: Any = None

    async def session_state(self) -> dict[str, Any]:
        async with self.session.get(f"{self.url}api/session") as response:
            said: dict[str, Any] = await response.json()
            return said

    async def post(self, path: str, body: object, **headers: str) -> tuple[int, dict[str, Any], Any]:
        """Return status, JSON and headers."""
        async with self.session.post(f"{self.url}{path}", json=body, headers=headers) as response:
            self.cookie = response.cookies.get("session", self.cookie)
            return response.status, await response.json(), response.headers


@asynccontextmanager
async def browsing(page: Page, url: str = "", **options: Any) -> AsyncIterator[Browser]:
    url = url or page.url
    headers = {"Origin": url.rstrip("/"), "Accept-Language": "en"}
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(headers=headers, cookie_jar=jar, **options) as session:
        yield Browser(session, url)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setattr(hashed, "N", 2)


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with served(configure(tmp_path)) as found:
        yield found


async def pairing_code(page: Page) -> str:
    with short_path(control_socket(page.sources.config.agent.agent.state_dir)) as socket:
        connector = aiohttp.UnixConnector(socket)
        async with aiohttp.ClientSession(connector=connector) as box, box.post("http://box/api/pairing") as answer:
            said = await answer.json()
    assert said["minutes"] == 15
    code: str = said["code"]
    return code


async def paired(page: Page, browser: Browser) -> dict[str, Any]:
    status, said, _ = await browser.post("api/pair", {"pairing": await pairing_code(page), "code": CODE})
    assert status == 200
    return said


def audit_lines(page: Page) -> list[tuple[str, str, str]]:
    return [(e["what"], e["outcome"], e["detail"]) for e in page.log if e["event"] == "audit"]


async def test_a_manager_pairs_signs_out_and_signs_in_again(page: Page) -> None:
    async with browsing(page) as browser:
        assert await browser.session_state() == SIGNED_OUT | {"code_set": False}
        status, said, _ = await browser.post("api/login", {"code": CODE})
        assert (status, said["error"]) == (403, "no_code")
        assert "edge-agent pair" in said["sentence"]

        said = await paired(page, browser)
        assert (said["signed_in"], said["code_set"]) == (True, True)
        assert 890 <= said["seconds_left"] <= 900
        assert await browser.session_state() == said | {"seconds_left": (await browser.session_state())["seconds_left"]}

        assert (await browser.post("api/logout", {}))[:2] == (
            403,
            {"error": "no_csrf", "sentence": "This page is out of date. Load it again and try once more."},
        )
        status, said, _ = await browser.post("api/logout", {}, **{"X-CSRF-Token": said["csrf"]})
        assert (status, said) == (200, SIGNED_OUT)
        assert await browser.session_state() == SIGNED_OUT

        assert (await browser.post("api/login", {"code": CODE}))[0] == 200
        assert (await browser.session_state())["signed_in"]
    assert audit_lines(page) == [
        ("pairing", "done", ""), ("pair", "done", ""), ("logout", "refused", "no_csrf"), ("logout", "done", ""),
        ("login", "done", ""),
    ]  # fmt: skip


async def test_an_action_needs_the_session_and_its_own_token(page: Page) -> None:
    async with browsing(page) as browser, browsing(page) as other:
        said = await paired(page, browser)
        others = (await other.post("api/login", {"code": CODE}))[1]
        async with browsing(page) as stranger:
            for _ in range(30):
                status, refused, _ = await stranger.post("api/logout", {}, **{"X-CSRF-Token": said["csrf"]})
                assert (status, refused["error"]) == (403, "no_session")
        for token in ("", "0" * 64, others["csrf"], "é", said["csrf"][:-1], said["csrf"] + "0"):
            assert (await browser.post("api/logout", {}, **{"X-CSRF-Token": token}))[1]["error"] == "no_csrf"
        assert (await browser.session_state())["signed_in"]
        assert len([line for line in audit_lines(page) if line[1] == "refused"]) == 20, (
            "a stranger does not fill the log"
        )
        async with asyncio.TaskGroup() as group:
            audit = Audit(page.sources, group)
        lines = [
            line.text for line in manager(page.sources, audit, Reader("en", is_manager=True), page.shop.clock.now())
        ]
        assert lines == ["Sign in: this box", "Set the manager code: this box", "Get a one-time code: the installer"]


async def test_signing_in_again_ends_the_browsers_earlier_session(page: Page) -> None:
    async with browsing(page) as browser:
        await paired(page, browser)
        earlier = browser.cookie.value
        assert (await browser.post("api/login", {"code": CODE}))[0] == 200
        async with browsing(page, cookies={"session": earlier}) as thief:
            assert not (await thief.session_state())["signed_in"]
        assert (await browser.session_state())["signed_in"]


async def test_the_cookie_is_for_this_page_alone(page: Page) -> None:
    async with browsing(page) as browser:
        said = await paired(page, browser)
        cookie = browser.cookie
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Strict", "/", "")
        assert cookie["domain"] == ""
        assert int(cookie["max-age"]) > 900
        await browser.post("api/logout", {}, **{"X-CSRF-Token": said["csrf"]})
        assert not list(browser.session.cookie_jar)
        async with browsing(page, cookies={"session": cookie.value}) as thief:
            assert not (await thief.session_state())["signed_in"], "the session has ended, not just the cookie"


async def test_wrong_codes_are_refused_in_the_readers_words_and_then_have_to_wait(page: Page) -> None:
    async with browsing(page) as browser:
        await paired(page, browser)
        browser.session.cookie_jar.clear()
        for _ in range(5):
            status, said, _ = await browser.post("api/login", {"code": "000000"})
            assert (status, said) == (403, {"error": "wrong_login", "sentence": "This is not the manager code."})
        for code in ("000000", CODE):
            status, said, headers = await browser.post("api/login?lang=zh", {"code": code})
            assert (status, said["error"], "秒后再试" in said["sentence"]) == (429, "back_off", True)
            assert 0 < said["seconds"] == int(headers["Retry-After"]) <= 30
        assert not (await browser.session_state())["signed_in"]
    refused = [line for line in audit_lines(page) if line[1] == "refused"]
    assert refused == [("login", "refused", "wrong_code")] * 5, "those who wait cannot push all else out of the audit"


async def test_the_tills_own_browser_is_let_in_by_whatever_address_it_comes(tmp_path: Path) -> None:
    agent = AGENT_TOML.replace('listen = "127.0.0.1:0"', 'listen = "0.0.0.0:0"')
    async with served(configure(tmp_path, agent=agent)) as page:
        url = page.url.replace("0.0.0.0", own_address())
        async with browsing(page, url) as browser, browsing(page, page.url.replace("0.0.0.0", "127.0.0.1")) as loopback:
            await paired(page, browser)
            assert [(await browser.post("api/login", {"code": "0"}))[0] for _ in range(6)] == [403] * 5 + [429]
            assert (await loopback.post("api/login", {"code": CODE}))[0] == 429, "both are this box"
    assert {entry["client"] for entry in page.log if entry["event"] == "audit"} == {"control", "127.0.0.1"}


async def test_codes_never_stand_in_the_log_nor_on_the_disk(page: Page, tmp_path: Path) -> None:
    async with browsing(page) as browser:
        said = await paired(page, browser)
        one_time = await pairing_code(page)
        await browser.post("api/login", {"code": "314159"})
        await browser.post("api/pair", {"pairing": "27182845", "code": "314159"})
        secrets = [CODE, one_time, "314159", "27182845", said["csrf"], browser.cookie.value]
    text = repr(page.log) + "".join(
        path.read_bytes().decode("latin-1") for path in (tmp_path / "state").rglob("*") if path.is_file()
    )
    assert [secret for secret in secrets if secret in text] == []


@pytest.mark.parametrize(("code", "error"), [("123456", "in_a_row"), ("12", "not_six_digits"), ("777777", "one_digit")])
async def test_unusable_codes_are_refused_with_the_reason(page: Page, code: str, error: str) -> None:
    async with browsing(page) as browser:
        status, said, _ = await browser.post("api/pair", {"pairing": await pairing_code(page), "code": code})
        assert (status, said["error"]) == (400, error)
        assert not (await browser.session_state())["code_set"]


@pytest.mark.parametrize("body", [[], {}, {"code": 271828}, {"code": None}, {"pairing": "1"}, "x", {"code": ["1"]}])
async def test_bodies_of_another_shape_are_no_tries(page: Page, body: object) -> None:
    async with browsing(page) as browser:
        await paired(page, browser)
        for path in ("api/login", "api/pair"):
            for _ in range(6):
                assert (await browser.post(path, body))[1]["error"] == "not_understood"
        assert (await browser.post("api/login", {"code": CODE}))[0] == 200


async def test_bytes_that_are_no_json(page: Page) -> None:
    async with browsing(page) as browser:
        for body in (b"", b"{", b"\xff\xfe", b"[" * 10_000, b'{"code": "\\ud800"}'):
            headers = {"Content-Type": "application/json"}
            async with browser.session.post(f"{page.url}api/login", data=body, headers=headers) as response:
                assert response.status in (400, 403)
        async with browser.session.post(f"{page.url}api/login", data=b"0" * 20_000, headers=headers) as response:
            assert response.status == 413


async def test_a_thousand_guesses_at_once(page: Page) -> None:
    """As many at once as a browser's window would, then the door has seen five and no more."""
    async with browsing(page) as browser:
        await paired(page, browser)
        async with asyncio.TaskGroup() as group:
            guesses = [group.create_task(browser.post("api/login", {"code": f"{n:06}"})) for n in range(100)]
        statuses = [guess.result()[0] for guess in guesses]
    assert (statuses.count(403), statuses.count(429)) == (5, 95)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "state") as found:
        yield found


async def test_on_a_full_disk_the_manager_is_told_and_the_earlier_code_stays(
    full_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "WRITE_S", 0.01)
    async with served(configure(tmp_path)) as page, browsing(page) as browser:
        await paired(page, browser)
        one_time = await pairing_code(page)
        take_all(full_disk)
        status, said, _ = await browser.post("api/pair", {"pairing": one_time, "code": "314159"})
        assert (status, said["error"]) == (507, "not_kept")
        await fill(full_disk, page.shop.storage)
        while "audit_not_kept" not in [entry["event"] for entry in page.log]:  # once as many wait as are ever kept
            assert (await browser.post("api/login", {"code": CODE}))[0] == 200, "whoever helps does not need the disk"
        (full_disk / "filler").unlink()
        assert (await browser.post("api/pair", {"pairing": one_time, "code": "314159"}))[0] == 200, "it is still good"


async def test_what_ends_while_the_page_closes_is_logged_and_raises_nothing(tmp_path: Path) -> None:
    async with served(configure(tmp_path)) as page:
        async with asyncio.TaskGroup() as group:
            audit = Audit(page.sources, group)
        await audit.note("diagnostics", "failed", "127.0.0.1")
        assert [entry.outcome for entry in audit.entries()] == ["failed"]


async def test_the_audit_is_read_by_the_manager_and_survives_a_restart(tmp_path: Path) -> None:
    config = configure(tmp_path)
    async with served(config) as page, asyncio.TaskGroup() as group:
        audit = Audit(page.sources, group)
        for number in range(KEPT + 5):
            await audit.note("upload", "done", "192.168.1.30", f"{number}")
        await audit.note("login", "refused", "127.0.0.1", "wrong_code")
        await audit.note("pairing", "done", "control")
        newest = audit.entries()
    async with served(config) as page, asyncio.TaskGroup() as group:
        again = Audit(page.sources, group)
        assert again.entries() == newest
        assert [entry.detail for entry in newest[2:]] == [str(number) for number in range(KEPT + 4, 6, -1)]
        now = page.shop.clock.now()
        assert manager(page.sources, again, Reader("en"), now) == ()
        english, chinese = (
            [
                line.text
                for line in manager(page.sources, again, Reader(language, is_manager=True), page.shop.clock.now())
            ][:3]
            for language in ("en", "zh")
        )
        assert english[:2] == ["Get a one-time code: the installer", "Sign in, refused: this box (wrong code)"]
        assert chinese[:2] == ["获取一次性安装码：安装人员", "登录被拒绝：本机（代码错误）"]
        assert "192.168.1.30" in english[2]
        await again.note("upload", "done", "192.168.1.30")
        assert len(again.entries()) == KEPT


def trusting(ca: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca))


@pytest.fixture
def tls_agent(tmp_path: Path) -> str:
    return AGENT_TOML + 'certificate = "page.pem"\nkey = "page.key"\n'


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tls") / "ca")


def install(folder: Path, certificate: Path, key: Path) -> None:
    (folder / "page.pem").write_bytes(certificate.read_bytes())
    (folder / "page.key").write_bytes(key.read_bytes())
    (folder / "page.key").chmod(0o600)


async def serial_of(url: str, name: str | None) -> str:
    """Return the serial number of the certificate that is served; ``name``: as asked for, None for an IP address."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    port = int(url.rstrip("/").rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name or "")
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return str(hash(der))


async def test_over_https_the_cookie_never_travels_in_the_open(tmp_path: Path, tls_agent: str, ca: Authority) -> None:
    install(tmp_path, *ca.issue("page"))
    async with served(configure(tmp_path, agent=tls_agent)) as page:
        assert page.url.startswith("https://127.0.0.1:")
        url = page.url.replace("127.0.0.1", "localhost")
        connector = aiohttp.TCPConnector(ssl=trusting(ca.ca))
        async with browsing(page, url, connector=connector) as browser:
            await paired(page, browser)
            assert browser.cookie["secure"] is True
            assert (await browser.session_state())["signed_in"]
            plain = {"Origin": url.replace("https", "http").rstrip("/")}
            assert (await browser.session.post(f"{url}api/login", json={}, headers=plain)).status == 403

        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", int(page.url.rstrip("/").rpartition(":")[2]), ssl=old)


async def test_a_renewed_certificate_is_taken_while_it_runs(tmp_path: Path, tls_agent: str, ca: Authority) -> None:
    install(tmp_path, *ca.issue("page"))
    async with served(configure(tmp_path, agent=tls_agent)) as page:
        first = await serial_of(page.url, "localhost")
        assert await serial_of(page.url, None) == first
        install(tmp_path, *ca.issue("renewed"))
        renewed = await serial_of(page.url, None)
        assert renewed != first
        (tmp_path / "page.pem").write_text("half a certific")
        assert await serial_of(page.url, "localhost") == await serial_of(page.url, None) == renewed
        events = [entry["event"] for entry in page.log]
        assert (events.count("page_certificate_renewed"), events.count("page_certificate_unusable")) == (1, 1)


@pytest.mark.parametrize("fault", ["no_pem", "another_key", "gone"])
async def test_a_certificate_that_cannot_be_used_is_told_and_stops_nothing(
    tmp_path: Path, tls_agent: str, ca: Authority, fault: str
) -> None:
    install(tmp_path, *ca.issue("page"))
    config = configure(tmp_path, agent=tls_agent)
    if fault == "no_pem":
        (tmp_path / "page.pem").write_bytes(b"\0" * 100)
    elif fault == "another_key":
        (tmp_path / "page.key").write_bytes(ca.issue("other")[1].read_bytes())
    else:
        (tmp_path / "page.key").unlink()
    async with served(config) as page:
        assert page.url == ""
        (reported,) = page.shop.health.conditions()
        assert (reported.part, reported.condition.code) == ("page", "page_certificate")
        said = json.dumps([entry for entry in page.log if entry.get("reason") == "page_certificate"])
        assert {"no_pem": "PEM", "another_key": "does not belong", "gone": "No such file"}[fault] in said
        assert len(await pairing_code(page)) == 8, "the command line still reaches it"
