"""All cold SQL about decisions, in a file for each subject.

The subjects are reading the ledger, waiting requests, deployed versions and partitions. Nothing here commits.
`ledger.py` writes the ledger.
"""
