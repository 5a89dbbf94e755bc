"""`andon up` with parts that are quick to start: `python up.py FOLDER [adopting]`.

`adopting`: orphans fall to it, as to the first process of a container.
"""

import ctypes
import sys
from pathlib import Path

import typer

from andon.bootstrap.telling import exit_code
from andon.kernel import config, logs
from andon.kernel.errors import AndonError
from andon.supervisor import supervisor

PR_SET_CHILD_SUBREAPER = 36

if sys.argv[2:] == ["adopting"]:
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
logs.configure_logs("up", "info")
try:
    supervisor.up(
        config.load(Path(sys.argv[1])),
        say=typer.echo,
        command=lambda part: [sys.executable, str(Path(__file__).with_name("part.py")), part],
    )
except AndonError as error:
    typer.echo(error, err=True)
    sys.exit(exit_code(error))
