"""The story of the drift: the fraud pattern changes, the line notices, asks people, and is automatic again.

`acts.py` has its acts.
"""
