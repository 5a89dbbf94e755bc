"""Pictures of the console: one of each page there is, found by following links, at the width of a desk and of a telephone."""
