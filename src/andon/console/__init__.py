"""The console: server-rendered pages in a process of their own, for the operator, the reviewer and the questioner.

One Python file and one template a page; no rule lives here. `security.py` and `dependencies.py` say who gets in.
"""

from andon.console.app import AssetsMissing, create_app
from andon.console.replay_page import replay_page

__all__ = ["AssetsMissing", "create_app", "replay_page"]
