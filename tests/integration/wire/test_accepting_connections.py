"""Who comes with many others at once is let in soon, also while the gateway is at work."""

import asyncio
import socket
from contextlib import ExitStack

import uvloop

from andon.wire import HttpServer
from wiring import Echo

CALLERS = 320


def test_callers_that_come_at_once_are_let_in_within_a_few_turns_of_the_loop() -> None:
    async def run(door: socket.socket) -> int:
        server = HttpServer(Echo(), host="127.0.0.1", port=0, ending=lambda: None)
        serving = asyncio.create_task(server.serve(sockets=[door]))
        while not server.started:
            await asyncio.sleep(0.01)
        turns = 0
        with ExitStack() as stack:
            for _ in range(CALLERS):
                stack.enter_context(socket.create_connection(door.getsockname()))
            while len(server.server_state.connections) < CALLERS:
                await asyncio.sleep(0)
                turns += 1
        server.should_exit = True
        await serving
        return turns

    with socket.create_server(("127.0.0.1", 0), backlog=CALLERS) as door:
        assert uvloop.run(asyncio.wait_for(run(door), 20)) < CALLERS / 5
