"""Tests that share what they start are run by one worker, so that it is started once; all others by whoever is free."""

import re

from typing_extensions import override
from xdist.scheduler import LoadScopeScheduling

_INSTALLATIONS = (
    re.compile(r"tests/e2e/test_(openapi|reference)[.]py"),
    re.compile(
        r"tests/e2e/test_(?!demo|extending|openapi|reference|traces)"
        r"|tests/fault/test_(changes|output|runner|slow_devices)[.]py"
    ),
)
"""Two, so that two workers divide what takes longest."""
_ONE_FOR_EACH_MODULE = re.compile(
    r"tests/contract/test_|tests/integration/audit/test_reading|tests/fault/test_(runner_places|supervisor|unsaved_work)"
    r"|tests/integration/(session|execution)/"
    r"|tests/integration/runner/test_forward"
    r"|tests/integration/workspace/test_(?!drain|one_runner|restarts)"
)


class Together(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Deals out whole groups, the largest first, then single tests."""

    @override
    def _split_scope(self, nodeid: str) -> str:
        for number, shared in enumerate(_INSTALLATIONS):
            if shared.match(nodeid):
                return f"installation {number}"
        if _ONE_FOR_EACH_MODULE.match(nodeid):
            return nodeid.partition("::")[0]
        return nodeid
