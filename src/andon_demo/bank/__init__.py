"""The bank of the stories: its traffic, its people, and the calls by which a story looks at its line."""
