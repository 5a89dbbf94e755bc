"""The code that reaches outside systems, one deletable folder each, which implements `andon.actions.ports`.

A folder offers its `KIND`, and is found by its presence (`bootstrap/connecting.py`). `contract.py` is the contract of
all.
"""
