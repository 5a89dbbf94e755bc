"""Logs are JSON for programs, and lines to read for a person at a terminal."""

import json
import os
import pty
import subprocess
import sys

SCRIPT = """
import structlog
from andon.kernel.logs import configure_logs

configure_logs("gateway", "info")
try:
    try:
        {}["missing"]
    except KeyError as error:
        raise OSError(28, "No space left on device") from error
except OSError:
    structlog.get_logger("x").error("ledger.failed", path="/v1/x", exc_info=True)
"""


def test_programs_read_json() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    (line,) = done.stderr.splitlines()
    said = json.loads(line)
    assert (said["event"], said["process"], said["level"], said["path"]) == (
        "ledger.failed",
        "gateway",
        "error",
        "/v1/x",
    )
    assert said["exception"]["message"] == "No space left on device"


def test_a_person_at_a_terminal_reads_lines_with_the_error_below() -> None:
    lines = at_a_terminal(SCRIPT)
    assert "[error    ] ledger.failed path=/v1/x process=gateway" in lines[0]
    assert lines[1] == "  builtins.OSError: No space left on device"
    assert lines[2].startswith("    at ")
    assert lines[3] == "  caused by builtins.KeyError"


def at_a_terminal(script: str) -> list[str]:
    """Return what a script writes to a terminal that is its standard error, without colours."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": "1"}
    with subprocess.Popen([sys.executable, "-c", script], stderr=theirs, env=environment) as process:
        os.close(theirs)
        said = b""
        try:
            while part := os.read(ours, 65536):
                said += part
        except OSError:  # Linux gives EIO when the other end is closed
            pass
        os.close(ours)
        assert process.wait(60) == 0
    return said.decode().replace("\r\n", "\n").splitlines()
