"""The story of the drift: fraud changes its pattern, the line notices, asks people, and is automatic again.

`acts.py` tells it.
"""
