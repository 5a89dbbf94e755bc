"""Pictures of the console: one of each page that links lead to, at the width of a desk and of a telephone."""
