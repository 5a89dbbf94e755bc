"""Our ports on the libraries of vendors: one folder and one extra for each.

Deleting a folder and its line in bootstrap leaves no trace.
"""
