"""The reason that whoever steps in has to give: it stands in the audit log, and people read it there."""

import unicodedata

LONGEST = 2000
"""Characters."""


def fault_of(reason: str) -> str | None:
    """What is wrong with a reason that is not empty, in words; None if nothing is."""
    if len(reason) > LONGEST:
        return f"A reason has at most {LONGEST} characters; this one has {len(reason)}"
    if any(unicodedata.category(letter) in ("Cc", "Cs") and not letter.isspace() for letter in reason):
        return "A reason is text: this one holds a control character, or half of one"
    return None
