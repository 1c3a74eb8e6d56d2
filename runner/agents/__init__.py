"""Coding agents in terminals: the client side of the Agent Client Protocol, version 1.

`agents` is the table of them, `agent` one conversation, a `wire` what it is spoken to by. What is asked of an agent, and what
it tells, goes into its terminal's log through a `journal`, in the form that `telling` gives it. What an agent asks of us is
done by `requests`: permissions by people, `files` beneath the workspace, `terminals` that are sessions of their own.
"""
