"""Agents that are written out by hand: they start in no time, and may do what no library lets them do."""

_MEANS = """
import json, os, sys, time

def ask():
    line = sys.stdin.readline()
    return json.loads(line) if line else sys.exit(0)

def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\\n")
    sys.stdout.flush()

def answer(message, **result):
    send({"id": message["id"], "result": result})

def update(kind, **facts):
    send({"method": "session/update", "params": {"sessionId": "s", "update": {"sessionUpdate": kind, **facts}}})

def tell(text):
    update("agent_message_chunk", content={"type": "text", "text": text})

def begin(**facts):
    answer(ask(), protocolVersion=1)
    answer(ask(), sessionId="s", **facts)

"""
_ASKING = """
model = {"id": "model", "category": "model", "type": "select", "currentValue": "small", "name": "Model",
         "options": [{"value": name, "name": name} for name in ("small", "large")]}
begin(configOptions=[model])
prompt = None
while True:
    heard = ask()
    if heard.get("method") == "session/prompt":
        prompt = heard
        options = [{"optionId": name, "name": name, "kind": "allow_once"} for name in ("allow", "reject")]
        call = {"toolCallId": "1", "title": "Edit a file", "kind": "edit"}
        send({"id": 1, "method": "session/request_permission", "params": {"toolCall": call, "options": options}})
    elif heard.get("method") == "session/set_config_option":
        answer(heard, configOptions=[model])
    elif "result" in heard:
        cancelled = heard["result"]["outcome"]["outcome"] == "cancelled"
        answer(prompt, stopReason="cancelled" if cancelled else "end_turn")
"""


def raw_agent(body: str) -> tuple[str, ...]:
    """Return the command of an agent: `body` sees `begin()`, `ask()`, `tell()`, `update()`, `answer()` and `send()`."""
    return ("/usr/bin/env", "python3", "-c", _MEANS + body)


ASKING = raw_agent(_ASKING)
"""At each prompt it asks permission, and its turn ends with the answer. It has a setting `model`."""
SILENT = ("sleep", "1000")
"""It never says anything; what is asked of it waits."""
