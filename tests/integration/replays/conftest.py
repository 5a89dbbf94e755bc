"""A project with decisions that only are read, shared by the tests of a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from andon.kernel.db import Database
from andon.labels import LabelSource
from proving import GatedLine, rightly, wrongly
from replaying import a_replayed_project


@pytest.fixture(scope="module")
def line(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatedLine]:
    """300 decisions about one account, and what was true of the first 250: every tenth was wrong."""
    with pytest.MonkeyPatch.context() as patch:
        folder: Path = tmp_path_factory.mktemp("bank")
        line = a_replayed_project(module_database, folder, patch)
        made = [*line.decide(150, country="DE", account="a1"), *line.decide(150, country="FR", account="a1")]
        line.label(made[:250], lambda one: rightly(one) if made.index(one) % 10 else wrongly(one))
        line.label(made[:1], wrongly, source=LabelSource.IMPORT)
        yield line
