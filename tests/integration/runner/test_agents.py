"""Conversations with a real agent, over the real protocol, in the sandbox of a room."""

import asyncio
from pathlib import Path

import pytest
from stateroom.agent.v1 import agent_event_pb2 as pb

from chassis import ids
from runner import terminals
from runner.agents.agents import Agents
from runner.errors import TerminalEnded
from runner.record import RecordType, exit_of
from runner.sandbox import Sandbox
from tests.support.agent_rooms import PERSON, Conversation
from tests.support.raw_agents import SILENT, raw_agent
from tests.support.runner_rooms import Follower
from tests.support.waiting import PATIENCE


async def test_prompt_always_is_answered_in_pieces_and_ends(agents: Agents, room_folder: Path) -> None:
    """Everything is in the log in its order: text, thoughts, plans, files, a diff, a question, a terminal."""
    (room_folder / "files" / "notes.txt").write_text("one\ntwo\n")
    talk = await Conversation.open(agents)
    turn_id = str(ids.new())
    talk.prompt("say Hello.\nthink Hm.\nplan\nread notes.txt\nedit notes.txt three\nrun cat notes.txt", turn_id)
    for number in (1, 2):
        asked = (await talk.until("permission_request", number))[-1].permission_request
        assert asked.turn_id == turn_id
        talk.agent.questions.answer(
            pb.PermissionAnswer(permission_id=asked.permission_id, option_id="allow"), PERSON, ""
        )
    (ended,) = await talk.until("turn_end")
    assert ended.turn_end == pb.TurnEnd(turn_id=turn_id, reason="end_turn")
    kinds = [str(event.WhichOneof("event")) for event in talk.events]
    assert sorted(kinds[:2]) == ["prompt", "ready"]  # a prompt waits for the agent
    assert kinds[2:8] == ["message", "thought", "plan", "tool_call", "file", "tool_call"]
    (diff,) = [part.diff for event in talk.of("tool_call") for part in event.tool_call.content if part.HasField("diff")]
    assert (diff.path, diff.line, diff.old_text, diff.new_text) == ("notes.txt", 3, "", "three\n")
    assert (room_folder / "files" / "notes.txt").read_text() == "one\ntwo\nthree\n"
    assert "`cat notes.txt` ended with 0 after 14 characters." in talk.said
    assert talk.of("prompt")[0].author == PERSON


async def test_file_outside_of_the_workspace_is_refused_to_an_agent(agents: Agents, room_folder: Path) -> None:
    """Nor is git's own to be written; neither by `..` nor through a link; the log says what was tried."""
    (room_folder / "files" / "out").symlink_to("/etc")
    (room_folder / "files" / ".git").mkdir()
    (room_folder / "files" / "git").symlink_to(".git")
    (room_folder / "secret").write_text("secret")
    talk = await Conversation.open(agents, settings={"mode": "trust"})
    talk.prompt(
        "read ../secret\nread /etc/passwd\nread out/passwd\nedit ../secret hacked\nedit out/new text\nread out\n"
        "edit .git/config text\nedit git/hooks/pre-commit text"
    )
    await talk.until("turn_end")
    files = [event.file for event in talk.of("file")]
    assert all(file.failure for file in files)
    assert len([file for file in files if file.written]) == 4
    assert not list((room_folder / "files" / ".git").iterdir())
    assert (room_folder / "secret").read_text() == "secret"


async def test_agent_that_is_killed_while_it_works_ends_its_turn(agents: Agents) -> None:
    """The turn, its questions and its terminals end with it, and the last record says how the process ended."""
    talk = await Conversation.open(agents)
    talk.prompt("say Well.\nedit a.txt text")
    await talk.until("permission_request")
    await talk.terminal.kill()
    last = await talk.end()
    assert exit_of(last).signal == 9
    assert talk.of("permission_answer")[0].permission_answer.option_id == ""
    assert talk.of("turn_end")[0].turn_end.reason == "agent_ended"
    with pytest.raises(TerminalEnded):
        talk.prompt("Again")


async def test_prompt_before_cancel_of_an_agent_that_is_not_ready_never_reaches_it(
    agents: Agents, room_folder: Path
) -> None:
    """A turn that the agent did not hear of ends at once."""
    talk = await Conversation.open(agents, *SILENT)
    talk.prompt("Hello")
    assert talk.agent.cancel(PERSON)
    (ended,) = await talk.until("turn_end")
    assert ended.turn_end.reason == "cancelled"


_LINES = """
print("no JSON at all", flush=True)
begin()
print("[1, 2]", flush=True)
print('{"method": 7, "id": {"a": []}}', flush=True)
print("[" * 100000, flush=True)
print('{"id": 99, "result": {}}', flush=True)
update("tool_call", content=[7, {"type": "diff"}])
update("plan", entries={"a": 1})
send({"method": "session/update", "params": []})
sys.stdout.write('{"jsonrpc":"2.0","method":"session/update","params":{"update":{"sessionUpdate":"agent_message_chunk",'
                 '"content":{"type":"text","text":"\\\\ud800 half"}}}}\\n')
print("x" * (5 << 20), flush=True)
tell("y" * 40000)
answer(ask(), stopReason="end_turn")
time.sleep(100)
"""


async def test_agent_that_prints_garbage_is_heard_all_the_same(agents: Agents, room_folder: Path) -> None:
    """What is no message is output; what is none of the protocol's forms does no harm; long text comes in pieces."""
    talk = await Conversation.open(agents, *raw_agent(_LINES))
    talk.prompt("Hello")
    await talk.until("turn_end")
    assert talk.said == "? half" + "y" * 40000
    assert max(len(event.message.text) for event in talk.of("message")) <= 16 * 1024
    assert b"no JSON at all\n[1, 2]\n" in talk.follower.output
    assert b"a message of more than 4 MiB was dropped" in talk.follower.output
    assert len(talk.follower.output) < 200_000


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("time.sleep(100)", "The agent did not answer `initialize` within 0.5 seconds."),
        (
            "answer(ask(), protocolVersion=1)\nask()\ntime.sleep(100)",
            "did not answer `session/new` within 0.5 seconds.",
        ),
        (
            "answer(ask(), protocolVersion=9)\ntime.sleep(100)",
            "The agent speaks version 9 of its protocol, and we speak 1.",
        ),
        (
            'answer(ask(), protocolVersion=1)\nsend({"id": 2, "error": {"code": -32000, "message": "Sign in"}})\nask()',
            "The agent opens no session: Sign in; sign in to it once, in a terminal of the room",
        ),
        ("sys.stdin.close()\nsys.stdout.close()\nos.close(1)\ntime.sleep(100)", "did not answer `initialize`"),
        ("sys.exit(7)", "The agent ended before it was ready."),
    ],
)
async def test_agent_that_never_is_ready_fails_with_a_clear_sentence(
    agents: Agents, room_folder: Path, body: str, sentence: str
) -> None:
    """Its session ends, and the sentence says what happened."""
    agents.patience = 0.5
    talk = await Conversation.open(agents, *raw_agent(body))
    ended = exit_of(await talk.end())
    assert sentence in talk.of("fault")[0].fault.message
    assert ended.reason.startswith("start_failed The agent ")
    assert (ended.code == 7 and "exit code 7" in ended.reason) == ("exit" in body)


async def test_agent_that_loads_conversations_goes_on_with_one(agents: Agents, room_folder: Path) -> None:
    """What it tells again is marked; one that cannot load begins anew."""
    body = """
answer(ask(), protocolVersion=1, agentCapabilities={"loadSession": True})
load = ask()
tell(load["method"] + " " + load["params"]["sessionId"])
answer(load)
time.sleep(100)
"""
    talk = await Conversation.open(agents, *raw_agent(body), conversation_id="old-1")
    (ready,) = await talk.until("ready")
    assert (ready.ready.loaded, ready.ready.conversation_id) == (True, "old-1")
    assert talk.said == "session/load old-1"
    assert talk.of("message")[0].message.replayed
    fresh = await Conversation.open(agents, *raw_agent("begin()\nask()"), conversation_id="old-1")
    (ready,) = await fresh.until("ready")
    assert (ready.ready.loaded, ready.ready.conversation_id) == (False, "s")


async def test_agent_that_wants_a_sign_in_gets_the_way_whose_variables_it_has(
    agents: Agents, room_folder: Path
) -> None:
    """It is signed in once, and what it refused is asked again; without the variables it ends with its sentence."""
    body = """
ways = [{"id": name, "type": "env_var", "vars": [{"name": name}]} for name in ("OTHER", "TOKEN")]
answer(ask(), protocolVersion=1, authMethods=[{"id": "browser"}, *ways])
send({"id": ask()["id"], "error": {"code": -32000, "message": "Sign in"}})
signed = ask()
answer(signed)
answer(ask(), sessionId=f"{signed['method']} {signed['params']['methodId']}")
time.sleep(100)
"""
    talk = await Conversation.open(agents, *raw_agent(body), environment={"TOKEN": "x"})
    (ready,) = await talk.until("ready")
    assert ready.ready.conversation_id == "authenticate TOKEN"
    stranger = await Conversation.open(agents, *raw_agent(body))
    await stranger.end()
    assert "Sign in; sign in to it once" in stranger.of("fault")[0].fault.message


async def test_agent_whose_log_nobody_takes_waits_until_somebody_does(sandbox: Sandbox) -> None:
    """A spool that is full holds the agent up; nothing it says is lost or told twice."""
    body = """
begin()
prompt = ask()
for n in range(3000):
    tell(f"{n:08d} " * 20)
answer(prompt, stopReason="end_turn")
time.sleep(100)
"""
    async with asyncio.timeout(PATIENCE), terminals.table(sandbox.room, sandbox, 64 * 1024, allow_local=False) as small:
        talk = await Conversation.open(Agents(sandbox, small), *raw_agent(body))
        talk.prompt("Go")
        while not talk.terminal.spool.full:
            await talk.follower.step()
        while not talk.of("turn_end"):
            talk.terminal.acknowledge(talk.follower.records[-1].sequence)
            await talk.follower.step()
    assert talk.said == "".join(f"{number:08d} " * 20 for number in range(3000))
    assert [record.sequence for record in talk.follower.records] == list(range(1, len(talk.follower.records) + 1))


_LEAKING = """
begin()
asked, token = ask(), os.environ["TOKEN"]
print("stray", token, flush=True)
print("error", token, file=sys.stderr, flush=True)
tell(f"It is {token}.")
update("tool_call", toolCallId="1", title="Look", rawInput={"token": token})
send({"id": 1, "method": "terminal/create", "params": {"command": "echo", "args": [token]}})
opened = ask()["result"]
send({"id": 2, "method": "terminal/wait_for_exit", "params": opened})
ask()
answer(asked, stopReason="end_turn")
time.sleep(100)
"""


async def test_secret_of_an_agent_is_in_no_log(agents: Agents, table: terminals.Terminals) -> None:
    """Not in what it prints, says or does, nor in what is asked of it, nor in the log of a terminal that it opens."""
    secret = f"secret-{ids.new().hex}"
    talk = await Conversation.open(agents, *raw_agent(_LEAKING), secrets={"TOKEN": secret})
    talk.prompt(f"Here it is: {secret}")
    (opened,) = await talk.until("terminal")
    child = Follower(table.get(opened.terminal.session_id).spool)
    await child.end()
    await talk.until("turn_end")
    for line in (b"stray [secret TOKEN]\n", b"error [secret TOKEN]\n"):
        await talk.follower.until(line)
    assert bytes(child.output) == b"[secret TOKEN]\n"
    assert (talk.said, talk.of("prompt")[0].prompt.text) == ("It is [secret TOKEN].", "Here it is: [secret TOKEN]")
    assert talk.of("tool_call")[0].tool_call.input_json == '{"token": "[secret TOKEN]"}'
    assert list(opened.terminal.command) == ["echo", "[secret TOKEN]"]
    assert not [one for one in (*talk.follower.records, *child.records) if secret.encode() in one.body]


async def test_terminal_of_an_agent_never_outlives_it(agents: Agents, table: terminals.Terminals) -> None:
    """Its processes are killed, and its log ends."""
    talk = await Conversation.open(agents, settings={"mode": "trust"})
    talk.prompt("run sleep 1000")
    (opened,) = await talk.until("terminal")
    child = table.live(opened.terminal.session_id)
    await talk.terminal.kill()
    async with asyncio.timeout(PATIENCE):
        await child.gone.wait()
    await talk.end()
    assert talk.follower.records[-1].type is RecordType.EXIT
