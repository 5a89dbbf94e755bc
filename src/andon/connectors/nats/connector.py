"""Publishing on a subject: one message per delivery, with the key as `Nats-Msg-Id`, so that the stream drops repeats.

A message counts as delivered once a stream acknowledges it. Until a message is sent, the server certainly has nothing.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from nats.aio.client import Client
from nats.errors import ConnectionClosedError, Error, MaxPayloadError, NoServersError, OutboundBufferLimitError
from nats.js.errors import APIError, NoStreamResponseError

from andon.actions.cloudevents import MEDIA_TYPE, attributes_of, data_of
from andon.actions.ports import Answer, AnswerKind, Delivery, Repeat
from andon.connectors.nats.settings import NatsOptions, NatsSettings

_TROUBLE = (Error, OSError, TimeoutError, RuntimeError)
"""The client's errors when the server is away. RuntimeError is uvloop's, for a connection closed a moment before."""

_NOT_SENT = (ConnectionClosedError, NoServersError, OutboundBufferLimitError)

_COME_BACK = 500
"""The server's codes from this one on are temporary."""


class NatsConnector:
    """Publishes to JetStream. `clients` holds the options of the client by the name of the connection."""

    repeat = Repeat.IDEMPOTENT

    def __init__(self, clients: Mapping[str, Any]) -> None:
        self._clients = clients
        self._open: dict[str, Client] = {}
        self._connecting = asyncio.Lock()

    async def deliver(self, delivery: Delivery) -> Answer:
        """Publish once."""
        options = NatsOptions.model_validate(dict(delivery.options))
        name = delivery.destination.settings_of("nats", NatsSettings).connection
        seconds = delivery.destination.timeout.total_seconds()
        if name not in self._clients:
            return Answer(AnswerKind.REFUSED, f"there is no [connections.{name}] in andon.toml")
        try:
            async with asyncio.timeout(seconds):
                client = await self._connected(name)
        except _TROUBLE as error:
            return Answer(AnswerKind.FAILED, f"could not be sent ({_words(error)})")
        return await _publish(client, options.subject, delivery, seconds)

    async def close(self) -> None:
        """Close the connections to the servers."""
        clients, self._open = self._open, {}
        for client in clients.values():
            await client.close()

    async def _connected(self, name: str) -> Client:
        async with self._connecting:
            client = self._open.get(name)
            if client is None or not client.is_connected:
                if client is not None:
                    await client.close()
                client = self._open[name] = Client()
                await client.connect(
                    **self._clients[name], name="andon", connect_timeout=2, allow_reconnect=False, error_cb=_unheard
                )
            return client


async def _publish(client: Client, subject: str, delivery: Delivery, seconds: float) -> Answer:
    headers = {
        "Nats-Msg-Id": str(delivery.key),
        "content-type": MEDIA_TYPE,
        **{f"ce-{name}": value for name, value in attributes_of(delivery).items()},
    }
    try:
        taken = await client.jetstream().publish(subject, data_of(delivery), timeout=seconds, headers=headers)
    except NoStreamResponseError:
        return Answer(AnswerKind.REFUSED, f"no stream takes subject {subject}")
    except MaxPayloadError:
        return Answer(AnswerKind.REFUSED, "refused (larger than the server takes)")
    except APIError as error:
        kind = AnswerKind.FAILED if (error.code or 0) >= _COME_BACK else AnswerKind.REFUSED
        return Answer(kind, f"refused ({error.description})", error.code)
    except _NOT_SENT as error:
        return Answer(AnswerKind.FAILED, f"could not be sent ({_words(error)})")
    except (*_TROUBLE, asyncio.CancelledError) as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        with suppress(*_TROUBLE):
            await client.close()  # the next delivery begins with a new connection
        said = f"timeout after {seconds:g} s" if isinstance(error, TimeoutError) else _words(error)
        return Answer(AnswerKind.UNKNOWN, f"sent, but no answer came ({said})")
    return Answer(AnswerKind.DELIVERED, f"stream {taken.stream}, sequence {taken.seq}")


async def _unheard(error: Exception) -> None:
    """Ignore a client error, which the answer reports."""
    del error


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
