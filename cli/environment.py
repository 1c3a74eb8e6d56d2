"""The person's environment: where to connect to, and how to print."""

import os
from collections.abc import Mapping


def read() -> Mapping[str, str]:
    """Return all variables.

    STATEROOM_URL, STATEROOM_API_KEY, STATEROOM_DATA, XDG_CONFIG_HOME, HOME and NO_COLOR mean something;
    STATEROOM_ACCOUNT is read with the option `--account`, and KUBECONFIG by the doctor.
    """
    return os.environ  # noqa: TID251  # a person's environment, not a service's settings
