"""One suite for whatever predicts elsewhere: in processes of its own or on another server."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from andon import serving
from andon.models import Matrix, pack
from andon.serving import EndpointBusy, Hosting, LoadedVersion, PatientPredictor, PredictionTimedOut, RemoteModel
from mlservers import MlServer, a_matrix_in
from packages import CLASSES, FEATURES, a_package, some_rows
from troubles import version_of

Make = Callable[[], LoadedVersion]


def isolated(folder: Path) -> Make:
    package = a_package(folder / "package")
    hosting = Hosting(isolated=True, environments=folder / "environments", processes_max=2)
    return lambda: serving.load(version_of(package), package, hosting)


def remote_rest(folder: Path) -> Make:
    return remote(folder, "rest")


def remote_grpc(folder: Path) -> Make:
    return remote(folder, "grpc")


def remote(folder: Path, wire: str) -> Make:
    server = MlServer(Path(tempfile.mkdtemp(prefix="andon-mlserver-")))
    server.add("of-2", a_matrix_in(2, classes=2), classes=2)
    server.start()
    SERVERS.append(server)
    training, held_out = some_rows(1)
    package = pack(
        folder / "package",
        name="elsewhere",
        model=RemoteModel(server.address(wire), "of-2", protocol=wire),
        features=FEATURES,
        classes=CLASSES,
        training=training,
        held_out=held_out,
        split="the first half trains",
    )
    return lambda: serving.load(version_of(package), package, Hosting(url=server.address(wire), allow_private=True))


SERVERS: list[MlServer] = []


@pytest.fixture(params=[isolated, remote_rest, remote_grpc], scope="module")
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    yield request.param(tmp_path_factory.mktemp("patient"))
    for server in SERVERS:
        server.stop()
        shutil.rmtree(server.folder)
    SERVERS.clear()


MATRIX = np.column_stack((np.linspace(1, 900, 40), np.tile([0.0, np.nan], 20)))


def with_started(make: Make, scenario: Callable[[LoadedVersion, PatientPredictor], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        loaded = make()
        assert loaded.patient is not None
        await loaded.start()
        try:
            await scenario(loaded, loaded.patient)
        finally:
            await loaded.close()

    asyncio.run(run())


def test_it_is_not_inline_and_has_room(make: Make) -> None:
    async def scenario(loaded: LoadedVersion, patient: PatientPredictor) -> None:
        assert not loaded.inline
        assert loaded.capacity == patient.capacity >= 1

    with_started(make, scenario)


def test_what_is_awaited_is_what_blocking_gives(make: Make) -> None:
    async def scenario(loaded: LoadedVersion, patient: PatientPredictor) -> None:
        blocking = await asyncio.to_thread(patient.predict, MATRIX)
        np.testing.assert_allclose(await patient.predict_soon(MATRIX, within=20), blocking, atol=1e-9)
        assert blocking.shape == (40, 2)

    with_started(make, scenario)


def test_batches_asked_at_once_get_each_its_own_answer(make: Make) -> None:
    async def scenario(loaded: LoadedVersion, patient: PatientPredictor) -> None:
        whole = await patient.predict_soon(MATRIX, within=20)
        parts: list[Matrix] = await asyncio.gather(*(patient.predict_soon(MATRIX[[n]], within=20) for n in range(40)))
        np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)

    with_started(make, scenario)


def test_what_the_caller_has_no_time_for_is_no_answer_and_does_no_harm(make: Make) -> None:
    async def scenario(loaded: LoadedVersion, patient: PatientPredictor) -> None:
        with pytest.raises((PredictionTimedOut, EndpointBusy)):
            await patient.predict_soon(MATRIX, within=0.0)
        assert len(await patient.predict_soon(MATRIX, within=20)) == 40

    with_started(make, scenario)


def test_callers_in_a_hurry_keep_nobody_else_from_it(make: Make) -> None:
    async def scenario(loaded: LoadedVersion, patient: PatientPredictor) -> None:
        for _ in range(20):
            with suppress(PredictionTimedOut, EndpointBusy):
                await patient.predict_soon(MATRIX, within=0.0002)
        assert len(await patient.predict_soon(MATRIX, within=20)) == 40
        status = patient.status()
        assert (status.incidents, status.breaker) == ({}, "closed")

    with_started(make, scenario)


def test_a_caller_that_goes_away_does_no_harm(make: Make) -> None:
    async def scenario(loaded: LoadedVersion, patient: PatientPredictor) -> None:
        asked = [asyncio.create_task(patient.predict_soon(MATRIX, within=20)) for _ in range(6)]
        await asyncio.sleep(0)
        for task in asked[::2]:
            task.cancel()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [isinstance(answer, asyncio.CancelledError) for answer in answers] == [True, False] * 3
        assert len(await patient.predict_soon(MATRIX, within=20)) == 40
        assert patient.status().busy == 0

    with_started(make, scenario)


def test_its_status_tells_that_it_is_ready_and_then_that_it_is_not(make: Make) -> None:
    async def scenario(loaded: LoadedVersion, patient: PatientPredictor) -> None:
        status = patient.status()
        assert status.ready >= 1
        assert (status.busy, status.queued, status.incidents, status.breaker) == (0, 0, {}, "closed")
        await loaded.close()
        assert patient.status().ready == 0
        with pytest.raises(EndpointBusy):
            await patient.predict_soon(MATRIX, within=5)

    with_started(make, scenario)
