"""The ledger: every change of every service, once, in order, with the bytes that prove it."""
