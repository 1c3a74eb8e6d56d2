"""Contexts and what is said in them, and chats."""

import asyncio
import json
from functools import partial
from typing import Any

import pytest
from stateroom.session.v1 import chat_pb2, context_pb2
from stateroom.session.v1 import chat_service_pb2 as chat_pb
from stateroom.session.v1 import context_service_pb2 as pb
from stateroom.session.v1 import message_service_pb2 as message_pb

from chassis import ids
from tests.support.refusals import refused
from tests.support.source import query
from tests.support.stage import Stage
from tests.support.talk import Talker
from tests.support.waiting import running, until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

STATES = context_pb2.Context.State


@pytest.fixture
def ada(stage: Stage) -> Talker:
    """Return somebody who has a room."""
    return Talker(stage)


async def _reason(call: Any) -> str:
    return (await refused(call)).reason


async def test_create_context_with_nothing_said_has_the_defaults(ada: Talker) -> None:
    """SETUP, the flow of the catalogue, and an empty config."""
    context = await ada.create()
    assert context == await ada.get(context.context_id)
    assert STATES.Name(context.state) == "SETUP"
    assert (context.flow.resistance, context.flow.friction, context.flow.direction) == ("none", "minimal", "natural")
    assert (context.user_id, context.etag) == (str(ada.user_id), '"1"')


async def test_create_context_repeated_makes_one(ada: Talker) -> None:
    """The same request id gives the same context."""
    request_id = str(ids.new())
    assert await ada.create(request_id) == await ada.create(request_id)
    assert len(await ada.stage.rows("contexts")) == 1


async def test_create_context_in_the_room_of_another_account_is_not_found(ada: Talker) -> None:
    """As in a room that nobody has."""
    stranger = Talker(ada.stage, account_id=ids.new())
    assert await _reason(stranger.create()) == "WORKSPACE_NOT_FOUND"
    assert await _reason(ada.create(workspace_id=str(ids.new()))) == "WORKSPACE_NOT_FOUND"
    assert not await ada.stage.rows("contexts")


async def test_context_goes_from_setup_to_active_to_completed_and_never_back(ada: Talker) -> None:
    """Every other step is refused with the state there is."""
    context = await ada.create()
    assert await _reason(ada.change("Complete", context.context_id)) == "CONTEXT_IN_WRONG_STATE"
    assert (await ada.change("Activate", context.context_id)).state == context_pb2.Context.ACTIVE
    assert (await ada.change("Complete", context.context_id)).state == context_pb2.Context.COMPLETED
    for verb in ("Activate", "Complete"):
        assert await _reason(ada.change(verb, context.context_id)) == "CONTEXT_IN_WRONG_STATE"
    assert await _reason(ada.change("Undelete", context.context_id)) == "CONTEXT_NOT_DELETED"


async def test_activate_context_twice_at_once_succeeds_once(ada: Talker) -> None:
    """The loser is told the state that the winner made."""
    context = await ada.create()
    calls = [ada.change("Activate", context.context_id) for _ in range(4)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(answer, context_pb2.Context) for answer in answers) == 1
    assert (await ada.get(context.context_id)).etag == '"2"'


async def test_update_context_sets_what_the_mask_names(ada: Talker) -> None:
    """Flow, config and metadata as wholes; the room never; only with the etag that was read."""
    context = await ada.create(metadata={"a": "1"})
    config = context_pb2.Context.Config(template="t", tooling=["npm"], features=["login"], customizations={"c": "d"})
    updated = await ada.update(context.context_id, config=config, etag=context.etag)
    assert (updated.config, dict(updated.metadata), updated.etag) == (config, {"a": "1"}, '"2"')
    assert await ada.update(context.context_id, config=config) == updated
    assert not (await ada.update(context.context_id, "metadata")).metadata
    assert await _reason(ada.update(context.context_id, etag="")) == "ETAG_REQUIRED"
    assert await _reason(ada.update(context.context_id, "metadata", etag=context.etag)) == "ETAG_MISMATCH"
    other = ada.update(context.context_id, workspace_id=str(ids.new()))
    assert (await refused(other)).fields == ("context.workspace_id",)


async def test_delete_context_hides_it_until_it_is_brought_back(ada: Talker) -> None:
    """Out of lists and of what is active; Get tells when and by whom; nothing is said in it."""
    context = await ada.active()
    deleted = await ada.change("Delete", context.context_id)
    assert deleted.deleted_by == str(ada.user_id)
    assert (deleted.purge_time.ToDatetime() - deleted.delete_time.ToDatetime()).days == 30
    assert await ada.get(context.context_id) == deleted
    assert not (await ada.open("ListContexts", pb.ListContextsRequest())).contexts
    assert (await ada.open("ListContexts", pb.ListContextsRequest(show_deleted=True))).contexts == [deleted]
    assert await _reason(ada.open("GetActiveContext", pb.GetActiveContextRequest())) == "NO_ACTIVE_CONTEXT"
    for call in (ada.say(context.context_id, "x"), ada.change("Delete", context.context_id)):
        assert await _reason(call) == "CONTEXT_NOT_FOUND"
    back = await ada.change("Undelete", context.context_id)
    assert (back.state, back.HasField("delete_time")) == (context_pb2.Context.ACTIVE, False)


async def test_context_whose_time_is_up_is_purged_with_what_was_said(ada: Talker) -> None:
    """Then it is as one that never was; one whose time is still to come stays."""
    context, later = await ada.create(), await ada.create()
    await ada.say(context.context_id, "gone")
    for each in (context, later):
        await ada.change("Delete", each.context_id)
    admin_url = ada.stage.installation.admin_url
    await query(admin_url, "UPDATE session.contexts SET purge_time = now() WHERE context_id = $1", context.context_id)
    await query(admin_url, "UPDATE session.contexts SET reconcile_time = now()")

    async def purged() -> bool:
        return len(await ada.stage.rows("contexts")) == 1

    await until(purged)
    assert not await ada.stage.rows("messages")
    assert await _reason(ada.get(context.context_id)) == "CONTEXT_NOT_FOUND"
    assert (await ada.get(later.context_id)).HasField("purge_time")


async def test_context_whose_workspace_is_deleted_says_so_once(ada: Talker) -> None:
    """As the server, to whoever follows; a completed one has nothing more to say, and archiving comes and goes."""
    context, done = await ada.active(), await ada.active()
    await ada.change("Complete", done.context_id)
    stage = ada.stage

    async def told(count: int) -> bool:
        return len(await stage.rows("messages")) >= count

    async with running(stage.workspace_service.relay.run):
        await stage.workspace.put_away(stage.workspace_service, "archived")
        event_id = await stage.workspace.put_away(stage.workspace_service, "deleted")
        await until(partial(told, 1))
        await stage.kill_service()
        await query(stage.installation.admin_url, "UPDATE session.cursors SET position = 0")  # it is told once more
        await stage.start_service()
        await stage.workspace.put_away(stage.workspace_service, "deleted")
        await until(partial(told, 2))
    said = await stage.rows("messages", "sequence, context_id, role, author_id, metadata")
    assert [(str(row["context_id"]), row["role"], row["author_id"]) for row in said] == [
        (context.context_id, "SYSTEM", None)
    ] * 2
    assert json.loads(said[0]["metadata"])["entities"] == [event_id]


async def test_get_active_context_is_the_callers_last_changed(ada: Talker) -> None:
    """Of all rooms or of one; what is said in another does not change it."""
    first, second = await ada.active(), await ada.active()
    await Talker(ada.stage).active()
    await ada.say(first.context_id, "hello")
    assert (await ada.open("GetActiveContext", pb.GetActiveContextRequest())).context_id == second.context_id
    await ada.update(first.context_id, metadata={"a": "b"})
    here = pb.GetActiveContextRequest(workspace_id=first.workspace_id)
    assert (await ada.open("GetActiveContext", here)).context_id == first.context_id
    elsewhere = pb.GetActiveContextRequest(workspace_id=str(ids.new()))
    assert await _reason(ada.open("GetActiveContext", elsewhere)) == "NO_ACTIVE_CONTEXT"


async def test_list_contexts_shows_the_callers_own_newest_first(ada: Talker) -> None:
    """By state and room, page by page."""
    first, second = await ada.create(), await ada.active()
    await Talker(ada.stage).create()
    page = await ada.open("ListContexts", pb.ListContextsRequest(page_size=1))
    assert [context.context_id for context in page.contexts] == [second.context_id]
    rest = await ada.open("ListContexts", pb.ListContextsRequest(page_token=page.next_page_token))
    assert [context.context_id for context in rest.contexts] == [first.context_id]
    active = await ada.open("ListContexts", pb.ListContextsRequest(state=context_pb2.Context.ACTIVE))
    assert [context.context_id for context in active.contexts] == [second.context_id]


async def test_get_full_context_gives_first_pages_whose_tokens_go_on(ada: Talker) -> None:
    """The tokens are those of the lists."""
    context = await ada.create()
    for content in ("one", "two"):
        await ada.say(context.context_id, content)
    full = await ada.open("GetFullContext", pb.GetFullContextRequest(context_id=context.context_id, page_size=1))
    assert (full.context, [said.content for said in full.messages], list(full.actions)) == (context, ["one"], [])
    more = message_pb.ListMessagesRequest(context_id=context.context_id, page_token=full.messages_page_token)
    assert [said.content for said in (await ada.open("ListMessages", more)).messages] == ["two"]
    assert not full.actions_page_token


async def test_create_message_by_a_person_is_that_of_a_user(ada: Talker) -> None:
    """The server sets who speaks, whatever is sent, and keeps what was made of it."""
    context = await ada.create()
    about = context_pb2.Message.Metadata(intent="greet", entities=["world"], confidence=0.0)
    wished = {"role": context_pb2.Message.SYSTEM, "author_id": str(ids.new()), "sequence": 9, "metadata": about}
    request_id = str(ids.new())
    said = await ada.say(context.context_id, "hello", request_id, **wished)
    assert (said.role, said.author_id, said.sequence) == (context_pb2.Message.USER, str(ada.user_id), 1)
    assert said.metadata == about
    assert await ada.say(context.context_id, "hello", request_id, **wished) == said
    assert len(await ada.stage.rows("messages")) == 1


async def test_create_message_leaves_what_is_said_out_of_change_events(ada: Talker) -> None:
    """The ledger knows that something was said, and by whom, not what."""
    context = await ada.create()
    await ada.say(context.context_id, "a-very-private-matter")
    kept = await ada.stage.rows("outbox", "payload") + await ada.stage.rows("changes", "payload")
    assert kept
    assert not [row for row in kept if b"a-very-private-matter" in row["payload"]]


async def test_messages_of_many_at_once_have_places_without_gap(ada: Talker) -> None:
    """Each gets its own, and the list is in their order."""
    context = await ada.create()
    await asyncio.gather(*(ada.say(context.context_id, str(number)) for number in range(12)))
    listed = await ada.open("ListMessages", message_pb.ListMessagesRequest(context_id=context.context_id))
    assert [said.sequence for said in listed.messages] == list(range(1, 13))


async def test_stream_messages_goes_on_from_a_sequence_at_any_replica(ada: Talker, other: Stage) -> None:
    """What was said, then what is said, wherever it was, until the context is completed."""
    context = await ada.active()
    for content in ("one", "two"):
        await ada.say(context.context_id, content)
    there = Talker(other, ada.user_id)
    request = message_pb.StreamMessagesRequest(context_id=context.context_id, after_sequence=1)
    stream = there.open("StreamMessages", request, wait_for_ready=True)
    assert (await stream.read()).content == "two"
    await ada.say(context.context_id, "three")
    assert (await stream.read()).content == "three"
    await ada.change("Complete", context.context_id)
    assert not await stream.read()
    assert await _reason(ada.say(context.context_id, "late")) == "CONTEXT_IN_WRONG_STATE"


async def test_stream_messages_of_an_unknown_context_is_refused(ada: Talker) -> None:
    """Before anything is sent."""
    request = message_pb.StreamMessagesRequest(context_id=str(ids.new()))
    assert await _reason(ada.open("StreamMessages", request).read()) == "CONTEXT_NOT_FOUND"


async def test_chat_counts_what_each_participant_has_not_read(ada: Talker) -> None:
    """Who posts has read it; who is brought in later has read all before; markers never go back."""
    bob, eve = Talker(ada.stage), Talker(ada.stage)
    chat = await ada.chat(bob)
    assert (chat.is_private, chat.open_to_anyone_with_invite, chat.creator_id) == (False, False, str(ada.user_id))
    for content in ("one", "two"):
        await ada.post(chat.chat_id, content)
    await ada.add(chat.chat_id, eve)
    await ada.post(chat.chat_id, "three")
    assert [await each.unread() for each in (ada, bob, eve)] == [{chat.chat_id: count} for count in (0, 3, 1)]
    for sequence, left in ((2, 1), (1, 1), (99, 0)):
        await bob.open("MarkChatRead", chat_pb.MarkChatReadRequest(chat_id=chat.chat_id, sequence=sequence))
        assert await bob.unread() == {chat.chat_id: left}


async def test_chat_that_is_private_is_not_found_by_others(ada: Talker) -> None:
    """One that is not can be read and joined by anybody of the account, and by nobody of another."""
    bob, stranger = Talker(ada.stage), Talker(ada.stage, account_id=ids.new())
    private, public = await ada.chat(is_private=True), await ada.chat()
    listed = chat_pb.ListChatMessagesRequest
    for chat, reader in ((private, bob), (public, stranger)):
        for call in (
            reader.open("GetChat", chat_pb.GetChatRequest(chat_id=chat.chat_id)),
            reader.open("ListChatMessages", listed(chat_id=chat.chat_id)),
            reader.open("ListParticipants", chat_pb.ListParticipantsRequest(chat_id=chat.chat_id)),
            reader.post(chat.chat_id, "x"),
            reader.add(chat.chat_id, reader),
            reader.remove(chat.chat_id, ada),
        ):
            assert await _reason(call) == "CHAT_NOT_FOUND"
    assert not (await bob.open("ListChatMessages", listed(chat_id=public.chat_id))).chat_messages
    assert await _reason(bob.post(public.chat_id, "x")) == "NOT_PARTICIPANT"
    await bob.add(public.chat_id, bob)
    assert (await bob.post(public.chat_id, "x")).author_id == str(bob.user_id)


async def test_chat_lets_participants_bring_others_in_where_it_is_open_to_them(ada: Talker) -> None:
    """Otherwise its creator alone; who is in it may leave, and its creator may take others out."""
    bob, eve = Talker(ada.stage), Talker(ada.stage)
    chat = await ada.chat(bob, is_private=True)
    assert await _reason(bob.add(chat.chat_id, eve)) == "NOT_THE_CREATOR"
    change = chat_pb.UpdateChatRequest(chat_id=chat.chat_id, chat=chat_pb2.Chat(open_to_anyone_with_invite=True))
    assert await _reason(ada.open("UpdateChat", change)) == "ETAG_REQUIRED"
    change.etag = chat.etag
    assert await _reason(bob.open("UpdateChat", change)) == "NOT_THE_CREATOR"
    updated = await ada.open("UpdateChat", change)
    assert (updated.is_private, updated.open_to_anyone_with_invite, updated.etag) == (True, True, '"2"')
    assert await bob.add(chat.chat_id, eve) == await ada.add(chat.chat_id, eve)
    assert await _reason(eve.remove(chat.chat_id, bob)) == "NOT_THE_CREATOR"
    request_id = str(ids.new())
    assert await ada.remove(chat.chat_id, bob, request_id) == await ada.remove(chat.chat_id, bob, request_id)
    assert await _reason(ada.remove(chat.chat_id, bob)) == "PARTICIPANT_NOT_FOUND"
    await eve.remove(chat.chat_id, eve)
    page = await ada.open("ListParticipants", chat_pb.ListParticipantsRequest(chat_id=chat.chat_id))
    assert [each.user_id for each in page.participants] == [str(ada.user_id)]


async def test_chat_messages_of_many_at_once_are_streamed_in_order_until_one_is_removed(ada: Talker) -> None:
    """Places have no gap, wherever one goes on from."""
    bob = Talker(ada.stage)
    chat = await ada.chat(bob, is_private=True)
    await asyncio.gather(*(each.post(chat.chat_id, str(number)) for number in range(5) for each in (ada, bob)))
    stream = bob.open("StreamChatMessages", chat_pb.StreamChatMessagesRequest(chat_id=chat.chat_id, after_sequence=3))
    assert [(await stream.read()).sequence for _ in range(7)] == list(range(4, 11))
    await ada.post(chat.chat_id, "live")
    assert (await stream.read()).content == "live"
    await ada.remove(chat.chat_id, bob)
    assert await _reason(stream.read()) == "CHAT_NOT_FOUND"


async def test_create_chat_repeated_makes_one(ada: Talker) -> None:
    """With its participants; lists have pages."""
    request_id, bob = str(ids.new()), Talker(ada.stage)
    assert await ada.chat(bob, request_id=request_id) == await ada.chat(bob, request_id=request_id)
    assert len(await ada.stage.rows("chat_participants")) == 2
    second = await ada.chat()
    page = await ada.open("ListChats", chat_pb.ListChatsRequest(page_size=1))
    assert [chat.chat_id for chat in page.chats] == [second.chat_id]
    rest = await ada.open("ListChats", chat_pb.ListChatsRequest(page_token=page.next_page_token))
    assert len(rest.chats) == 1
