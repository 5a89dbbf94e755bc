"""`andon labels import`: a file of any length and format, killed and repeated; each label is there once."""

import csv
import hashlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import httpx
import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from andon import audit, decisions, labels
from andon.bootstrap.vouched import ROWS, all_evidence
from andon.cli import app, label_file
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.labels import TruthReport
from automations import payment
from calls import DECIDE, calling
from lines import CALLER, OWNER, Installation

ANDON = str(Path(sys.executable).with_name("andon"))
MANY = 10_000


@pytest.fixture(autouse=True)
def project(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", installation.database.url)
    monkeypatch.setenv("COLUMNS", "200")


def decided(installation: Installation, count: int) -> list[str]:
    """So many payments, decided in one batch."""
    key = installation.key("bank", CALLER)
    rows = "\n".join(json.dumps(payment(number)) for number in range(count))
    headers = {"Authorization": f"Bearer {key}", "content-type": "application/x-ndjson"}

    async def work(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post(f"{DECIDE}:batch", content=rows.encode(), headers=headers, timeout=60)

    return [json.loads(line)["id"] for line in calling(installation, work).text.splitlines()]


def brought(file: Path, status: int = 0) -> Result:
    result = CliRunner().invoke(app, ["labels", "import", str(file)])
    assert result.exit_code == status, result.output
    return result


def written(file: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Write a file in the format of its ending."""
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    if file.suffix == ".ndjson":
        file.write_text(lines, encoding="utf-8")
    elif file.suffix == ".csv":
        with file.open("w", newline="", encoding="utf-8") as out:
            table = csv.DictWriter(out, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
    else:
        source = file.with_name("source.jsonl")
        source.write_text(lines, encoding="utf-8")
        duckdb.sql(f"COPY (SELECT * FROM read_json('{source}')) TO '{file}' (FORMAT parquet)")
    return file


def kept(database: Database) -> list[tuple[str, str, str]]:
    with database.begin() as tx:
        rows = tx.execute(text("SELECT decision_id, value, known_at FROM labels ORDER BY decision_id, known_at"))
        return [(str(one), value, at.astimezone(UTC).isoformat()) for one, value, at in rows]


@pytest.mark.parametrize("ending", ["csv", "ndjson", "parquet"])
def test_a_file_is_imported_in_any_format_once(installation: Installation, tmp_path: Path, ending: str) -> None:
    ids = decided(installation, 4)
    rows = [
        {
            "decision_id": one,
            "value": "fraud",
            "source": "import",
            "probability": 0.5,
            "known_at": "2026-11-01T10:00:00Z",
        }
        for one in ids
    ]
    file = written(tmp_path / f"labels.{ending}", rows)
    assert "4 recorded, 0 repeated, 0 refused" in brought(file).output
    assert "0 recorded, 4 repeated, 0 refused" in brought(file).output
    assert kept(installation.database) == [(one, "fraud", "2026-11-01T10:00:00+00:00") for one in sorted(ids)]


def test_refused_rows_stand_beside_the_file_and_can_be_mended(installation: Installation, tmp_path: Path) -> None:
    first, second, third = decided(installation, 3)
    file = tmp_path / "labels.csv"
    file.write_text(
        f"decision_id,value,known_at\n{first},fraud,\n{second},frauds,\n{third},ok,soon\n", encoding="utf-8"
    )
    result = brought(file, status=2)
    assert "1 recorded, 0 repeated, 2 refused" in result.output
    beside = tmp_path / "labels.refused.ndjson"
    refused = [json.loads(line) for line in beside.read_text(encoding="utf-8").splitlines()]
    assert sorted((row["row"], row["value"]) for row in refused) == [(2, "frauds"), (3, "ok")]
    assert {row["row"]: row["refused"].partition(":")[0] for row in refused}[3] == "known_at"
    assert "there are: ok, fraud" in {row["row"]: row["refused"] for row in refused}[2]
    mended = [{**row, "value": "fraud"} for row in refused if row["row"] == 2]
    assert "1 recorded" in brought(written(tmp_path / "mended.ndjson", mended)).output
    file.write_text(f"decision_id,value\n{first},fraud\n", encoding="utf-8")
    assert "0 recorded, 1 repeated" in brought(file).output
    assert not beside.exists()


def test_what_is_no_file_of_labels_is_said_in_words(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    assert "There is no file" in brought(file, status=2).output
    file.write_text("decision_id,value,knownat\n1,fraud,2\n", encoding="utf-8")
    assert "has a column 'knownat'" in brought(file, status=2).output
    lines = tmp_path / "labels.ndjson"
    lines.write_text('{"decision_id": \n[1]\n', encoding="utf-8")
    assert "0 recorded, 0 repeated, 2 refused" in brought(lines, status=2).output


def test_rows_about_one_decision_are_judged_together_wherever_they_stand(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_file, "ROWS", 3)
    ids = decided(installation, 8)
    rows = [
        {"decision_id": one.upper() if day == 2 else one, "value": value, "known_at": f"2026-11-0{day}"}
        for one in ids
        for day, value in ((1, "fraud"), (2, "ok"), (3, "fraud"))
    ]
    contradictory = [{"decision_id": ids[0], "value": value, "known_at": "2026-11-04"} for value in ("ok", "fraud")]
    rows = [contradictory[0], *random.Random(7).sample(rows, len(rows)), contradictory[1]]
    assert "24 recorded, 0 repeated, 2 refused" in brought(written(tmp_path / "labels.ndjson", rows), status=2).output
    with installation.database.begin() as tx:
        found = [decisions.get(tx, one).row for one in map(UUID, ids)]
        valid = labels.valid_of(tx, found, installation.clock.now())
    assert {one.value for one in valid.values()} == {"fraud"}


@pytest.mark.parametrize("microsecond", [0, 120_000, 123_450, 123_456])
def test_verification_finds_the_entry_of_an_import_at_any_fraction_of_a_second(
    installation: Installation, microsecond: int
) -> None:
    reports = [TruthReport(decision_id=UUID(one), value="fraud") for one in decided(installation, 2)]
    now = (installation.clock.now() + timedelta(seconds=1)).replace(microsecond=microsecond)
    with installation.database.begin() as tx:
        labels.record_all(tx, reports, actor=OWNER, events=Events(), now=now)
    with installation.database.snapshot() as tx:
        report = audit.verify(tx, evidence=all_evidence(), rows=ROWS)
    assert report.ok, report.findings


@pytest.mark.crash
def test_an_import_that_is_killed_and_repeated_records_each_label_once(
    installation: Installation, tmp_path: Path
) -> None:
    database = installation.database
    rows = [{"decision_id": one, "value": "fraud"} for one in decided(installation, MANY)]
    file = written(tmp_path / "labels.csv", random.Random(1).sample(rows, MANY))
    process = subprocess.Popen([ANDON, "labels", "import", file.name], cwd=tmp_path, env={**os.environ})
    try:
        while process.poll() is None and not kept(database):
            time.sleep(0.01)
    finally:
        process.kill()
    assert process.wait() == -9, "it was over before it could be killed"
    before = len(kept(database))
    assert 0 < before < MANY
    assert f"{MANY - before:,} recorded, {before:,} repeated, 0 refused" in brought(file).output
    assert f"0 recorded, {MANY:,} repeated, 0 refused" in brought(file).output
    there = kept(database)
    assert len({one for one, _, _ in there}) == len(there) == MANY
    with database.begin() as tx:
        entries = audit.page(tx, action="label.import", limit=50)
        counted = [(entry.after or {})["recorded"] for entry in entries]
        assert (
            sum(counted),
            tx.execute(text("SELECT count(*) FROM audit_entries WHERE action = 'label.record'")).scalar(),
        ) == (MANY, 0)
        for entry in entries:
            assert digest(tx, entry.after or {}) == (entry.after or {})["digest"]


def digest(tx: Any, imported: Any) -> str:
    """As docs/explain/audit.md says."""
    query = text("SELECT * FROM labels WHERE id BETWEEN :first AND :last ORDER BY id")
    lines = b""
    for row in tx.execute(query, {"first": imported["first"], "last": imported["last"]}):
        at = row.known_at.astimezone(UTC).isoformat()
        fields = [str(row.id), str(row.decision_id), row.value, row.source, row.probability, at, row.recorded_by]
        lines += json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    return hashlib.sha256(lines).hexdigest()
