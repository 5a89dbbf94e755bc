"""The console: server-rendered pages in a process of their own, for operators, reviewers and callers with questions.

Each page has one Python file and one template; no rule lives here. `security.py` and `dependencies.py` control access.
"""

from andon.console.app import AssetsMissing, create_app
from andon.console.replay_page import replay_page

__all__ = ["AssetsMissing", "create_app", "replay_page"]
