"""What every slice may use and no slice may change: errors, ids, time, settings, transactions, events, the outbox."""
