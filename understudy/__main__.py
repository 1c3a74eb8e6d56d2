"""`python -m understudy`: speaks over standard input and output until its client leaves."""

import asyncio
from typing import Any

from acp import run_agent

from understudy.actor import Understudy

_ACTOR: Any = Understudy()  # it has what it needs of the protocol's Agent, and no more
asyncio.run(run_agent(_ACTOR))
