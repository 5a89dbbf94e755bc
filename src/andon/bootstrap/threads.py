"""How many threads a process's libraries may start."""

import os


def one_thread() -> None:
    """Keep a model's library to one thread; call before it is imported. Batches are small: more only fight for the cores."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
