"""All cold SQL of streams, a file for each subject: how far they are, dead events, the inbox. Nothing here commits."""
