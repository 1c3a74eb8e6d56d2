"""The tour's coding agent: two devices answer its question at once, and exactly one of them counts."""

import asyncio

from cli.client import Client, Json
from cli.errors import Refused
from embedded.demo.checks import check

PROMPT = "edit NOTES.md Seen by an agent.\nrun git status --short"


async def rehearse(client: Client, workspace: Json) -> str:
    """Have the understudy edit a file and run a command; return what came of it, in one sentence.

    Raises:
        CheckFailed: a claim does not hold.
    """
    wanted = {"workspaceId": workspace["workspaceId"], "kind": "AGENT", "agent": {"preset": "understudy"}}
    session = await client.post("/v1/sessions", wanted)
    path, questions, refusals, events = f"/v1/sessions/{session['sessionId']}", 0, 0, 0
    turn = await client.post(f"{path}:prompt", {"text": PROMPT})
    async for message in client.stream(f"{path}/agentEvents"):
        events += 1
        check("no event is missing or doubled", holds=int(message["sequence"]) == events)
        if "permissionRequest" in message["event"]:
            questions += 1
            asked = f"{path}/permissions/{message['event']['permissionRequest']['permissionId']}:answer"
            answers = [client.post(asked, {"optionId": "allow"}) for _ in ("device A", "device B")]
            refusals += sum(isinstance(one, Refused) for one in await asyncio.gather(*answers, return_exceptions=True))
        if message["event"].get("turnEnd", {}).get("turnId") == turn["turnId"]:
            break
    check("it asked before it edited and before it ran a command", holds=questions == len(PROMPT.splitlines()))
    check("each question took exactly one of two answers", holds=refusals == questions)
    await client.post(f"{path}:terminate", {})
    return f"{events} events in one log; {questions} questions, each answered by two devices at once: one counted"
