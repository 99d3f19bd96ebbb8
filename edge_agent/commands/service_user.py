"""Look at a box as the service does: what root may do says nothing of what the service's user may."""

import grp
import os
import pwd
import subprocess
from pathlib import Path

SERVICE_USER = "edge-agent"
UNIT = "edge-agent.service"
# What the package configures runs as the service's user; a config elsewhere may be anybody's.
INSTALLED = Path("/etc/edge-agent")
_ANSWER_S = 5.0


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

    Returns who looks now, for a person; with what to do where that is neither root nor the service's user.
    """
    service = installed_user(agent_file)
    me = os.geteuid()
    name = _name(me)
    if service is None or me == service.pw_uid:
        return name
    if me != 0:
        return f"{name}, but the service runs as {SERVICE_USER}: what this user may do says nothing of it (use sudo)"
    os.initgroups(SERVICE_USER, service.pw_gid)
    groups = [*os.getgroups(), *_groups_of_unit()]
    os.setgroups(sorted(set(groups)))
    os.setresgid(service.pw_gid, service.pw_gid, service.pw_gid)
    os.setresuid(service.pw_uid, service.pw_uid, service.pw_uid)
    return f"{SERVICE_USER}, as the service"


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
