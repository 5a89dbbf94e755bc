"""Whatever a model does in its process, only its own batch sees it; the pool goes on and its status tells."""

import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
import structlog

from andon.serving import (
    EndpointBusy,
    EndpointUnavailable,
    PredictionFailed,
    PredictionTimedOut,
)
from troublemaker import troublemaker as trouble
from troubles import GOOD, LABELS, a_pool, a_troublemaker, children, labels, row, settled, status_of, version_of


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_troublemaker(tmp_path_factory.mktemp("model"))


@pytest.fixture
def every_log_line() -> None:
    """Whatever a test before has set, nothing is filtered."""
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("order", "error", "words", "kind", "restarts"),
    [
        (trouble.EXIT, PredictionFailed, "ended while it predicted", "crashed", 1),
        (trouble.SEGFAULT, PredictionFailed, "ended while it predicted", "crashed", 1),
        (trouble.HANG, PredictionTimedOut, r"gave no answer within 0\.5 s", "timed_out", 1),
        (trouble.NAN, PredictionFailed, "NaN", "failed", 0),
        (trouble.WIDE, PredictionFailed, r"shape \(2, 2\), got \(2, 5\)", "failed", 0),
        (trouble.SHORT, PredictionFailed, r"shape \(2, 2\), got \(1, 2\)", "failed", 0),
        (trouble.RAISE, PredictionFailed, "failed with ValueError$", "failed", 0),
        (
            trouble.NOTHING,
            PredictionFailed,
            r"OutputUnusable: it answered with object of shape \(\) \(NoneType\); expected probabilities: floats",
            "failed",
            0,
        ),
        (
            trouble.TEXT,
            PredictionFailed,
            r"OutputUnusable: it answered with <U\d+ of shape \(\) \(str\); exp",
            "failed",
            0,
        ),
        (trouble.TOO_MUCH, PredictionFailed, "failed with .*MemoryError$", "failed", 0),
    ],
    ids=[
        "exit",
        "segfault",
        "hang",
        "nan",
        "wrong shape",
        "too few rows",
        "exception",
        "nothing",
        "text",
        "too much memory",
    ],
)
def test_only_its_own_batch_sees_it_and_the_pool_recovers(
    package: Path, order: int, error: type[Exception], words: str, kind: str, restarts: int
) -> None:
    async def scenario() -> None:
        loaded = a_pool(package, processes_min=2, processes_max=2, timeout_seconds=0.5)
        await loaded.start()
        bad, *good = await asyncio.gather(
            loaded.predict_soon(row(order), within=20), *(labels(loaded) for _ in range(6)), return_exceptions=True
        )
        assert type(bad) is error
        assert good == [LABELS] * 6
        with pytest.raises(error, match=words):
            raise bad
        await settled(lambda: status_of(loaded).ready == 2)
        status = status_of(loaded)
        assert (status.incidents, status.restarts) == ({kind: 1}, restarts)
        assert status.last_incident is not None
        assert "Model troublemaker 1" in status.last_incident
        assert await labels(loaded) == LABELS
        await loaded.close()
        assert children() == []

    asyncio.run(scenario())


@pytest.mark.usefixtures("every_log_line")
def test_the_log_tells_where_a_model_failed_without_the_values(package: Path) -> None:
    async def scenario() -> None:
        loaded = a_pool(package)
        await loaded.start()
        with structlog.testing.capture_logs() as logs:
            with pytest.raises(PredictionFailed):
                await loaded.predict_soon(row(trouble.RAISE), within=5)
            await settled(lambda: any("line" in entry for entry in logs))
        await loaded.close()
        (line,) = [entry["line"] for entry in logs if entry["event"] == "model.printed"]
        assert line.startswith("ValueError while predicting; ")
        assert "troublemaker.py:" in line
        assert "amounts" not in line
        assert [entry["kind"] for entry in logs if entry["event"] == "model.incident"] == ["failed"]

    asyncio.run(scenario())


@pytest.mark.usefixtures("every_log_line")
def test_what_a_model_prints_becomes_lines_of_the_log(package: Path) -> None:
    async def scenario() -> None:
        loaded = a_pool(package)
        await loaded.start()
        with structlog.testing.capture_logs() as logs:
            await loaded.predict_soon(row(trouble.PRINT), within=5)
            await loaded.close()
            await settled(lambda: len(logs) == 2)
        assert {entry["line"] for entry in logs} == {"the model has something to say", "and complains"}
        assert {entry["model"] for entry in logs} == {"Model troublemaker 1"}

    asyncio.run(scenario())


def test_a_process_that_has_grown_too_large_answers_its_batch_and_is_replaced_after_it(package: Path) -> None:
    async def scenario() -> None:
        loaded = a_pool(package, memory_mb=150)
        await loaded.start()
        (before,) = children()
        assert await labels(loaded, row(trouble.LEAK)) == ["ok", "ok"]
        assert await labels(loaded) == LABELS
        await settled(lambda: before not in children())
        await settled(lambda: status_of(loaded).ready == 1)
        assert len(children()) == 1
        assert status_of(loaded).incidents == {"leaked": 1}
        assert 0 < status_of(loaded).rss_bytes < 150_000_000
        await loaded.close()

    asyncio.run(scenario())


def test_an_idle_process_that_is_killed_from_outside_is_replaced_and_nobody_sees_it(package: Path) -> None:
    async def scenario() -> None:
        loaded = a_pool(package)
        await loaded.start()
        (child,) = children()
        child.kill()
        await settled(lambda: status_of(loaded).restarts == 1 and status_of(loaded).ready == 1)
        assert await labels(loaded) == LABELS
        status = status_of(loaded)
        assert status.incidents == {"crashed": 1}
        assert "SIGKILL" in (status.last_incident or "")
        await loaded.close()

    asyncio.run(scenario())


def test_what_a_process_had_on_disk_goes_with_it_also_when_it_was_killed(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def on_disk() -> set[Path]:
        return set(tmp_path.glob("*/*"))

    async def scenario() -> None:
        loaded = a_pool(package)
        await loaded.start()
        before = on_disk()
        assert len(before) == 1
        children()[0].kill()
        await settled(lambda: status_of(loaded).restarts == 1 and status_of(loaded).ready == 1)
        await settled(lambda: len(on_disk()) == 1 and not on_disk() & before)
        await loaded.close()
        await settled(lambda: not any(tmp_path.iterdir()))

    asyncio.run(scenario())


def test_a_process_that_is_killed_at_work_costs_one_batch(package: Path) -> None:
    async def scenario() -> None:
        loaded = a_pool(package)
        await loaded.start()
        under_way = asyncio.create_task(loaded.predict_soon(row(trouble.SLOW), within=5))
        behind = asyncio.create_task(labels(loaded))
        await settled(lambda: status_of(loaded).busy == 1)
        children()[0].kill()
        with pytest.raises(PredictionFailed, match="ended while it predicted"):
            await under_way
        assert await behind == LABELS
        await loaded.close()

    asyncio.run(scenario())


def test_a_model_that_always_fails_is_left_alone_for_a_while_then_asked_again(package: Path) -> None:
    async def scenario() -> None:
        loaded = a_pool(package)
        await loaded.start()
        for _ in range(5):
            with pytest.raises(PredictionFailed, match="failed with ValueError"):
                await loaded.predict_soon(row(trouble.RAISE), within=5)
        with pytest.raises(EndpointBusy, match=r"failed repeatedly and is tried again in .*ValueError") as refused:
            await labels(loaded)
        assert status_of(loaded).breaker == "open"
        await asyncio.sleep(refused.value.details["retry_after"])
        assert await labels(loaded) == LABELS
        assert status_of(loaded).breaker == "closed"
        await loaded.close()

    asyncio.run(scenario())


def test_whoever_blocks_asks_it_in_any_case_however_often_it_failed(package: Path) -> None:
    async def scenario() -> None:
        loaded = a_pool(package)
        await loaded.start()
        for _ in range(6):
            with pytest.raises(PredictionFailed, match="failed with ValueError"):
                loaded.predict(row(trouble.RAISE))
        assert [prediction.label for prediction in loaded.predict(GOOD)] == LABELS
        await loaded.close()

    asyncio.run(scenario())


def test_the_callers_time_is_kept_and_the_process_with_it(package: Path) -> None:
    async def scenario() -> None:
        loaded = a_pool(package)
        await loaded.start()
        with pytest.raises(PredictionTimedOut, match="the remaining time"):
            await loaded.predict_soon(row(trouble.SLOW), within=0.05)
        assert await labels(loaded) == LABELS
        assert status_of(loaded).restarts == 0
        await loaded.close()

    asyncio.run(scenario())


def test_a_full_queue_refuses(package: Path) -> None:
    async def scenario() -> None:
        loaded = a_pool(package, queue_batches=2)
        await loaded.start()
        asked = [asyncio.create_task(loaded.predict_soon(row(trouble.SLOW), within=5)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(EndpointBusy, match="2 batches already wait"):
            await labels(loaded)
        assert len(await asyncio.gather(*asked)) == 3
        await loaded.close()

    asyncio.run(scenario())


def test_closing_finishes_what_was_asked_and_takes_no_more(package: Path) -> None:
    async def scenario() -> None:
        loaded = a_pool(package)
        await loaded.start()
        asked = [asyncio.create_task(loaded.predict_soon(row(trouble.SLOW), within=5)) for _ in range(3)]
        await settled(lambda: status_of(loaded).busy == 1)
        closing = asyncio.create_task(loaded.close())
        await asyncio.sleep(0)
        with pytest.raises(EndpointBusy, match="is being closed"):
            await labels(loaded)
        await closing
        assert len(await asyncio.gather(*asked)) == 3
        assert children() == []

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        ("sleep 30", r"was not loaded within 1 s"),
        ("exit 4", r"cannot be loaded: it ended: it ended with status 4"),
        ("raise no weights", r"cannot be loaded: .*RuntimeError: no weights"),
    ],
    ids=["slow import", "exits", "raises"],
)
def test_a_model_that_does_not_load_is_refused_with_the_reason(package: Path, orders: str, words: str) -> None:
    told = package.parent / "orders"
    told.write_text(orders, encoding="utf-8")
    try:
        with pytest.raises(EndpointUnavailable, match=words):
            a_pool(package, start_seconds=1)
    finally:
        told.unlink()
    assert children() == []


def test_a_version_that_no_longer_loads_does_not_start(package: Path) -> None:
    told = package.parent / "orders"

    async def scenario() -> None:
        loaded = a_pool(package)
        told.write_text("exit 5", encoding="utf-8")
        with pytest.raises(EndpointUnavailable, match="status 5"):
            await loaded.start()
        assert children() == []

    try:
        asyncio.run(scenario())
    finally:
        told.unlink()


def test_a_pool_whose_processes_cannot_come_back_says_so_at_once_and_recovers_with_them(package: Path) -> None:
    told = package.parent / "orders"

    async def scenario() -> None:
        loaded = a_pool(package)
        await loaded.start()
        told.write_text("exit 6", encoding="utf-8")
        os.kill(children()[0].pid, signal.SIGKILL)
        await settled(lambda: status_of(loaded).ready == 0)
        with pytest.raises(PredictionFailed, match="status 6"):
            await loaded.predict_soon(GOOD, within=10)
        told.unlink()
        await settled(lambda: status_of(loaded).ready == 1)
        assert await labels(loaded) == LABELS
        assert status_of(loaded).incidents["unloadable"] >= 1
        await loaded.close()

    asyncio.run(scenario())


def test_a_models_process_sees_neither_secrets_nor_andon(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_ACCESS_PEPPER", "0" * 64)
    monkeypatch.setenv("CORE_BANKING_SECRET", "whsec_x")
    loaded = a_pool(package)
    assert [p.label for p in loaded.predict(row(trouble.SECRETS))] == ["ok", "ok"]
    asyncio.run(loaded.close())


def test_a_damaged_file_is_refused_by_its_name(package: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(package, tmp_path / "copy")
    (copy / "model.zip").write_bytes(b"not an archive")
    with pytest.raises(EndpointUnavailable, match=r"model\.zip is not a readable archive"):
        a_pool(copy, version_of(package))
