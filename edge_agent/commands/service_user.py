"""Look at a box as the service does: what root may do says nothing of what the service's user may."""

import grp
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from edge_agent.config.files import CREDENTIAL

SERVICE_USER = "edge-agent"
UNIT = "edge-agent.service"
# What the package configures runs as the service's user; a config elsewhere may be anybody's.
INSTALLED = Path("/etc/edge-agent")
_ANSWER_S = 5.0
_IN_MEMORY = "/run"  # a tmpfs, root's own


def installed_user(agent_file: Path) -> pwd.struct_passwd | None:
    """Return the user as whom the service runs that this configuration is for, or None where it is no service's."""
    if agent_file.absolute().parent != INSTALLED:
        return None
    try:
        return pwd.getpwnam(SERVICE_USER)
    except KeyError:
        return None


def become_service_user(agent_file: Path) -> str:
    """Where root looks at an installed box, go on as the service's user, with the groups that the unit adds, for good.

    What only root may read, the credentials, it has as the service has them. Goes on in a child process.

    Returns who looks now, for a person; with what to do where that is neither root nor the service's user.
    """
    service = installed_user(agent_file)
    me = os.geteuid()
    name = _name(me)
    if service is None or me == service.pw_uid:
        return name
    if me != 0:
        return f"{name}, but the service runs as {SERVICE_USER}: what this user may do says nothing of it (use sudo)"
    _give_credentials(agent_file.absolute().parent / "credentials", service)
    os.initgroups(SERVICE_USER, service.pw_gid)
    groups = [*os.getgroups(), *_groups_of_unit()]
    os.setgroups(sorted(set(groups)))
    os.setresgid(service.pw_gid, service.pw_gid, service.pw_gid)
    os.setresuid(service.pw_uid, service.pw_uid, service.pw_uid)
    return f"{SERVICE_USER}, as the service"


def _give_credentials(folder: Path, service: pwd.struct_passwd) -> None:
    """Make copies in memory, as systemd's ``LoadCredential=`` does; they end with the child that goes on here."""
    given = Path(tempfile.mkdtemp(prefix="edge-agent-", dir=_IN_MEMORY))
    if child := os.fork():
        try:
            _, status = os.waitpid(child, 0)
        finally:
            shutil.rmtree(given)
        os._exit(os.waitstatus_to_exitcode(status))
    for file in folder.iterdir() if folder.is_dir() else ():
        if file.is_file():
            copy = given / f"{CREDENTIAL}_{file.name}"
            copy.write_bytes(file.read_bytes())
            os.chown(copy, service.pw_uid, service.pw_gid)
    os.chown(given, service.pw_uid, service.pw_gid)
    os.environ["CREDENTIALS_DIRECTORY"] = str(given)


def _groups_of_unit() -> list[int]:
    """Return the groups that the unit adds to its user's; none where systemd does not run."""
    command = ["/usr/bin/systemctl", "show", "--value", "--property=SupplementaryGroups", UNIT]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_S, check=False)  # noqa: S603 - constant
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [group for group in map(_group, done.stdout.split()) if group is not None]


def _group(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
