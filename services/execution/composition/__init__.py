"""How the execution service is put together: its engine, and what starts executions by itself."""
