"""A real MLServer, over REST and gRPC: packed by its answers, served with them; down, restarted, hanging, wrong."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog

from andon import serving
from andon.models import FeatureKind, FeatureSpec, ModelVersion, PackageInvalid, columns_of, encode, open_package, pack
from andon.serving import (
    EndpointBusy,
    EndpointUnavailable,
    Hosting,
    LoadedVersion,
    PredictionTimedOut,
    RemoteModel,
)
from andon.serving.remote import FILE, ServerFailed, ServerUnreachable, open_remote
from mlservers import MlServer, own_probabilities

FEATURES = (
    FeatureSpec("amount", FeatureKind.NUMBER),
    FeatureSpec("country", FeatureKind.CATEGORY, ("DE", "FR")),
    FeatureSpec("night", FeatureKind.BOOLEAN),
    FeatureSpec("at", FeatureKind.TIME),
)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
HERE = Hosting(allow_private=True, timeout_seconds=5)

wires = pytest.mark.parametrize("wire", ["rest", "grpc"])


def some_rows(count: int = 200, seed: int = 1) -> tuple[list[dict[str, Any]], list[str]]:
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = [
        {
            "amount": None if rng.random() < 0.1 else float(rng.gamma(2, 80)),
            "country": str(rng.choice(["DE", "FR", "XX"])),
            "night": bool(rng.random() < 0.5),
            "at": None,
        }
        for _ in range(count)
    ]
    return rows, [("ok", "fraud")[(row["amount"] or 0) > 200] for row in rows]


def packed(server: MlServer, folder: Path, wire: str, name: str = "scores", **more: Any) -> Path:
    return pack(
        folder / "package",
        name="elsewhere",
        model=RemoteModel(server.address(wire), name, protocol=wire, timeout_seconds=5, **more),
        features=FEATURES,
        classes=("ok", "fraud"),
        training=some_rows(seed=1),
        held_out=some_rows(seed=2),
        split="drawn twice",
    )


def version_of(package: Path) -> ModelVersion:
    manifest = open_package(package).manifest
    return ModelVersion("elsewhere", 1, manifest.digest, manifest, "owner", "test", NOW)


def loaded(package: Path, hosting: Hosting = HERE) -> LoadedVersion:
    return serving.load(version_of(package), package, hosting)


def asking(package: Path, name: str, hosting: Hosting = HERE, **changed: str) -> LoadedVersion:
    """Return the same version, but of another model of the server, without probes."""
    document = json.loads((package / FILE).read_text()) | {"name": name, **changed}
    other = package.with_name(FILE)
    other.write_text(json.dumps(document))
    predictor = open_remote(other, columns_of(FEATURES), hosting)
    return LoadedVersion(version_of(package), predictor, patient=predictor)


def during(version: LoadedVersion, work: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await version.start()
        try:
            await work()
        finally:
            await version.close()

    asyncio.run(run())


@wires
@pytest.mark.parametrize("name", ["scores", "narrow", "each", "undescribed"])
def test_what_the_server_answers_is_what_is_served(server: MlServer, tmp_path: Path, wire: str, name: str) -> None:
    version = loaded(packed(server, tmp_path, wire, name))
    rows, _ = some_rows(50, seed=3)
    answers: list[Any] = []

    async def ask() -> None:
        answers.extend(await version.predict_soon(rows, within=5))

    during(version, ask)
    assert not version.inline
    assert [a.score for a in answers] == pytest.approx([p.score for p in version.predict(rows)])
    raw = version.raw(encode(FEATURES, rows))
    np.testing.assert_allclose(raw, own_probabilities(encode(FEATURES, rows)), atol=1e-5)


@wires
def test_many_batches_at_once_come_back_each_to_its_own(server: MlServer, tmp_path: Path, wire: str) -> None:
    version = loaded(packed(server, tmp_path, wire))
    batches = [some_rows(1 + seed % 5, seed=seed)[0] for seed in range(60)]

    async def ask() -> None:
        found = await asyncio.gather(*(version.predict_soon(rows, within=20) for rows in batches))
        status = version.status()
        assert status is not None
        assert (status.busy, status.queued, status.incidents) == (0, 0, {})
        for rows, answers in zip(batches, found, strict=True):
            assert [a.score for a in answers] == pytest.approx([p.score for p in version.predict(rows)])

    during(version, ask)


@wires
def test_a_restarted_server_is_asked_again_without_a_word(server: MlServer, tmp_path: Path, wire: str) -> None:
    version = loaded(packed(server, tmp_path, wire))
    rows, _ = some_rows(3)

    async def ask() -> None:
        before = await version.predict_soon(rows, within=5)
        server.stop()
        server.start()
        assert await version.predict_soon(rows, within=5) == before

    during(version, ask)


@wires
def test_a_server_that_is_down_is_left_alone_and_found_again(server: MlServer, tmp_path: Path, wire: str) -> None:
    version = loaded(packed(server, tmp_path, wire))
    rows, _ = some_rows(3)

    async def ask() -> None:
        await version.predict_soon(rows, within=5)
        server.stop()
        try:
            with structlog.testing.capture_logs() as logs:
                for _ in range(5):
                    with pytest.raises(ServerUnreachable, match=r"127\.0\.0\.1"):
                        await version.predict_soon(rows, within=5)
            assert [entry["kind"] for entry in logs if entry["event"] == "model.incident"] == ["failed"] * 5
            with pytest.raises(EndpointBusy, match="gets no requests for"):
                await version.predict_soon(rows, within=5)
            status = version.status()
            assert status is not None
            assert (status.breaker, status.incidents) == ("open", {"failed": 5})
        finally:
            server.start()
        async with asyncio.timeout(20):
            while True:
                try:
                    await version.predict_soon(rows, within=5)
                    break
                except EndpointBusy:
                    await asyncio.sleep(0.05)
        status = version.status()
        assert status is not None
        assert status.breaker == "closed"

    during(version, ask)


@wires
def test_a_server_that_is_down_at_the_start_is_named(server: MlServer, tmp_path: Path, wire: str) -> None:
    package = packed(server, tmp_path, wire)
    version = loaded(package)
    server.stop()
    try:
        with pytest.raises(
            EndpointUnavailable,
            match=r"scores at (http://127\.0\.0\.1:\d+) cannot be used: \1 refused (or broke off )?the connection",
        ):
            loaded(package)
        with pytest.raises(EndpointUnavailable, match="cannot be used"):
            asyncio.run(version.start())
        with pytest.raises(EndpointUnavailable, match="cannot be used"):
            packed(server, tmp_path / "b", wire)
    finally:
        server.start()


@wires
def test_a_server_that_hangs_is_waited_for_no_longer_than_said(server: MlServer, tmp_path: Path, wire: str) -> None:
    package = packed(server, tmp_path, wire)
    version = asking(package, "hangs", replace(HERE, timeout_seconds=0.3))
    rows, _ = some_rows(2)

    async def ask() -> None:
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(PredictionTimedOut, match=r"gave no answer within 0\.\d+ s"):
                await version.predict_soon(rows, within=3600)
            assert time.monotonic() - began < 2
        status = version.status()
        assert status is not None
        assert status.incidents == {"timed_out": 2}

    during(version, ask)


@wires
def test_a_caller_in_a_hurry_goes_and_it_is_the_servers_time_that_counts(
    server: MlServer, tmp_path: Path, wire: str
) -> None:
    package = packed(server, tmp_path, wire)
    version = asking(package, "hangs", replace(HERE, timeout_seconds=1.0))
    rows, _ = some_rows(2)

    async def ask() -> None:
        began = time.monotonic()
        for _ in range(6):
            with pytest.raises(PredictionTimedOut, match=r"gave no answer within 0\.05 s"):
                await version.predict_soon(rows, within=0.05)
        assert time.monotonic() - began < 1.0
        status = version.status()
        assert status is not None
        assert (status.busy, status.incidents, status.breaker) == (6, {}, "closed")
        async with asyncio.timeout(20):
            while (status := version.status()) and status.busy:
                await asyncio.sleep(0.05)
        assert (status.incidents, status.breaker) == ({"timed_out": 6}, "open")

    during(version, ask)


@wires
def test_packing_tells_what_the_server_says(server: MlServer, tmp_path: Path, wire: str) -> None:
    for name, words in {
        "nothing-here": "cannot be used",
        "wide": r"takes 'rows' of shape \[-1, 9\], not rows of 6 columns",
        "whole-numbers": "INT64, which has no missing value",
    }.items():
        with pytest.raises(EndpointUnavailable, match=words):
            packed(server, tmp_path / name, wire, name)
    with pytest.raises(PackageInvalid, match="the forest burnt down"):
        packed(server, tmp_path / "refuses", wire, "refuses")
    with pytest.raises(PackageInvalid, match=r"answered with (HTTP 500|gRPC)"):
        packed(server, tmp_path / "fails", wire, "fails")
    for name, words in {
        "labels": "expected numbers",
        "short": "expected probabilities of shape",
        "nan": "not probabilities",
    }.items():
        with pytest.raises(PackageInvalid, match=words):
            packed(server, tmp_path / name, wire, name)
    with pytest.raises(EndpointUnavailable, match="no input 'other'; it takes rows"):
        packed(server, tmp_path / "input", wire, input="other")
    with pytest.raises(PackageInvalid, match="no output 'other'"):
        packed(server, tmp_path / "output", wire, output="other")


@wires
def test_in_service_a_failure_is_told_without_the_servers_words(server: MlServer, tmp_path: Path, wire: str) -> None:
    package = packed(server, tmp_path, wire)
    version = asking(package, "refuses")
    rows, _ = some_rows(2)

    async def ask() -> None:
        with pytest.raises(ServerFailed, match="answered with") as failed:
            await version.predict_soon(rows, within=5)
        assert "burnt" not in str(failed.value)
        assert "burnt" in failed.value.said

    during(version, ask)


@wires
def test_a_server_in_the_own_network_is_asked_only_where_that_is_allowed(
    server: MlServer, tmp_path: Path, wire: str
) -> None:
    package = packed(server, tmp_path, wire)
    with pytest.raises(
        EndpointUnavailable, match="not a public address; if that is intended, set allow_private = true"
    ):
        loaded(package, Hosting())


@wires
def test_an_installation_says_where_its_own_server_is(server: MlServer, tmp_path: Path, wire: str) -> None:
    package = packed(server, tmp_path, wire)
    with pytest.raises(EndpointUnavailable, match=r"127\.0\.0\.1:9 cannot be used"):
        asking(package, "scores", url="http://127.0.0.1:9")
    here = Hosting(allow_private=True, url=server.address(wire))
    assert asking(package, "scores", here, url="http://127.0.0.1:9").predict(some_rows(2)[0])
