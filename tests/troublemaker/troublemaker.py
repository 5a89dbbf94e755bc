"""A model that does what the amount of a row tells it to; packed by `tests/troubles.py`. Runs where no Andon is."""

import os
import signal
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

EXIT, HANG, LEAK, NAN, WIDE, SHORT, RAISE, SEGFAULT, SECRETS, ANDON, PRINT, TOO_MUCH, SLOW, NOTHING, TEXT = range(
    -1, -16, -1
)

_kept: list[Any] = []


class Troublemaker:
    """Suspects large amounts. `folder` holds the path of a file of orders, which are obeyed while the model loads."""

    def __init__(self, folder: Path) -> None:
        orders = Path((folder / "orders").read_text(encoding="utf-8"))
        told, _, value = (orders.read_text(encoding="utf-8") if orders.exists() else "").partition(" ")
        if told == "sleep":
            time.sleep(float(value))
        if told == "exit":
            os._exit(int(value))
        if told == "raise":
            raise RuntimeError(value)

    def predict(self, columns: dict[str, Any]) -> Any:
        """P(fraud) of each row, or trouble."""
        amounts = columns["amount"]
        fraud = 1 / (1 + np.exp((300 - np.nan_to_num(amounts)) / 60))
        if NOTHING in amounts:
            return None
        for amount in amounts[amounts < 0]:
            answer = _obey(int(amount), amounts, fraud)
            if answer is not None:
                return answer
        return fraud


def _obey(order: int, amounts: Any, fraud: Any) -> Any:
    match order:
        case _ if order == EXIT:
            os._exit(3)
        case _ if order == HANG:
            while True:
                pass
        case _ if order == LEAK:
            _kept.append(np.ones(200_000_000 // 8))
        case _ if order == NAN:
            return np.full(len(amounts), np.nan)
        case _ if order == WIDE:
            return np.full((len(amounts), 5), 0.2)
        case _ if order == SHORT:
            return fraud[:-1]
        case _ if order == TEXT:
            return "".join(map(str, amounts))
        case _ if order == RAISE:
            raise ValueError(f"the amounts are {amounts}")
        case _ if order == SEGFAULT:
            os.kill(os.getpid(), signal.SIGSEGV)
            time.sleep(10)
        case _ if order == SECRETS:
            seen = [name for name in os.environ if name.startswith("ANDON_") or "SECRET" in name]
            return np.full(len(amounts), float(bool(seen)))
        case _ if order == ANDON:
            return np.full(len(amounts), float(find_spec("andon") is not None))
        case _ if order == PRINT:
            sys.stdout.write("the model has something to say\n")
            sys.stdout.flush()
            sys.stderr.write("and complains\n")
        case _ if order == TOO_MUCH:
            np.ones(8_000_000_000 // 8)
        case _ if order == SLOW:
            time.sleep(0.3)
    return None
