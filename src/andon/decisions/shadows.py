"""Shadows: versions that predict for decided requests after the answer, and decide nothing.

They are the first work dropped under load.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from time import thread_time_ns

import structlog

from andon.decisions.controls import Controls
from andon.decisions.domain import DecisionRequest, Judgement
from andon.decisions.errors import LedgerUnavailable
from andon.decisions.line import Line
from andon.decisions.passage import BatchWatcher, Payer
from andon.decisions.ports import LedgerWriter
from andon.decisions.seeing import Seen
from andon.decisions.traffic import Arm
from andon.kernel.clock import Clock
from andon.serving import SHADOW_SQL, ShadowPrediction, shadow_columns

log = structlog.get_logger(__name__)

ROOM = 2048
"""The most rows that may wait for the shadows; any more are not shown to them."""

AT_ONCE = 64
"""Rows shown together: this bounds how long an inline shadow may block the event loop."""

WITHIN = 30.0
"""The seconds that a shadow elsewhere may take."""

ENDING = 1.0
"""The seconds that work under way may take at the end."""


class Shadows:
    """Shows answered requests to a line's shadows whenever there is nothing else to do. Use from one event loop."""

    def __init__(
        self,
        recorder: LedgerWriter,
        *,
        clock: Clock,
        controls: Controls,
        watcher: BatchWatcher,
        purse: Payer,
        busy: Callable[[], bool],
    ) -> None:
        self._recorder = recorder
        self._clock = clock
        self._controls = controls
        self._watcher = watcher
        self._purse = purse
        self._busy = busy
        self._waiting: deque[tuple[Line, DecisionRequest, Seen]] = deque()
        self._running: asyncio.Task[None] | None = None

    def offer(self, line: Line, requests: Sequence[DecisionRequest], seen: Sequence[Seen]) -> None:
        """Queue these for the line's shadows, as far as there is room."""
        room = max(0, ROOM - len(self._waiting))
        self._waiting.extend((line, request, s) for request, s in zip(requests[:room], seen[:room], strict=True))
        if len(requests) > room:
            self._watcher.shadowed(line.automation.name, 0, len(requests) - room)
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Drop the waiting rows; work under way may end, if it ends soon."""
        self._waiting.clear()
        if self._running is not None:
            _, late = await asyncio.wait([self._running], timeout=ENDING)
            for task in late:
                task.cancel()
                await asyncio.wait([task])

    async def _run(self) -> None:
        try:
            while self._waiting:
                if self._busy():
                    await asyncio.sleep(0.01)
                    continue
                await self._show(self._next())
        finally:
            self._running = None

    def _next(self) -> list[tuple[Line, DecisionRequest, Seen]]:
        """Return the next rows of one line."""
        first = self._waiting.popleft()
        rows = [first]
        while self._waiting and len(rows) < AT_ONCE and self._waiting[0][0] is first[0]:
            rows.append(self._waiting.popleft())
        return rows

    async def _show(self, rows: Sequence[tuple[Line, DecisionRequest, Seen]]) -> None:
        line = rows[0][0]
        name = line.automation.name
        for arm in line.traffic.shadows:
            # A decision by the arm itself would only show that it agrees with itself.
            others = [row for row in rows if row[1].pinned != arm.version or arm.is_apart]
            paid = self._purse.allow(name, len(others))
            if paid < len(others):
                self._watcher.shadowed(name, 0, len(others) - paid)
            if not paid:
                continue
            said = await self._asked(line, arm, others[:paid])
            try:
                await self._recorder.run(SHADOW_SQL, *shadow_columns(said))
            except LedgerUnavailable as error:
                log.warning("shadows.lost", rows=paid, error=type(error.__cause__).__name__)
                self._watcher.shadowed(name, 0, paid)
                continue
            self._watcher.shadowed(name, paid, 0)

    async def _asked(
        self, line: Line, arm: Arm, rows: Sequence[tuple[Line, DecisionRequest, Seen]]
    ) -> list[ShadowPrediction]:
        """Return one shadow's results for the rows that the budget pays for."""
        requests, seen = [request for _, request, _ in rows], [s for _, _, s in rows]
        cpu, cpu_us = thread_time_ns(), 0
        try:
            # A shadow says what it would decide on an automatic line: its gate applies, the line's state does not.
            control = self._controls.of(line.automation.name).automatic
            inputs = [request.input for request in requests]
            judged = await line.judge.judge(arm, inputs, seen, control, now=self._clock.now(), within=WITHIN)
            cpu_us = (thread_time_ns() - cpu) // 1000 if arm.loaded.inline else arm.loaded.take_cpu_us()
        finally:
            self._purse.settle_shadow(line.automation.name, arm.version, len(rows), cpu_us)
        return [self._said(arm, r, j) for r, j in zip(requests, judged.judgements, strict=True)]

    def _said(self, arm: Arm, request: DecisionRequest, judgement: Judgement) -> ShadowPrediction:
        prediction, ruling = judgement.prediction, judgement.ruling
        return ShadowPrediction(
            decision_id=request.id,
            automation=arm.ref.automation,
            arm=arm.ref.arm,
            endpoint=arm.ref.model.name,
            model_version=arm.version,
            outcome=ruling.outcome,
            score=None if prediction is None else prediction.score,
            label=None if prediction is None else prediction.label,
            confidence=None if prediction is None else prediction.confidence,
            error=None if prediction is not None else (ruling.error or ruling.reasons[0]),
            predicted_at=self._clock.now(),
        )
