"""The contract of connectors, where the tests of Andon's own find it."""

from andon.connectors.contract import SECRET_TEXT, ConnectorContract, Stage, a_delivery

__all__ = ["SECRET_TEXT", "ConnectorContract", "Stage", "a_delivery"]
