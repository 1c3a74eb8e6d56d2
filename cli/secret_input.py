"""How the command line is given a secret: asked for, or from standard input, never as an argument."""

import sys

import typer


def read() -> bytes:
    """Ask for a secret, or read it from standard input without its last newline."""
    if sys.stdin.isatty():
        return str(typer.prompt("Secret", hide_input=True)).encode()
    return sys.stdin.buffer.read().removesuffix(b"\n")
