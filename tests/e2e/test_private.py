"""What the agent makes and holds is for its user alone, whatever it was started with."""

import os
import resource
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.simulator.virtual_store import AGENT_TOML
from tests.support.shop import ShopUnderTest, shop_under_test

PASSWORD = "open-sesame-7261"
NOBODY = 65534
# python -c of another user: exits with 0 where it is let in.
CONNECT = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"


@pytest.fixture
def careless() -> Iterator[None]:
    """Start what is started with every permission given, and cores allowed."""
    umask = os.umask(0)
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    os.umask(umask)


def made_by(shop: ShopUnderTest, *folders: Path) -> dict[Path, int]:
    paths = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    return {path: path.lstat().st_mode for path in paths}


async def sold(shop: ShopUnderTest) -> int:
    """Sell with the agent running; return the agent's process id."""
    await shop.central()
    (shop.store.folder / "password").write_text(PASSWORD + "\n", "utf-8")
    agent, _ = await shop.agent()
    await shop.sell(3)
    await shop.until_equal()
    return agent.process.pid


def as_user(uid: int, *arguments: str) -> int:
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("needs root and setpriv, to become another user")
    become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
    return subprocess.run([*become, *arguments], capture_output=True, check=False).returncode


@pytest.mark.usefixtures("careless")
async def test_all_it_makes_is_for_its_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir(0o700)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(runtime))
    agent_toml = AGENT_TOML.replace("[mqtt]", '[mqtt]\nusername = "sh-0001"\npassword_file = "password"', 1)
    async with shop_under_test(tmp_path / "shop", agent=agent_toml) as shop:
        pid = await sold(shop)
        state = shop.store.folder / "state"
        made = made_by(shop, state, runtime)
        assert len(made) > 8
        assert {stat.S_IFMT(mode) for mode in made.values()} >= {stat.S_IFREG, stat.S_IFDIR, stat.S_IFSOCK}
        assert {str(path): oct(mode) for path, mode in made.items() if mode & 0o077} == {}

        held = {path: path.read_bytes() for path, mode in made.items() if stat.S_ISREG(mode)}
        told = {Path(f"/proc/{pid}/cmdline"): Path(f"/proc/{pid}/cmdline").read_bytes()}
        told[Path("log")] = "".join(map(str, shop.log)).encode()
        if os.geteuid() == 0:
            told[Path("environ")] = Path(f"/proc/{pid}/environ").read_bytes()
        assert [path for path, data in {**held, **told}.items() if PASSWORD.encode() in data] == []
        key = (state / "hash.key").read_bytes()
        assert [path for path, data in {**held, **told}.items() if key in data] == [state / "hash.key"]


@pytest.mark.usefixtures("careless")
async def test_nobody_else_reads_its_memory_and_it_leaves_no_core(shop: ShopUnderTest) -> None:
    pid = await sold(shop)
    limits = Path(f"/proc/{pid}/limits").read_text("ascii")
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4] == "0"
    assert Path(f"/proc/{pid}/environ").stat().st_uid == 0, "not dumpable: proc(5) gives it to root"
    for secret in ("environ", "maps", "mem"):
        assert as_user(NOBODY, "cat", f"/proc/{pid}/{secret}") != 0


async def test_no_other_user_of_the_box_reaches_the_control_socket(shop: ShopUnderTest) -> None:
    pid = await sold(shop)
    assert pid
    (socket,) = shop.store.folder.rglob("control.sock")
    for folder in list(socket.parents)[1:]:  # only what the agent made stands in the way
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    assert socket.parent.stat().st_mode & 0o077 == 0
    assert as_user(NOBODY, "/usr/bin/python3", "-c", CONNECT, str(socket)) != 0
    socket.parent.chmod(0o755)
    assert as_user(NOBODY, "/usr/bin/python3", "-c", CONNECT, str(socket)) != 0, "the socket itself refuses, too"
    socket.chmod(0o666)
    assert as_user(NOBODY, "/usr/bin/python3", "-c", CONNECT, str(socket)) == 0, "else this would prove nothing"
