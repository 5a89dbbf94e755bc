"""All cold SQL about decisions, a file for each subject: reading the ledger, waiting requests, deployed versions, partitions.

Nothing here commits. What writes the ledger is `ledger.py`.
"""
