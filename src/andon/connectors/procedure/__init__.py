"""Starts a procedure: the action of an outcome that takes several steps."""

from andon.actions.ports import Kind
from andon.connectors.procedure.connector import ProcedureConnector

KIND = Kind(
    summary="A procedure of the project, which the action starts.",
    connect=lambda surroundings: ProcedureConnector(surroundings.procedures, surroundings.clock),
    needs_url=False,
)

__all__ = ["KIND", "ProcedureConnector"]
