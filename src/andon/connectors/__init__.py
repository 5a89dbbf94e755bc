"""The code that reaches outside systems, one deletable folder each; what it implements is `andon.actions.ports`.

A folder offers its `KIND`, and is found by being there (`bootstrap/connecting.py`). `contract.py` is what all of them keep.
"""
