"""The way to a conversation: hello, a new session or one that the agent knows, the settings to begin with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stateroom.agent.v1 import agent_event_pb2 as pb

from runner.agents import telling
from runner.agents.state import AgentState
from runner.agents.telling import fields, items, text_of

VERSION = 1
"""Of the protocol."""
HELLO = {
    "protocolVersion": VERSION,
    "clientCapabilities": {"fs": {"readTextFile": True, "writeTextFile": True}, "terminal": True},
    "clientInfo": {"name": "stateroom", "title": "Stateroom", "version": "0.1.0"},
}

_AUTHENTICATION_REQUIRED = -32000

Ask = tuple[str, Mapping[str, Any], tuple[object, ...]]
"""A method, its parameters, and what its answer is for."""


@dataclass(frozen=True, slots=True)
class Step:
    """What follows an answer: questions, being ready, or a fault in one sentence."""

    asks: tuple[Ask, ...] = ()
    ready: pb.Ready | None = None
    fault: str = ""


def next_step(state: AgentState, kind: str, result: Mapping[str, Any], complaint: str) -> Step:
    """Return what follows the answer to a question of the beginning; `complaint` is what it says is wrong."""
    if kind == "initialize":
        return _after_hello(state, result, complaint)
    if complaint:
        return _after_refusal(state, kind, complaint)
    if kind == "authenticate":
        return Step((_open(state),))
    return _after_opening(state, kind, result)


def _after_refusal(state: AgentState, kind: str, complaint: str) -> Step:
    if method := state.wanted.pop("_authentication", ""):
        return Step((("authenticate", {"methodId": method}, ("authenticate",)),))
    if kind == "load":  # it does not know the conversation any more: the log still shows it
        return Step((_new(state),))
    return Step(fault=f"The agent opens no session: {complaint}")


def _after_opening(state: AgentState, kind: str, result: Mapping[str, Any]) -> Step:
    state.conversation_id = state.loads if kind == "load" else text_of(result.get("sessionId"), 512)
    if not state.conversation_id:
        return Step(fault="The agent opened a session without an id.")
    state.wanted.pop("_authentication", None)
    state.config |= config(result)
    ready = pb.Ready(
        name=state.wanted.pop("_name", ""),
        version=state.wanted.pop("_version", ""),
        conversation_id=state.conversation_id,
        loaded=kind == "load",
        settings=telling.settings(result),
    )
    known = {name: value for name, value in state.wanted.items() if name in state.config}
    asks = [(*change(state, name, value), ("setting", name, value, "")) for name, value in known.items()]
    return Step(tuple(asks), ready)


def _after_hello(state: AgentState, result: Mapping[str, Any], complaint: str) -> Step:
    if complaint:
        return Step(fault=f"The agent refuses to begin: {complaint}")
    version = result.get("protocolVersion")
    if version != VERSION:
        return Step(
            fault=f"The agent speaks version {text_of(str(version), 20)} of its protocol, and we speak {VERSION}."
        )
    info = fields(result.get("agentInfo"))
    state.wanted |= {"_name": text_of(info.get("name"), 200), "_version": text_of(info.get("version"), 100)}
    if fields(result.get("agentCapabilities")).get("loadSession") is not True:
        state.loads = ""
    if method := _authentication(state, result):
        state.wanted["_authentication"] = method
    return Step((_open(state),))


def _authentication(state: AgentState, hello: Mapping[str, Any]) -> str:
    """Return the way to sign in for which the agent was given all variables; empty when there is none.

    Agents that need no sign-in offer ways as well, so it is used only once they ask for it.
    """
    for method in items(hello.get("authMethods")):
        names = [text_of(each.get("name"), 200) for each in items(method.get("vars"))]
        if names and all(name in state.environment for name in names):
            return text_of(method.get("id"), 200)
    return ""


def _open(state: AgentState) -> Ask:
    if not state.loads:
        return _new(state)
    return "session/load", {"cwd": state.directory, "mcpServers": [], "sessionId": state.loads}, ("load",)


def _new(state: AgentState) -> Ask:
    return "session/new", {"cwd": state.directory, "mcpServers": []}, ("new",)


def config(told: Mapping[str, Any]) -> dict[str, str]:
    """Return the agent's own ids of its settings, by ours."""
    found = {"mode": ""} if fields(told.get("modes")) else {}
    return found | {
        telling.setting_id(option): text_of(option.get("id"), 100) for option in items(told.get("configOptions"))
    }


def change(state: AgentState, setting_id: str, value: str) -> tuple[str, Mapping[str, Any]]:
    """Return the question that changes a setting."""
    own = state.config[setting_id]
    if not own:
        return "session/set_mode", {"sessionId": state.conversation_id, "modeId": value}
    return "session/set_config_option", {"sessionId": state.conversation_id, "configId": own, "value": value}


def prompt_parts(prompt: pb.Prompt, files: Path) -> list[Any]:
    """Return a prompt as the protocol has it: what it refers to without a scheme is a file of the workspace."""
    uris = [link.uri if "://" in link.uri else (files / link.uri).as_uri() for link in prompt.links]
    named = zip(uris, prompt.links, strict=True)
    links = [{"type": "resource_link", "uri": uri, "name": link.name} for uri, link in named]
    return [{"type": "text", "text": prompt.text}, *links]


def complaint(error: object) -> str:
    """Return what an agent says is wrong, in one sentence."""
    told = fields(error)
    said = text_of(told.get("message"), 200) or "it gives no reason"
    details = told.get("data")
    if details is not None:
        said = f"{said} ({text_of(details if isinstance(details, str) else json.dumps(details), 200)})"
    if told.get("code") == _AUTHENTICATION_REQUIRED:
        return f"{said}; sign in to it once, in a terminal of the room"
    return said
