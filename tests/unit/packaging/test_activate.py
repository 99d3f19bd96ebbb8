"""Which version is the one that runs: the parts of packaging/activate.py that need no systemd."""

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[3] / "packaging/activate.py"


@pytest.fixture(scope="module")
def activate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("activate", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def opt(tmp_path: Path) -> Path:
    for version in ("1.0", "1.1", "1.2", "1.3"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / ".complete").touch()
    (tmp_path / "current").symlink_to("1.2")
    (tmp_path / "previous").symlink_to("1.1")
    return tmp_path


WELL = {"run": "b", "version": "1.3", "level": "ok"}


@pytest.mark.parametrize(
    ("seen", "before", "wrong"),
    [
        (WELL, {"run": "a", "version": "1.2", "level": "ok"}, ""),
        (WELL, {"run": "a"}, ""),
        (WELL | {"level": "attention"}, {"run": "a", "version": "1.2", "level": "attention"}, ""),
        (WELL | {"level": "action"}, {"run": "a"}, ""),
        (WELL | {"level": "attention"}, {"run": "a", "version": "1.2", "level": "action"}, ""),
        (WELL, {"run": "b", "version": "1.3", "level": "ok"}, "does not answer"),
        (WELL | {"version": ""}, {"run": "a"}, "does not answer"),
        (WELL | {"version": "1.2"}, {"run": "a"}, "reports version 1.2"),
        (WELL | {"stalled": ("sync",)}, {"run": "a"}, "no progress: sync"),
        (WELL | {"level": "action", "conditions": ("safe_mode",)}, {"run": "a"}, "safe mode"),
        (
            WELL | {"level": "action", "conditions": ("device_lost",)},
            {"run": "a", "version": "1.2", "level": "attention"},
            "worse than before (attention -> action: device_lost)",
        ),
    ],
)
def test_what_is_health(activate: ModuleType, seen: dict[str, Any], before: dict[str, Any], wrong: str) -> None:
    told = activate.Seen(**seen).wrong("1.3", activate.Seen(**before))
    assert wrong in told
    assert bool(wrong) == bool(told)


def test_a_level_it_does_not_know_is_the_worst(activate: ModuleType) -> None:
    before = activate.Seen(run="a", version="1.2", level="action")
    assert "worse than before" in activate.Seen(**(WELL | {"level": "on_fire"})).wrong("1.3", before)


@pytest.mark.parametrize(
    ("current", "previous", "back"),
    [("1.2", "1.1", "1.2"), ("1.3", "1.2", "1.2"), ("1.3", None, None), (None, None, None), ("1.3", "0.9", None)],
)
def test_what_it_goes_back_to(
    activate: ModuleType, opt: Path, current: str | None, previous: str | None, back: str | None
) -> None:
    for name, version in (("current", current), ("previous", previous)):
        (opt / name).unlink()
        if version is not None:
            (opt / name).symlink_to(version)
    assert activate.fallback(opt, "1.3") == back


def test_cut_short_while_it_watches_it_still_knows_what_to_go_back_to(
    activate: ModuleType, opt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: list[tuple[str, str]] = []

    def gate(folder: Path, former: str, version: str) -> bool:
        watched.append((former, version))
        activate.flip(folder, version)
        if len(watched) == 1:
            raise KeyboardInterrupt
        activate.flip(folder, former)
        return False

    monkeypatch.setattr(activate, "nothing_to_watch", lambda: "")
    monkeypatch.setattr(activate, "upgrade", gate)
    monkeypatch.setattr("sys.argv", ["activate", "1.3", "--opt", str(opt)])
    with pytest.raises(KeyboardInterrupt):
        activate.main()
    assert (activate.current(opt), activate.target(opt / "previous")) == ("1.3", "1.2")
    assert activate.main() == 1
    assert watched == [("1.2", "1.3")] * 2
    assert activate.current(opt) == "1.2"


def test_a_version_that_is_refused_leaves_all_as_it_was(
    activate: ModuleType, opt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activate, "nothing_to_watch", lambda: "")
    monkeypatch.setattr(activate, "upgrade", lambda *_: False)
    monkeypatch.setattr("sys.argv", ["activate", "1.3", "--opt", str(opt)])
    assert activate.main() == 1
    assert (activate.current(opt), activate.target(opt / "previous")) == ("1.2", "1.1")
    assert activate.versions(opt) == ["1.0", "1.1", "1.2", "1.3"]


def test_flips_to_a_version(activate: ModuleType, opt: Path) -> None:
    activate.flip(opt, "1.3")
    assert activate.current(opt) == "1.3"
    assert (opt / "current").resolve() == opt / "1.3"


def test_flips_though_a_flip_was_cut_short(activate: ModuleType, opt: Path) -> None:
    (opt / ".current").symlink_to("1.0")
    activate.flip(opt, "1.3")
    assert activate.current(opt) == "1.3"
    assert not (opt / ".current").is_symlink()


def test_keeps_the_current_and_the_previous_version(activate: ModuleType, opt: Path) -> None:
    activate.prune(opt)
    assert activate.versions(opt) == ["1.1", "1.2"]


def test_keeps_a_version_that_a_process_runs_from(activate: ModuleType, opt: Path) -> None:
    """A relay passes on what a till prints for months; its program must stay."""
    program = opt / "1.0/bin/python"
    program.symlink_to("/bin/sleep")
    relay = subprocess.Popen([program, "60"])
    while not Path(f"/proc/{relay.pid}/cmdline").read_bytes():  # Popen returns a moment before the kernel has it
        pass
    try:
        activate.prune(opt)
        assert activate.versions(opt) == ["1.0", "1.1", "1.2"]
    finally:
        relay.kill()
        relay.wait()
    activate.prune(opt)
    assert activate.versions(opt) == ["1.1", "1.2"]


@pytest.mark.parametrize("version", ["2.0", "1.1"])
def test_refuses_a_version_that_is_not_installed_whole(opt: Path, version: str) -> None:
    (opt / "1.1/.complete").unlink()
    done = subprocess.run([SCRIPT, version, "--opt", opt], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{version} is not installed; there is: 1.0, 1.2, 1.3\n" in done.stderr
    assert (opt / "current").readlink() == Path("1.2")
