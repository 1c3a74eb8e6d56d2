"""Conversations with a real agent, over the real protocol, in the sandbox of a room."""

from stateroom.agent.v1 import agent_event_pb2 as pb

from chassis import ids
from runner.agents.agents import Agents
from tests.support.agent_rooms import PERSON, Conversation


async def test_prompt_always_is_answered_in_pieces_and_ends(agents: Agents) -> None:
    """Everything that happens is in the log, in its order."""
    talk = await Conversation.open(agents)
    turn_id = str(ids.new())
    talk.prompt("say Hello.\nthink Hm.\nplan", turn_id)
    (ended,) = await talk.until("turn_end")
    assert ended.turn_end == pb.TurnEnd(turn_id=turn_id, reason="end_turn")
    kinds = [str(event.WhichOneof("event")) for event in talk.events]
    assert sorted(kinds[:2]) == ["prompt", "ready"]  # a prompt waits for the agent
    assert kinds[2:] == ["message", "thought", "plan", "usage", "turn_end"]
    assert talk.said == "Hello."
    assert talk.of("prompt")[0].author == PERSON
