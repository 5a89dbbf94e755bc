"""The rows for which audit entries of this slice vouch."""

from andon.audit import RowKind

DISABLED = RowKind("disabled_destination", "disabled_destinations", {"name": "text"}, ("t.disabled_at", "t.reason"))
