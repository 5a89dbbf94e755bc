"""A running line for mails: its gateway decides, and its worker proves the gate from the labels that come back.

Mails are decided in batches. Their labels are reported before the next batch, as if people had moved each
mail to its folder, and the benchmark waits until the gate is proven from them.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg

from andon.kernel import config, postgres
from andon_demo.line import Line
from benchmarks.mail_corpus import ListMail
from benchmarks.mail_side import NAME, asked
from benchmarks.mail_stream import Stream

BATCH = 25

_WAITING = """
SELECT EXISTS (SELECT FROM evidence_relabelled) OR EXISTS (
    SELECT FROM evidence_cases WHERE position IS NULL
) OR EXISTS (
    SELECT FROM evidence_cases e
    LEFT JOIN proof_states s ON s.automation = e.automation AND s.arm = e.proven_arm
    WHERE e.gated AND e.weight > 0 AND e.floor > 0 AND e.position > coalesce(s.upto, 0))
"""
"""Whether the worker has labels that are not yet in the proof of the gate. The line has one gate for all mails."""

_ARMS = "SELECT count(DISTINCT arm) FROM gate_pointers"


class MailLine:
    """One running line."""

    def __init__(self, line: Line, database: "psycopg.Connection[tuple[Any, ...]]", key: str) -> None:
        self._line, self._database = line, database
        self._client = httpx.Client(
            base_url=line.url, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=60
        )

    def decide(self, mails: Sequence[ListMail]) -> Stream:
        """Decide mails in their order, and report the label of each."""
        answers: list[dict[str, Any]] = []
        for first in range(0, len(mails), BATCH):
            part = mails[first : first + BATCH]
            given = self._decided(part)
            self._report(part, given)
            answers += given
        label = np.array([one["label"] for one in answers])
        return Stream(
            confidence=np.array([one["confidence"] for one in answers], float),
            automatic=np.array([one["outcome"] != "review" for one in answers], np.bool_),
            wrong=label != np.array([mail.team for mail in mails]),
        )

    def train(self) -> None:
        """Train the model again with train.py, make it the champion, and wait until the gateway has it."""
        reason = ("--reason", "learned a new class")
        self._line.command(
            "models", "register", "--from-script", "train.py", "--alias", "champion", *reason, timeout=900
        )
        self._line.wait_until("the gateway had the new model", lambda: self._value(_ARMS) > 1, timeout=60)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _decided(self, mails: Sequence[ListMail]) -> list[dict[str, Any]]:
        rows = "\n".join(json.dumps(asked(mail)) for mail in mails)
        answer = self._client.post(
            f"/v1/automations/{NAME}/decisions:batch",
            content=rows,
            headers={"Content-Type": "application/x-ndjson"},
        ).raise_for_status()
        given = [json.loads(row) for row in answer.text.splitlines()]
        if refused := [one for one in given if "error" in one]:
            raise RuntimeError(f"{len(refused)} mails were refused, as {refused[0]}")
        return given

    def _report(self, mails: Sequence[ListMail], given: Sequence[dict[str, Any]]) -> None:
        labels = [{"decision_id": one["id"], "value": mail.team} for one, mail in zip(given, mails, strict=True)]
        answer = self._client.post("/v1/labels", json=labels).raise_for_status().json()
        if answer["recorded"] != len(labels):
            raise RuntimeError(f"{len(labels)} labels were reported, {answer['recorded']} recorded: {answer}")
        self._line.wait_until("the labels were proven", lambda: not self._value(_WAITING), timeout=120)

    def _value(self, query: str) -> Any:
        (found,) = self._database.execute(query).fetchone() or (None,)
        return found


@contextmanager
def running(project: Path) -> Iterator[MailLine]:
    """Run the line of a trained project for the length of the context."""
    with Line(project) as line:
        line.command("models", "register", "package", "--alias", "champion", "--reason", "trained on filed mails")
        line.up(timeout=300)
        url = postgres.url_of(config.load(project, {}))
        with psycopg.connect(url, autocommit=True) as database:
            mails = MailLine(line, database, line.key("bench", "admin").split()[-1])
            try:
                yield mails
            finally:
                mails.close()
