"""Programs of ours that run inside the sandbox, as anything of the room does: with the standard library alone.

Only this folder is shown there. A program reads its order on standard input, prints for people, and at last a report.
"""
