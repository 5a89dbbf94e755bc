"""Creation of a data folder, and the settings with which a server starts.

The role `andon` owns the database `andon` and may create more databases; it is not a superuser, and no superuser can
log in.
"""

import os
import shutil
import subprocess

from andon.kernel.files import kept_secret, replace, sync_folder
from andon.kernel.postgres.account import as_account
from andon.kernel.postgres.binaries import Binaries
from andon.kernel.postgres.errors import PostgresFailed
from andon.kernel.postgres.home import Home, socket_folder

ROLE = "andon"
DATABASE = "andon"

_SECONDS = 120

_ADMISSION = f"""\
# Written at each start. Only the role `{ROLE}` gets in, only with its password.
local all {ROLE}              scram-sha-256
host  all {ROLE} 127.0.0.1/32 scram-sha-256
"""


def create(home: Home, binaries: Binaries, alive: int) -> None:
    """Make the data folder. It gets its name when complete; remains of an interrupted attempt are deleted.

    `alive` is the descriptor of the lock that every process of this server inherits.
    """
    shutil.rmtree(home.draft, ignore_errors=True)
    home.draft.mkdir(mode=0o700)
    if home.account is not None:
        os.chown(home.draft, home.account.uid, home.account.gid)
    initdb = [
        *(str(binaries.initdb), "--pgdata", str(home.draft), "--username", "postgres", "--auth", "reject"),
        *("--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
        *("--data-checksums", "--no-instructions"),
    ]
    _run(home, initdb, alive, "")
    single = [str(binaries.postgres), "--single", "-D", str(home.draft), "-c", "exit_on_error=on"]
    quiet = ["-c", "log_min_error_statement=panic", "-c", "log_checkpoints=off", "postgres"]
    _run(home, single + quiet, alive, _first_statements(kept_secret(home.password)))
    home.draft.rename(home.data)
    sync_folder(home.folder)


def configure(home: Home, port: int) -> None:
    """Write the settings and the authentication rules. The port is kept for the next start."""
    replace(home.admission, _ADMISSION, mode=0o644)
    replace(home.settings, "".join(f"{name} = {value}\n" for name, value in _settings(home, port).items()), mode=0o644)
    replace(home.port, f"{port}\n")


def _first_statements(password: str) -> str:
    """Return the first statements, one per line. They go to standard input, so only our own file holds the password."""
    return f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'\nCREATE DATABASE {DATABASE} OWNER {ROLE}\n"


def _run(home: Home, command: list[str], alive: int, given: str) -> None:
    """Run one of PostgreSQL's programs to its end, without our environment. Raises PostgresFailed with its output."""
    try:
        done = subprocess.run(  # noqa: S603  our own programs
            command,
            input=given,
            text=True,
            capture_output=True,
            timeout=_SECONDS,
            cwd="/",
            env={"PATH": os.defpath, "TZ": "UTC"},
            pass_fds=[alive],
            check=False,
            **as_account(home.account),
        )
    except OSError as error:
        raise PostgresFailed(f"{command[0]} cannot be started as {_who(home)}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise PostgresFailed(f"{command[0]} did not end within {_SECONDS} s") from error
    if done.returncode != 0:
        raise PostgresFailed(f"{command[0]} failed as {_who(home)}: {(done.stderr or done.stdout).strip()[-1000:]}")


def _who(home: Home) -> str:
    return f"user {home.account.name}" if home.account else "the present user"


def _settings(home: Home, port: int) -> dict[str, str | int]:
    return {
        "hba_file": _quoted(str(home.admission)),
        "listen_addresses": "'127.0.0.1'",
        "port": port,
        "unix_socket_directories": _quoted(str(socket_folder(home))),
        "cluster_name": _quoted(home.cluster),
        "timezone": "UTC",
        # An answered decision survives a power cut.
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        # Recovery after a kill within seconds.
        "max_wal_size": "256MB",
        "checkpoint_timeout": "5min",
        # A new log segment is not zero-filled first, as every commit would wait for that, and used ones are recycled.
        "wal_init_zero": "off",
        "min_wal_size": "256MB",
        # Gateway, worker and console take up to 90, and twice that while old and new processes overlap in a restart.
        "max_connections": 200,
        # Windows are read soon after they were written: with an eighth of this, reading takes half as long again.
        "shared_buffers": "128MB",
        # The background writer writes pages full of decisions, and no commit waits for them.
        "bgwriter_delay": "10ms",
        "bgwriter_lru_maxpages": 1000,
        "bgwriter_lru_multiplier": 4,
        # One installation on one machine: small, without parallel helpers that would not help.
        "work_mem": "4MB",
        "maintenance_work_mem": "32MB",
        "huge_pages": "off",
        "jit": "off",
        "io_method": "sync",
        "max_worker_processes": 2,
        "max_parallel_workers": 0,
        "max_parallel_workers_per_gather": 0,
        "max_parallel_maintenance_workers": 0,
        "autovacuum_max_workers": 2,
        "wal_level": "minimal",
        "max_wal_senders": 0,
        "max_logical_replication_workers": 0,
        # One file per weekday, overwritten after a week; without statements and values, which may be personal.
        "logging_collector": "on",
        "log_directory": _quoted(str(home.log)),
        "log_filename": "'postgresql-%a.log'",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": 0,
        "log_timezone": "UTC",
        "log_line_prefix": "'%m [%p] '",
        "log_checkpoints": "off",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
