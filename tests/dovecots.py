"""A real Dovecot on loopback, with its own settings in a temporary folder: mails come in by IMAP, as by any client.

Without the package `dovecot-imapd` a test skips loudly; script/test installs it.
"""

import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from imapclient import IMAPClient
from pydantic import SecretStr

from andon.mail import ImapServer

PASSWORD = "hush-hush-hush-hush-hush"

STARTED_SECONDS = 15.0

SETTINGS = """
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
instance_name = {name}
listen = 127.0.0.1
protocols = imap
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
ssl = {ssl}
{certificate}
auth_allow_cleartext = yes
auth_mechanisms = plain login
auth_failure_delay = 0
mail_driver = maildir
mail_home = {folder}/mail/%{{user}}
mail_path = ~/Maildir
mail_uid = {user}
mail_gid = {mail_group}
first_valid_uid = 0
first_valid_gid = 0
mail_max_userip_connections = 100
namespace inbox {{
  inbox = yes
  separator = /
}}
passdb static {{
  password = {password}
}}
userdb static {{
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service stats {{
  chroot =
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """A running server; any user may log in."""

    port: int
    tls_port: int
    folder: Path

    def server(self, user: str, **changes: Any) -> ImapServer:
        """Return how a mailbox is reached."""
        plainly = ImapServer(
            user=user, host="127.0.0.1", port=self.port, encryption="none", password=SecretStr(PASSWORD)
        )
        return replace(plainly, **changes)

    @contextmanager
    def client(self, user: str) -> Iterator[IMAPClient]:
        """Log in as another mail program does."""
        with IMAPClient("127.0.0.1", self.port, ssl=False) as client:
            client.login(user, PASSWORD)
            yield client

    def put(self, user: str, *mails: bytes, folder: str = "INBOX") -> None:
        """Put mails into a folder."""
        with self.client(user) as client:
            for mail in mails:
                client.append(folder, mail)

    def make(self, user: str, *folders: str) -> None:
        """Make folders."""
        with self.client(user) as client:
            for folder in folders:
                client.create_folder(folder)

    def move(self, user: str, message_id: str, source: str, target: str) -> None:
        """Move a mail, as a person does."""
        with self.client(user) as client:
            client.select_folder(source)
            uids = client.search(["HEADER", "Message-ID", message_id])
            assert uids, f"{message_id} is not in {source}"
            client.move(uids, target)

    def number_anew(self, user: str, folder: str) -> None:
        """Give the mails of the inbox new numbers under another UIDVALIDITY, as after a restored backup."""
        assert folder == "INBOX"
        kept = self.folder / "mail" / user / "Maildir"
        before = self.validity(user, folder)
        for name in kept.glob("dovecot*"):
            name.unlink()
        (kept / "dovecot-uidlist").write_text(f"3 V{before + 1} N1 G{uuid4().hex}\n")
        shutil.chown(kept / "dovecot-uidlist", kept.owner(), kept.group())
        assert self.validity(user, folder) != before

    def validity(self, user: str, folder: str) -> int:
        """Return the UIDVALIDITY of a folder."""
        with self.client(user) as client:
            return int(client.folder_status(folder, ["UIDVALIDITY"])[b"UIDVALIDITY"])

    def ids(self, user: str, folder: str) -> list[str]:
        """Return the message ids of the mails in a folder, without brackets, oldest first."""
        with self.client(user) as client:
            return ids_in(client, folder)

    def flags(self, user: str, folder: str) -> list[set[str]]:
        """Return the flags of the mails in a folder."""
        with self.client(user) as client:
            client.select_folder(folder, readonly=True)
            found = client.get_flags(client.search(["ALL"]))
        return [{flag.decode() for flag in flags} for _, flags in sorted(found.items())]


def ids_in(client: IMAPClient, folder: str) -> list[str]:
    """Return the message ids of the mails in a folder, without brackets, oldest first."""
    client.select_folder(folder, readonly=True)
    found = client.fetch(client.search(["ALL"]), ["BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"])
    headers = [next(value for value in one.values() if isinstance(value, bytes)) for _, one in sorted(found.items())]
    return [header.decode().partition("<")[2].partition(">")[0] for header in headers]


def a_mail(text: str = "My card is lost.", **headers: str) -> bytes:
    """Return a mail."""
    mail = EmailMessage()
    given = {
        "From": "Zoe Smith <zoe@customers.test>",
        "To": "support@bank.test",
        "Subject": "Card",
        "Date": format_datetime(datetime.now(UTC)),
        "Message-ID": f"<{uuid4().hex}@customers.test>",
    }
    for name, value in (given | {name.replace("_", "-"): value for name, value in headers.items()}).items():
        mail[name] = value
    mail.set_content(text)
    return mail.as_bytes()


def a_user() -> str:
    """Return the name of a mailbox that nobody used yet."""
    return f"u{uuid4().hex[:10]}"


def dovecot_program() -> str | None:
    """Return the program, if it is installed."""
    return shutil.which("dovecot", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")


@contextmanager
def a_dovecot(*, certificate: tuple[Path, Path] | None = None) -> Iterator[Dovecot]:
    """Run a server while the context lasts."""
    program = dovecot_program()
    if program is None:
        pytest.skip("no IMAP server: apt-get install dovecot-imapd")
    with TemporaryDirectory(prefix="andon-dovecot-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        found = Dovecot(_free_port(), _free_port(), folder)
        settings = folder / "dovecot.conf"
        settings.write_text(_settings(found, certificate))
        for part in ("run", "state", "mail"):
            (folder / part).mkdir(mode=0o755)
        if os.getuid() == 0:
            shutil.chown(folder / "mail", "mail", "mail")
        process = subprocess.Popen([program, "-F", "-c", str(settings)], stderr=subprocess.PIPE, start_new_session=True)
        try:
            _until_it_answers(found, process)
            yield found
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stderr is not None:
                process.stderr.close()


def _settings(found: Dovecot, certificate: tuple[Path, Path] | None) -> str:
    me = pwd.getpwuid(os.getuid()).pw_name
    my_group = grp.getgrgid(os.getgid()).gr_name
    is_root = os.getuid() == 0
    return SETTINGS.format(
        folder=found.folder,
        name=found.folder.name,
        internal="dovecot" if is_root else me,
        group="dovecot" if is_root else my_group,
        login="dovenull" if is_root else me,
        user="mail" if is_root else me,  # Dovecot opens no mailbox of root
        mail_group="mail" if is_root else my_group,
        ssl="no" if certificate is None else "yes",
        certificate=""
        if certificate is None
        else f"ssl_server_cert_file = {certificate[0]}\nssl_server_key_file = {certificate[1]}",
        password=PASSWORD,
        port=found.port,
        tls_port=found.tls_port,
    )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _until_it_answers(found: Dovecot, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + STARTED_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), found.client("nobody"):
            return
        time.sleep(0.05)
    process.terminate()
    _, said = process.communicate(timeout=10)
    log = (found.folder / "log").read_text() if (found.folder / "log").exists() else ""
    raise AssertionError(f"Dovecot did not start: {said.decode()} {log}")
