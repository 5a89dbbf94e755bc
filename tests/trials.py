"""The number of examples per property: fewer on another Python for tests that this one has passed."""

import os

EXAMPLES = int(os.environ.get("ANDON_TEST_EXAMPLES", "100"))
"""Of each property that does not say how many itself."""


def at_most(examples: int) -> int:
    """So many examples, unless fewer were asked for."""
    return min(examples, EXAMPLES) if "ANDON_TEST_EXAMPLES" in os.environ else examples
