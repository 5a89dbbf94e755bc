"""Starts a procedure: the action of an outcome that takes several steps."""

from andon.actions.ports import Kind
from andon.connectors.procedure.connector import ProcedureConnector

KIND = Kind(
    summary="Starts a procedure of the project.",
    connect=lambda surroundings: ProcedureConnector(surroundings.procedures, surroundings.clock),
    needs_url=False,
)

__all__ = ["KIND", "ProcedureConnector"]
