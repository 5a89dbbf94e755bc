"""Settings that a plan manages, one module per kind; `gathering.py` makes them from a configuration."""

from andon.plans.settings.gathering import settings_of

__all__ = ["settings_of"]
