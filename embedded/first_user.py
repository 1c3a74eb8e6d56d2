"""The first user of an installation, made once with the bootstrap token."""

import json
from dataclasses import asdict, dataclass

import httpx2

from embedded import keys, private_files
from embedded.errors import StartFailed
from embedded.layout import Layout

HANDLE = "owner"
TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Owner:
    """The first user and the key it acts with."""

    user_id: str
    account_id: str
    api_key: str


async def ensure(layout: Layout, gateway: str) -> Owner:
    """Return the first user, who is created at the first start.

    Raises:
        StartFailed: the installation refuses, with its reason.
    """
    if layout.owner.exists():
        return Owner(**json.loads(layout.owner.read_text()))
    token = keys.bootstrap_token_file(layout).read_text()
    async with httpx2.AsyncClient(base_url=gateway, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        answer = await client.post("/v1/users", json={"user": {"handle": HANDLE}, "bootstrapToken": token})
    if not answer.is_success:
        msg = f"The first user could not be created: {answer.text[:500]}"
        raise StartFailed(msg)
    created = answer.json()
    user_id = created["user"]["userId"]
    owner = Owner(user_id=user_id, account_id=user_id, api_key=created["secret"])
    private_files.write_json(layout.owner, asdict(owner))
    return owner
