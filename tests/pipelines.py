"""The pipelines that `andon init` writes, as commands in their order."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml


def commands_of(project: Path, *jobs: str) -> Iterator[list[str]]:
    """Yield the words behind `andon` of every command in these jobs, of GitHub's file and then of GitLab's."""
    github: Any = yaml.safe_load((project / ".github/workflows/andon.yml").read_text())
    gitlab: Any = yaml.safe_load((project / ".gitlab-ci.yml").read_text())
    for job in jobs:
        yield from _words(step["run"] for step in github["jobs"][job]["steps"] if "run" in step)
    for job in jobs:
        yield from _words(gitlab[job]["script"])


def _words(lines: Iterator[str]) -> Iterator[list[str]]:
    for line in lines:
        program, *words = shlex.split(os.path.expandvars(line))
        if program == "andon":
            yield words
        else:
            assert [program, *words] == ["pip", "install", "andon"]
