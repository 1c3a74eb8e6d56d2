"""Deployments that calls are made about."""

from cli.client import Client, Json

STEP: Json = {"key": "only", "data": {}, "inputs": {"n": "1"}}


async def active_agent(client: Client) -> str:
    """Return an agent that a deployment may run."""
    agent = await client.post("/v1/agents", {"name": "docs", "step": STEP})
    await client.post(f"/v1/agents/{agent['agentId']}:activate", {})
    return str(agent["agentId"])


async def deployment(client: Client, *, rolled: bool = False) -> str:
    """Return a deployment; with `rolled` one in which a second version is in force."""
    wanted = {"name": "docs", "agentId": await active_agent(client)}
    made = str((await client.post("/v1/deployments", wanted))["deploymentId"])
    if rolled:
        await client.post(f"/v1/deployments/{made}:deploy", {"versionId": await next_version(client)})
    return made


async def next_version(client: Client) -> str:
    """Return the next version of what the newest deployment runs."""
    (newest,) = (await client.get("/v1/deployments", pageSize=1))["deployments"]
    changed = await client.update(f"/v1/agents/{newest['agentId']}", {"description": "next"}, etag="*")
    await client.post(f"/v1/agents/{changed['agentId']}:activate", {})
    return str(changed["agentId"])
