"""All SQL about alerts, one file per noun. Takes and returns domain objects; never commits."""
