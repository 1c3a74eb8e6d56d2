"""What is asked of coding agents, and what became of it: turns, and requests for permission.

Nothing here decides. The agent's runner does, and writes it into the session's log; `operations` notes it beside the
log, in the transaction that stores it, so that the record of changes has each prompt and each answer exactly once.
"""
