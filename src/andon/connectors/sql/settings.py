"""The options of an action's statement, and `[destinations.NAME.sql]` of the database."""

import re

from pydantic import Field, field_validator

from andon.actions import Text
from andon.actions.ports import Shape

_TABLE = re.compile(r"^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$")


class SqlOptions(Shape):
    """One statement."""

    statement: Text = Field(
        min_length=1,
        description="SQL; values in braces become its parameters, e.g. `UPDATE accounts SET paused = true WHERE id = "
        "{input.account_id}`. No quotes around them.",
    )


class SqlSettings(Shape):
    """The table in which keys are kept."""

    keys_table: str = Field(
        "andon_deliveries", description="Table of the keys that were taken; created at first use if it does not exist."
    )

    @field_validator("keys_table")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not _TABLE.match(name):
            raise ValueError("expected a table's name in lower case, with a schema or without")
        return name
