"""`python -m understudy`: speaks over standard input and output until its client leaves."""

import asyncio

from acp import run_agent

from understudy.actor import Understudy

asyncio.run(run_agent(Understudy()))
