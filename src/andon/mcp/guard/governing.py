"""The guard: a relay that has each `tools/call` decided before the server sees it. Other messages pass unchanged.

Each permit allows one forwarded call and is spent first. A call that cannot be decided is not forwarded.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from andon.kernel.errors import AndonError
from andon.mcp.channels import Channel
from andon.mcp.errors import AndonUnreachable, McpMessageInvalid
from andon.mcp.gateway_client import ALLOWED, WAITING, RemoteCall
from andon.mcp.guard.answers import refusal, reported, still_waiting, tool_error, why_not
from andon.mcp.guard.calls import asked, asks_for_input, name_in, not_decided, unattended
from andon.mcp.guard.desk import CallDesk
from andon.mcp.guard.left_waiting import CallsLeftWaiting
from andon.mcp.guard.relay import Relay
from andon.mcp.guard.task_list import GuardTask, TaskList
from andon.mcp.guard.under_way import CallStage, CallUnderWay, Mark
from andon.mcp.jsonrpc import (
    CLIENT_INFO,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    Message,
    digest_of,
    error,
    is_request,
    is_response,
    key_of,
    meta_of,
)
from andon.mcp.tasks import METHODS, TASKS, speaks_tasks

_GRACE_SECONDS = 5.0
"""The time for which answers to forwarded calls are awaited after the client has left."""


class ToolGuard(Relay):
    """Governs the tool calls of one client to one server."""

    def __init__(
        self,
        client: Channel,
        server: Channel,
        desk: CallDesk,
        *,
        agent: str | None,
        wait_seconds: float,
        poll_seconds: float,
        now: Callable[[], datetime],
        note: Callable[[str], None],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(client, server)
        self._desk, self._agent, self._note, self._pause = desk, agent, note, pause
        self._wait_seconds, self._poll_seconds = wait_seconds, poll_seconds
        self._open: dict[str, CallUnderWay] = {}
        self._left = CallsLeftWaiting(desk)
        self._continued: dict[tuple[Mark, str], RemoteCall] = {}
        self._discovers: set[str] = set()
        self._client_name = ""
        self._tasks = TaskList(now)
        self._server_has_tasks = self._is_closing = False

    async def on_client(self, message: Message) -> None:
        """Have tool calls decided, answer requests about the guard's own tasks, and pass everything else on."""
        method = message.get("method")
        if method == "tools/call":
            await self._take(message)
        elif method == "notifications/cancelled":
            await self._cancel(message)
        elif method in METHODS and is_request(message) and self._is_own_task(message):
            await self.client.send(await self._tasks.answer(message, self._desk.look))
        else:
            if method == "initialize":
                self._client_name = name_in(message.get("params", {}).get("clientInfo"))
            if method == "server/discover" and is_request(message):
                self._discovers.add(key_of(message["id"]))
            await self.server.send(message)

    async def on_server(self, message: Message) -> None:
        """Give the answer to a forwarded call to the work that waits for it, and pass everything else on."""
        if not is_response(message):
            await self.client.send(message)
            return
        key = key_of(message["id"])
        if (opened := self._open.get(key)) is not None:
            if opened.stage is CallStage.FORWARDED and not opened.answer.done():
                opened.answer.set_result(message)
            return  # drop answers to calls that were not forwarded
        if key in self._discovers:
            self._discovers.discard(key)
            self._declare(message)
        await self.client.send(message)

    async def closing(self, *, server_ended: bool) -> None:
        """Abandon calls that are not forwarded, await the other answers for a while, and report unknown outcomes."""
        self._is_closing = True
        self._tasks.give_up()
        works = [opened.work for opened in self._open.values() if opened.work is not None]
        for opened in list(self._open.values()):
            if opened.stage is CallStage.DECIDING and opened.work is not None:
                opened.work.cancel()
            opened.cancelled = not server_ended or opened.stage is not CallStage.FORWARDED
        answers = [one.answer for one in self._open.values() if one.stage is CallStage.FORWARDED]
        if answers and not server_ended:
            await asyncio.wait(answers, timeout=_GRACE_SECONDS)
        for opened in list(self._open.values()):
            if not opened.answer.done():
                opened.answer.set_result(None)
        await asyncio.gather(*works, *self._tasks.works(), return_exceptions=True)

    async def _take(self, message: Message) -> None:
        if not is_request(message):
            self._note("A tools/call without an id was dropped: it cannot be answered")
            return
        key = key_of(message["id"])
        if self._is_closing:
            return
        if key in self._open:
            await self.client.send(error(message["id"], INVALID_REQUEST, "A request with this id is under way"))
            return
        opened = self._open[key] = CallUnderWay(asyncio.get_running_loop().create_future())
        opened.work = asyncio.create_task(self._answer(message, opened, key))
        opened.work.add_done_callback(lambda _: self._close(key, opened))  # also if it is cancelled before it begins

    async def _answer(self, message: Message, opened: CallUnderWay, key: str) -> None:
        try:
            answer = await self._governed(message, opened)
        except McpMessageInvalid as invalid:
            answer = error(message["id"], INVALID_PARAMS, str(invalid))
        except AndonError as refused:
            answer = refusal(message, not_decided(refused))
        except Exception as bug:  # noqa: BLE001 - the edge: an unforeseen error must not let a call through
            self._note(f"A tool call failed in the guard: {type(bug).__name__}")
            answer = error(message["id"], INTERNAL_ERROR, "The guard failed; the call was not completed")
        finally:
            self._close(key, opened)
        if answer is not None:
            await self.client.send(answer)

    def _close(self, key: str, opened: CallUnderWay) -> None:
        """Free the id of a call that was answered or cancelled."""
        if self._open.get(key) is opened:
            del self._open[key]

    async def _governed(self, message: Message, opened: CallUnderWay) -> Message | None:
        """Return the answer to a call; None if the client has cancelled it."""
        tool, arguments = asked(message)
        mark = (tool, digest_of(arguments))
        begun = self._continued.pop((mark, key_of(message["params"].get("requestState"))), None)
        if begun is not None:
            return await self._forward(message, begun, opened, mark)
        agent = self._agent_of(message)
        await self._left.recall()
        call = await self._left.take(mark, agent) or await self._desk.ask(tool, arguments, agent)
        if call.state == WAITING and speaks_tasks(meta_of(message)):
            return self._as_task(message, call, mark)
        call = await self._await_person(message, call, mark)
        if call.state == WAITING:
            return refusal(message, still_waiting(call), call)
        if call.state != ALLOWED:
            return refusal(message, why_not(call), call)
        return await self._make(message, call, opened, mark)

    async def _await_person(self, message: Message, call: RemoteCall, mark: Mark) -> RemoteCall:
        """Wait for the verdict, up to the limit. A call that still waits then is kept, to be found by its mark."""
        waited = 0.0
        try:
            while call.state == WAITING and waited < self._wait_seconds:
                await self._progress(message, waited)
                await self._pause(self._poll_seconds)
                waited += self._poll_seconds
                try:
                    call = await self._desk.look(call.id)
                except AndonUnreachable as error:
                    self._note(str(error))
        except asyncio.CancelledError:
            self._left.keep(mark, call)
            raise
        if call.state == WAITING:
            self._left.keep(mark, call)
        return call

    async def _make(self, message: Message, call: RemoteCall, opened: CallUnderWay, mark: Mark) -> Message | None:
        opened.stage = CallStage.BEGINNING
        await self._desk.begin(call)
        if opened.cancelled:
            await self._report(call, {"error": "The client cancelled the call before it was forwarded", "sent": False})
            return None
        return await self._forward(message, call, opened, mark)

    async def _forward(self, message: Message, call: RemoteCall, opened: CallUnderWay, mark: Mark) -> Message | None:
        opened.stage = CallStage.FORWARDED
        await self.server.send(message)
        answer = await opened.answer
        if answer is None:
            await self._report(call, {"error": "Given up after it was forwarded; its outcome is not known"})
            return None if opened.cancelled else refusal(message, "The server ended before it answered.", call)
        state = asks_for_input(answer)
        if state is not None and opened.work is not None:  # a task has no client to ask
            self._continued[mark, state] = call
        else:
            await self._report(call, reported(answer))
        return answer

    async def _report(self, call: RemoteCall, outcome: Mapping[str, Any]) -> None:
        fault = await self._desk.finish(call, outcome)
        if fault is not None:
            self._note(f"The end of call {call.id} could not be reported: {fault}")

    async def _progress(self, message: Message, waited: float) -> None:
        token = meta_of(message).get("progressToken")
        if token is None:
            return
        params = {
            "progressToken": token,
            "progress": waited,
            "total": self._wait_seconds,
            "message": "Waiting for a person to approve this call",
        }
        await self.client.send({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})

    def _as_task(self, message: Message, call: RemoteCall, mark: Mark) -> Message:
        task = self._tasks.add(call)
        task.work = asyncio.create_task(self._work(task, message, mark))
        return {"jsonrpc": "2.0", "id": message["id"], "result": {"resultType": "task", **self._tasks.shown(task)}}

    async def _work(self, task: GuardTask, message: Message, mark: Mark) -> None:
        """Wait for the verdict on the call of a task, then make it."""
        try:
            while task.call.state == WAITING:
                await self._pause(self._poll_seconds)
                try:
                    task.call = await self._desk.look(task.call.id)
                except AndonUnreachable as error:
                    self._note(str(error))
            if task.call.state != ALLOWED:
                self._tasks.complete(task, tool_error(why_not(task.call), task.call))
                return
            answer = await self._make_for(task, message, mark)
        except AndonError as refused:
            self._tasks.complete(task, tool_error(not_decided(refused), task.call))
            return
        except Exception as bug:  # noqa: BLE001 - the edge: an unforeseen error must not let a call through
            self._note(f"A task failed in the guard: {type(bug).__name__}")
            self._tasks.complete(task, tool_error("The guard failed; the call was not completed.", task.call))
            return
        if answer is None:
            self._tasks.complete(task, tool_error("The call was given up; its outcome is not known.", task.call))
        elif isinstance(answer.get("error"), dict):
            self._tasks.fail(task, answer["error"])
        elif not isinstance(answer.get("result"), dict) or asks_for_input(answer) is not None:
            self._tasks.complete(task, tool_error("The server did not answer with a result of the tool.", task.call))
        else:
            self._tasks.complete(task, answer["result"])

    async def _make_for(self, task: GuardTask, message: Message, mark: Mark) -> Message | None:
        identifier = f"andon-task-{task.call.id}"
        opened = self._open[key_of(identifier)] = CallUnderWay(
            asyncio.get_running_loop().create_future(), CallStage.BEGINNING
        )
        task.begun = True
        try:
            return await self._make(unattended(message, identifier), task.call, opened, mark)
        finally:
            del self._open[key_of(identifier)]

    async def _cancel(self, message: Message) -> None:
        key = key_of(message.get("params", {}).get("requestId"))
        opened = self._open.get(key)
        if opened is None:
            await self.server.send(message)
            return
        opened.cancelled = True
        if opened.stage is CallStage.DECIDING and opened.work is not None:
            opened.work.cancel()
            self._close(key, opened)
        elif opened.stage is CallStage.FORWARDED:
            await self.server.send(message)
            if not opened.answer.done():
                opened.answer.set_result(None)

    def _declare(self, message: Message) -> None:
        """Add the Tasks extension to the declared capabilities of a server of the stateless protocol."""
        found = message.get("result")
        if not isinstance(found, dict):
            return
        capabilities = found.setdefault("capabilities", {})
        extensions = capabilities.setdefault("extensions", {}) if isinstance(capabilities, dict) else None
        if isinstance(extensions, dict):
            self._server_has_tasks = TASKS in extensions
            extensions.setdefault(TASKS, {})

    def _is_own_task(self, message: Message) -> bool:
        """Return whether a request is about a task of this guard or of an earlier one."""
        task_id = message.get("params", {}).get("taskId")
        if isinstance(task_id, str) and task_id in self._tasks:
            return True
        return not self._server_has_tasks and speaks_tasks(meta_of(message))

    def _agent_of(self, message: Message) -> str:
        found = self._agent or name_in(meta_of(message).get(CLIENT_INFO)) or self._client_name
        return found or "mcp"
