"""Statistics: pure functions on arrays and counts. They know nothing of Andon; import their modules directly."""
