"""Agents: the loop in which a language model calls tools until it has a result. It uses pydantic-ai's models.

The loop (`loop.py`) knows no database: it acts only through the acts that it receives, so that each is done once.
Importing this package does not import pydantic-ai; `loop.py`, `language_models.py` and `replaying.py` do.
"""

from andon.agents.domain import AgentStopped, Said, ToolEnd, Used, failure_of, refusal_of
from andon.agents.errors import LanguageModelInvalid, RequestTooDear
from andon.agents.ports import AgentActs, OpenModels

__all__ = [
    "AgentActs",
    "AgentStopped",
    "LanguageModelInvalid",
    "OpenModels",
    "RequestTooDear",
    "Said",
    "ToolEnd",
    "Used",
    "failure_of",
    "refusal_of",
]
