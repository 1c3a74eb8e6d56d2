"""Coding agents in terminals: the client side of the Agent Client Protocol, version 1.

`agents` is the table of them, `agent` one conversation in its `state`, `opening` the way to it, a `wire` what it is
spoken to by. What is asked of an agent, and what it tells, goes into its terminal's log through a `journal`, in the
form that `telling` gives it. What it asks of us is done by `requests`: `files` in the workspace, and `terminals` that
are sessions of their own. What it asks of people are `questions`, which wait for an answer.
"""
