"""What decides is swapped whole: a new champion at once, and a champion that cannot be loaded not at all."""

from pathlib import Path

from sqlalchemy import text

from andon import models
from lines import OWNER, Installation, register_champion
from packages import a_package


def test_a_new_champion_answers_after_a_refresh(installation: Installation, tmp_path: Path) -> None:
    before = installation.deployment.lines["payments"]
    register_champion(installation.database, a_package(tmp_path / "second", seed=2))
    installation.deployment.refresh()
    after = installation.deployment.lines["payments"]
    assert (before.ref.model.version, after.ref.model.version) == (1, 2)
    installation.deployment.refresh()
    assert installation.deployment.lines["payments"] is after


def test_a_champion_that_cannot_be_loaded_leaves_the_line_as_it_was_and_says_why(
    installation: Installation, tmp_path: Path
) -> None:
    before = installation.deployment.lines["payments"]
    version = register_champion(installation.database, a_package(tmp_path / "second", seed=2))
    with installation.database.begin() as tx:
        tx.execute(text("ALTER TABLE model_files DISABLE TRIGGER USER"))
        tx.execute(text("DELETE FROM model_files WHERE digest = :digest"), {"digest": version.manifest.files[0].digest})
    installation.deployment.refresh()
    assert installation.deployment.lines["payments"] is before
    assert "do not match their digest" in str(installation.deployment.problems["payments"])
    with installation.database.begin() as tx:
        models.set_alias(
            tx, "fraud-risk", "champion", 1, actor=OWNER, reason="the new one is damaged", now=installation.clock.now()
        )
    installation.deployment.refresh()
    assert installation.deployment.problems == {}
