"""Sessions in which nothing works are ended, after a warning, as the account's policy says."""
