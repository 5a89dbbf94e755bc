"""All SQL about alerts, one file a noun. Takes and returns domain objects; never commits."""
