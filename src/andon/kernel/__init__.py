"""The base of every slice: errors, ids, time, settings, transactions, events, the outbox."""
