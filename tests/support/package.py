"""Packages of this tree, and of trees like it: other versions, and versions that something is wrong with."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What packaging/build-deb reads.
PARTS = (
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "config",
    "edge_agent",
    "packaging",
    "pyproject.toml",
    "requirements-pcsc.lock",
    "requirements.lock",
    "systemd",
)
# The tree's newest commit decides times in a package; a copy has none.
EPOCH = "1795343465"


def once(session: Path, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that is made once a test session, whichever worker comes first; the others wait for it.

    ``session``: a folder of the session that all workers share. ``make`` is given the folder, which is not there yet.
    """
    folder = session / name
    done = session / f"{name}.done"
    with (session / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            done.touch()
    return folder


def built(session: Path, version: str, patch: Mapping[str, str] | None = None) -> Path:
    """Return the package of a version; the tree that it was built from lies beside it, in ``tree``.

    ``patch``: what is added at the end of files of the tree, by their paths; a file that is not there is made.
    """
    patched = patch or {}
    name = hashlib.sha256(repr((version, sorted(patched.items()))).encode()).hexdigest()[:12]
    (deb,) = once(session, f"deb-{name}", lambda folder: _build(folder, version, patched)).glob("*.deb")
    return deb


def _build(out: Path, version: str, patch: Mapping[str, str]) -> None:
    tree = out / "tree"
    tree.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, tree / part)
    for path, text in patch.items():
        with (tree / path).open("a", encoding="utf-8") as file:
            file.write(text)
    build_deb(out, version, tree)


def build_deb(out: Path, version: str, tree: Path = ROOT) -> Path:
    """Run a tree's ``packaging/build-deb``; the wheels are those that this tree has fetched. Returns the package."""
    done = subprocess.run(
        [tree / "packaging/build-deb", "--version", version, "--out", out,
         "--wheels", ROOT / "build/deb", "--python", sys.executable],
        capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": EPOCH},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())
