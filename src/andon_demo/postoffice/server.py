"""The IMAP server as a program: `python -m andon_demo.postoffice.server PORT USER PASSWORD` (pymap, in memory)."""

import asyncio
import sys
from argparse import Namespace
from contextlib import AsyncExitStack
from typing import Any

from pymap.backend.dict import DictBackend
from pymap.imap import IMAPService
from pysasl.hashing import BuiltinHash

ROUNDS = 1_000
"""Rounds of the password's hash: this password guards nothing, and each move of a mail logs in."""


async def serve(port: int, user: str, password: str) -> None:
    """Serve one mailbox on loopback until the process is ended."""
    given: dict[str, Any] = {"host": ["127.0.0.1"], "port": str(port), "demo_user": user, "demo_password": password}
    unused = dict.fromkeys(("cert", "key", "proxy_protocol", "inherited_sockets", "passlib_cfg"))
    wanted = Namespace(**given, **unused, tls=False, debug=False, demo_data=False)
    backend, config = await DictBackend.init(wanted, hash_context=BuiltinHash(rounds=ROUNDS))
    config.apply_context()
    async with AsyncExitStack() as stack:
        await IMAPService(backend, config).start(stack)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
