"""Work in a forked child: its memory is freed when it ends, and the supervisor stays small."""

import importlib
import multiprocessing
from multiprocessing.connection import Connection
from typing import Any


class ChildDied(RuntimeError):
    """The child ended without an answer."""


def call_aside(module: str, function: str, *arguments: Any) -> Any:
    """Return or raise what `module.function(*arguments)` does, imported and run in a child.

    For a process with one thread.
    """
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=_answer, args=(sending, module, function, arguments))
    child.start()
    sending.close()
    try:
        result, error = receiving.recv()
    except EOFError as lost:
        raise ChildDied(f"{module}.{function} ended without an answer") from lost
    finally:
        child.join()
        receiving.close()
    if error is not None:
        raise error
    return result


def _answer(sending: Connection, module: str, function: str, arguments: tuple[Any, ...]) -> None:
    try:
        result = getattr(importlib.import_module(module), function)(*arguments)
    except Exception as error:  # noqa: BLE001 - the edge between child and parent, where it is raised again
        sending.send((None, error))
    else:
        sending.send((result, None))
