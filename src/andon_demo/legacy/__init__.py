"""The bank's card system of 2003: pages in frames, no API, and the traps that robots meet in such systems.

Sessions expire, pages are slow, errors come at random, and whoever submits a form twice has blocked a card twice.
`python -m andon_demo.legacy` runs it by itself.
"""

from andon_demo.legacy.bank import Block, LegacyBank, Quirks
from andon_demo.legacy.server import LegacyServer

__all__ = ["Block", "LegacyBank", "LegacyServer", "Quirks"]
