"""Our ports on the libraries of others: one vendor a folder, an extra each. Deleting a folder and its line in bootstrap leaves no trace."""
