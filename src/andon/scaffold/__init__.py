"""Scaffold: writes a new project, from a data file or from an example. Only the command line uses it.

Start reading at `projects.py`; what is learnt from a file is in `planning.py`.
"""

from andon.scaffold.connectors import new_connector
from andon.scaffold.domain import Column, ColumnKind, Plan, Target
from andon.scaffold.errors import (
    ConnectorExists,
    ConnectorNameInvalid,
    DataUnusable,
    FolderOccupied,
    FolderUnwritable,
    NameInvalid,
)
from andon.scaffold.planning import Options
from andon.scaffold.projects import EXAMPLE, EXAMPLES, from_data, from_template
from andon.scaffold.quantities import Classing

__all__ = [
    "EXAMPLE",
    "EXAMPLES",
    "Classing",
    "Column",
    "ColumnKind",
    "ConnectorExists",
    "ConnectorNameInvalid",
    "DataUnusable",
    "FolderOccupied",
    "FolderUnwritable",
    "NameInvalid",
    "Options",
    "Plan",
    "Target",
    "from_data",
    "from_template",
    "new_connector",
]
