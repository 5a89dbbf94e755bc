"""The bank's card system of 2003: pages in frames, no API, and the traps of such systems for robots.

Sessions expire, pages are slow, errors occur at random, and submitting a form twice blocks a card twice.
`python -m andon_demo.legacy` runs it alone.
"""

from andon_demo.legacy.bank import Block, LegacyBank, Quirks
from andon_demo.legacy.server import LegacyServer

__all__ = ["Block", "LegacyBank", "LegacyServer", "Quirks"]
