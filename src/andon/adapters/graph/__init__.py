"""A mail folder in Microsoft 365, by Microsoft Graph."""

from andon.adapters.graph.service import GraphFolder

__all__ = ["GraphFolder"]
