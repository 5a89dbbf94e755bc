"""The folders of one embedded PostgreSQL, and their owners.

.andon/postgres/          ours: the password, the settings, the locks; or a link to such a folder (see `_elsewhere`)
  data/                   PostgreSQL's own, created atomically
  log/                    PostgreSQL's own: one file per weekday, overwritten after a week; and start.log
  run/                    the unix socket; a link to a short path when this one would be too long
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import structlog

from andon.kernel.postgres.account import SystemAccount, server_account
from andon.kernel.postgres.errors import PostgresFailed

STORE = Path("/var/lib/andon")
"""The folder for data and programs that the server's user could not reach in the project, if we are root."""

_LONGEST_SOCKET_FOLDER = 80
"""A socket's path may have 107 bytes, of which a name such as `/.s.PGSQL.15432.lock` takes up to 21."""

_log = structlog.get_logger("andon.postgres")


@dataclass(frozen=True, slots=True)
class Home:
    """The places of one embedded PostgreSQL. `account` runs it; None means ourselves."""

    folder: Path
    account: SystemAccount | None

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def draft(self) -> Path:
        """A data folder that is not complete yet."""
        return self.folder / "data.incomplete"

    @property
    def log(self) -> Path:
        """PostgreSQL's log files."""
        return self.folder / "log"

    @property
    def start_log(self) -> Path:
        """The file of PostgreSQL's output at its last start, before its own log was open."""
        return self.folder / "start.log"

    @property
    def settings(self) -> Path:
        """The server's settings, written at each start."""
        return self.folder / "postgresql.conf"

    @property
    def admission(self) -> Path:
        """Return the file of client authentication rules (pg_hba)."""
        return self.folder / "pg_hba.conf"

    @property
    def password(self) -> Path:
        """The password of the role `andon`, 0600."""
        return self.folder / "password"

    @property
    def port(self) -> Path:
        """The file with the port, which is chosen once."""
        return self.folder / "port"

    @property
    def users(self) -> Path:
        """A lock that each user of the server shares; it is free when nobody uses the server."""
        return self.folder / "users.lock"

    @property
    def alive(self) -> Path:
        """A lock that every process of the server inherits; it is free when none of them is left."""
        return self.folder / "alive.lock"

    @property
    def cluster(self) -> str:
        """The name in the title of each process of this server."""
        return "andon-" + hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:10]


def find(place: Path) -> Home | None:
    """Return the home at `.andon/postgres`; None if there is none yet."""
    if not (place / "data").exists():
        return None
    folder = place.resolve()
    return Home(folder, server_account(folder / "data"))


def make(place: Path) -> Home:
    """Return the home at `.andon/postgres`, created if necessary. The caller holds the start lock."""
    account = server_account(place / "data")
    if not place.exists():
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if account is not None:
            _let_pass(place.parent)
        if account is not None and not account.may_enter(place.parent):
            _elsewhere(place, account)
        else:
            place.mkdir(mode=0o711 if account else 0o700)
    home = Home(place.resolve(), account)
    _check_reach(home)
    _own_folder(home.log, account)
    _socket_folder(home)
    return home


def _let_pass(folder: Path) -> None:
    """Let the server's user pass through `.andon` to its data, but not list or read anything there."""
    folder.chmod(folder.stat().st_mode | 0o011)


def _check_reach(home: Home) -> None:
    if home.account is not None and not home.account.may_enter(home.folder):
        raise PostgresFailed(
            f"PostgreSQL runs as the user {home.account.name}, who can no longer reach {home.folder}: "
            "make its parent folders passable (chmod o+x), or run Andon as a user other than root"
        )


def _elsewhere(place: Path, account: SystemAccount) -> None:
    """Put the home below /var/lib/andon, with a link in the project, which may then be moved."""
    digest = hashlib.sha256(os.fsencode(place)).hexdigest()[:8]
    try:
        STORE.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=STORE, prefix=f"{digest}-"))
    except OSError as error:
        raise PostgresFailed(
            f"PostgreSQL runs as the user {account.name}, who cannot reach {place.parent}, and {STORE} cannot be "
            f"used instead ({error.strerror}): move the project out of a private folder, or run Andon as a user "
            "other than root"
        ) from error
    folder.chmod(0o711)
    place.symlink_to(folder)
    _log.warning("data_kept_elsewhere", reason=f"user {account.name} cannot reach the project", folder=str(folder))


def _own_folder(folder: Path, account: SystemAccount | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def _socket_folder(home: Home) -> None:
    """Make `run`: a private folder here, or a link to one in the temporary folder, where the path is short."""
    run = home.folder / "run"
    if len(os.fsencode(run)) <= _LONGEST_SOCKET_FOLDER:
        _own_folder(run, home.account)
        return
    if run.is_symlink() and _is_private(run, home.account):
        return
    run.unlink(missing_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="andon-", dir="/tmp"))
    _own_folder(folder, home.account)
    run.symlink_to(folder)


def _is_private(run: Path, account: SystemAccount | None) -> bool:
    """Return whether the linked folder is still the one we made: owned by us, closed to everybody else."""
    try:
        found = run.readlink().lstat()
    except FileNotFoundError:
        return False
    return found.st_uid == (account.uid if account else os.geteuid()) and found.st_mode & 0o170777 == 0o040700


def socket_folder(home: Home) -> Path:
    """Return the folder of the unix socket, by its short name."""
    run = home.folder / "run"
    return run.readlink() if run.is_symlink() else run
