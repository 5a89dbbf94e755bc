"""What decides is swapped whole: a new champion at once, and a champion that cannot be loaded not at all."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Barrier

from sqlalchemy import text

from andon import models, serving
from andon.decisions import Deployment
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.serving import Candidate
from arms import shares_of
from automations import an_automation
from lines import OWNER, Installation, register_champion
from packages import a_package


def split(tx: Tx, now: datetime, shares: dict[int, float], shadows: list[int]) -> None:
    """Split the traffic of payments between versions by the policy in force."""
    serving.set_split(
        tx,
        "payments",
        "fraud-risk",
        shares=shares_of(shares),
        shadows=list(map(Candidate, shadows)),
        actor=OWNER,
        reason="try",
        now=now,
        events=Events(),
    )


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
            tx,
            "fraud-risk",
            "champion",
            1,
            actor=OWNER,
            events=Events(),
            reason="the new one is damaged",
            now=installation.clock.now(),
        )
    installation.deployment.refresh()
    assert installation.deployment.problems == {}


def test_nothing_is_kept_of_versions_that_answer_no_more(installation: Installation, tmp_path: Path) -> None:
    retired: list[int] = []
    deployment = Deployment(
        installation.database,
        [an_automation()],
        cache=tmp_path / "models",
        clock=installation.clock,
        events=Events(),
        retire=lambda loaded: retired.append(loaded.version.number),
    )
    deployment.refresh()
    for number in range(2, 6):
        register_champion(installation.database, a_package(tmp_path / str(number), seed=number))
        deployment.refresh()
        assert [loaded.version.number for loaded in deployment.loaded] == [number]
    assert retired == [1, 2, 3, 4]
    with installation.database.begin() as tx:
        now = installation.clock.now()
        split(tx, now, {2: 10, 3: 10}, [4])
    deployment.refresh()
    assert sorted(loaded.version.number for loaded in deployment.loaded) == [2, 3, 4, 5]
    with installation.database.begin() as tx:
        split(tx, now, {}, [])
    deployment.refresh()
    assert [loaded.version.number for loaded in deployment.loaded] == [5]
    assert sorted(retired[4:]) == [2, 3, 4]


def test_a_shadow_that_becomes_the_champion_is_not_asked_twice(installation: Installation, tmp_path: Path) -> None:
    register_champion(installation.database, a_package(tmp_path / "second", seed=2))
    now = installation.clock.now()
    with installation.database.begin() as tx:
        split(tx, now, {}, [1])
    looking: list[list[int]] = []
    for champion in (2, 1, 2):
        with installation.database.begin() as tx:
            models.set_alias(
                tx, "fraud-risk", "champion", champion, actor=OWNER, events=Events(), reason="try", now=now
            )
        installation.deployment.refresh()
        looking.append([arm.version for arm in installation.deployment.lines["payments"].traffic.shadows])
    assert looking == [[1], [], [1]]


def test_processes_that_start_together_agree_on_the_version_of_an_automation(
    installation: Installation, tmp_path: Path
) -> None:
    automations = [an_automation(f"new-{number}") for number in range(6)]

    def start(number: int) -> Deployment:
        cache = tmp_path / f"models-{number}"
        started = Deployment(installation.database, automations, cache=cache, clock=installation.clock, events=Events())
        together.wait(10)
        started.refresh()
        return started

    together = Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        deployments = list(pool.map(start, range(4)))
    assert [deployment.problems for deployment in deployments] == [{}] * 4
    with installation.database.begin() as tx:
        versions = tx.execute(
            text("SELECT name, number FROM automation_versions WHERE name LIKE 'new-%' ORDER BY name")
        ).all()
    assert [tuple(row) for row in versions] == [(automation.name, 1) for automation in automations]
