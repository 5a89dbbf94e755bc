"""Connectors: code that reaches external systems and implements `andon.actions.ports`, one deletable folder each.

A folder provides a `KIND` and is discovered by its presence (`bootstrap/connecting.py`). `contract.py` is the contract
of all connectors.
"""
