"""What a line costs is not forgotten when one of its processes ends."""

import subprocess
import sys

import psutil

from andon_demo.line import cpu_of

CHILD = "import time\nwhile time.process_time() < 0.5: pass"
PARENT = (
    f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {CHILD!r}])\nprint('ended', flush=True)\ninput()"
)


def test_what_a_child_that_ended_has_used_is_its_parents() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ended\n"
        process = psutil.Process(parent.pid)
        assert cpu_of(process) > 0.47  # of user and system time the system counts whole hundredths
        parent.communicate(b"\n", timeout=10)
    assert cpu_of(process) == 0.0
