"""How actions run: a port, what runs them today, and the reconciler that holds their rows to what their runs say."""
