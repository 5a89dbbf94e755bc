"""Implementations of our ports with libraries of vendors: one folder and one extra for each.

Deleting a folder and its line in bootstrap leaves no trace.
"""
