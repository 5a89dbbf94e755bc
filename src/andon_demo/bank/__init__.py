"""The bank of the stories: its traffic, its people, and a story's calls to its line."""
