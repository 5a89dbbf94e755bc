"""The number of threads that a process's libraries may start."""

import os


def one_thread() -> None:
    """Limit a model's library to one thread; call before it is imported.

    Batches are small: more threads only contend.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
