"""The operating system user of PostgreSQL: ourselves, unless we are root, since PostgreSQL refuses to run as root."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from andon.kernel.postgres.errors import PostgresFailed

_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class SystemAccount:
    """A user of this machine, as whom root runs the server."""

    name: str
    uid: int
    gid: int

    def may_enter(self, folder: Path) -> bool:
        """Return whether this user can reach the contents of `folder`: every folder on the way lets it pass."""
        return all(self._may(step, stat.S_IXUSR) for step in (folder, *folder.parents))

    def may_run(self, program: Path) -> bool:
        """Return whether this user can start `program`."""
        return self.may_enter(program.parent) and self._may(program, stat.S_IXUSR | stat.S_IRUSR)

    def _may(self, path: Path, wanted: int) -> bool:
        """Compare with the permission bits of owner, group or others, whichever the kernel would use."""
        found = path.stat()
        if found.st_uid == self.uid:
            granted = found.st_mode
        elif found.st_gid == self.gid:
            granted = found.st_mode << 3
        else:
            granted = found.st_mode << 6
        return granted & wanted == wanted


def server_account(data: Path) -> SystemAccount | None:
    """Return the account that runs the server on `data`; None for our own.

    As root it is the owner of existing data, otherwise `postgres` or `nobody`.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return _owner(data)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return SystemAccount(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise PostgresFailed(
        "PostgreSQL does not run as root, and this machine has no user `postgres` or `nobody` to run it as: "
        "run Andon as another user, or name a database in ANDON_DATABASE_URL"
    )


def as_account(account: SystemAccount | None) -> dict[str, Any]:
    """Return the arguments of `subprocess.run` that start a program as this user."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _owner(data: Path) -> SystemAccount:
    found = data.stat()
    try:
        name = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        name = str(found.st_uid)
    return SystemAccount(name, found.st_uid, found.st_gid)
