"""Verification of this installation's audit log with all evidence, in full or from where the last one ended."""

from collections.abc import Callable

from andon import audit
from andon.audit import Report, Verified, VerifiedInvalid
from andon.bootstrap.installation import pepper_of
from andon.bootstrap.vouched import ROWS, all_evidence
from andon.kernel import files
from andon.kernel.config import Settings
from andon.kernel.db import Tx

VERIFIED_FILE = "verified.json"


def verify_log(
    tx: Tx,
    settings: Settings,
    *,
    anchor: bytes | None = None,
    incremental: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Verify the log, and note in the data folder how far it is sound. `tx` is a `database.snapshot()`.

    Without such a note, an incremental verification is complete. Raises VerifiedInvalid if the note was altered.
    """
    since = last_verified(settings) if incremental else None
    report = audit.verify(tx, evidence=all_evidence(), rows=ROWS, anchor=anchor, since=since, progress=progress)
    if report.verified is not None:
        files.replace(settings.data / VERIFIED_FILE, audit.sign_verified(report.verified, pepper_of(settings)))
    return report


def last_verified(settings: Settings) -> Verified | None:
    """Return the state of the last verification; None if there was none. Raises VerifiedInvalid."""
    file = settings.data / VERIFIED_FILE
    try:
        document = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return audit.read_verified(document, pepper_of(settings))
    except VerifiedInvalid as error:
        message = f"{file}: {error}. Verify completely, without --incremental, to write it again"
        raise VerifiedInvalid(message) from error
