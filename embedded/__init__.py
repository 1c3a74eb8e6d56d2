"""The embedded default: everything Stateroom needs, run by one supervisor on one machine."""
