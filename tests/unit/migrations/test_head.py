"""The revision that a process expects is the one that Alembic would bring a database to."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from andon import migrations


def test_the_expected_revision_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == migrations.HEAD
