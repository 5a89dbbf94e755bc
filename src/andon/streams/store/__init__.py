"""All cold SQL of streams, a file for each subject: progress, dead events, the inbox. Nothing here commits."""
