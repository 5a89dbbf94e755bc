"""Pictures of the console: one of each page that links lead to, at the width of a desktop and of a phone."""
