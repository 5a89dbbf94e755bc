"""The story of the mails: a bank's mailbox, the people who work with it, and the line that decides its mails."""
