"""People, keys, and the exchange of credentials for tokens."""
