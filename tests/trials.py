"""The number of examples per property: a quarter each time, all of them in `script/test --all`."""

import os

EXAMPLES = int(os.environ.get("ANDON_TEST_EXAMPLES", "25"))
"""Of each property that does not say how many itself; `script/test --all` asks for a hundred."""


def at_most(examples: int) -> int:
    """So many examples where a hundred are asked for, and as small a part of them where fewer are."""
    return max(1, examples * EXAMPLES // 100)
