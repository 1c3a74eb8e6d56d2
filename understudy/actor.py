"""The agent: takes prompts, one turn at a time, and plays what they say."""

import asyncio
from itertools import count
from typing import Any

import acp
from acp import schema
from acp.interfaces import Client

from understudy.script import Script

MODELS = ("small", "large")
MODES = ("ask", "trust")
"""Whether it asks before it does something."""


class Understudy:
    """Plays the lines of a prompt; see `script`. It forgets everything when it ends, as many agents do."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._numbers, self._calls = count(1), count(1)
        self._directories: dict[str, str] = {}
        self._playing: dict[str, asyncio.Task[Any] | None] = {}
        self._settings = {"mode": MODES[0], "model": MODELS[0]}

    def on_connect(self, conn: Client) -> None:
        """Note whom it plays for."""
        self._client = conn

    async def initialize(self, protocol_version: int, **_: Any) -> schema.InitializeResponse:
        """Say hello."""
        return schema.InitializeResponse(
            protocol_version=min(protocol_version, acp.PROTOCOL_VERSION),
            agent_info=schema.Implementation(name="understudy", title="Understudy", version="1.0"),
        )

    async def new_session(self, cwd: str, **_: Any) -> schema.NewSessionResponse:
        """Begin a conversation."""
        session_id = f"rehearsal-{next(self._numbers)}"
        self._directories[session_id] = cwd
        return schema.NewSessionResponse(session_id=session_id, config_options=self._options())

    async def set_config_option(
        self,
        config_id: str,
        session_id: str,
        value: str | bool,  # noqa: FBT001  # the protocol's own form
        **_: Any,
    ) -> schema.SetSessionConfigOptionResponse:
        """Change the mode or the model."""
        del session_id
        known = {"mode": MODES, "model": MODELS}.get(config_id, ())
        if value not in known:
            raise acp.RequestError.invalid_params({"value": f"must be one of {', '.join(known)}"})
        self._settings[config_id] = str(value)
        return schema.SetSessionConfigOptionResponse(config_options=self._options())

    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> schema.PromptResponse:
        """Play the lines of a prompt."""
        if self._client is None:
            raise acp.RequestError.internal_error()
        text = "".join(part.text for part in prompt if isinstance(part, schema.TextContentBlock))
        trusted = self._settings["mode"] == "trust"
        script = Script(self._client, session_id, self._directories[session_id], self._calls, asks=not trusted)
        playing = self._playing[session_id] = asyncio.current_task()
        try:
            await script.play(text)
        except asyncio.CancelledError:
            if playing is not None:
                playing.uncancel()
            return schema.PromptResponse(stop_reason="cancelled")
        finally:
            del self._playing[session_id]
        words = len(text.split())
        usage = schema.Usage(total_tokens=words + script.said, input_tokens=words, output_tokens=script.said)
        return schema.PromptResponse(stop_reason="end_turn", usage=usage)

    async def cancel(self, session_id: str, **_: Any) -> None:
        """Stop playing."""
        playing = self._playing.get(session_id)
        if playing is not None:
            playing.cancel()

    def _options(self) -> list[schema.SessionConfigOptionSelect | schema.SessionConfigOptionBoolean]:
        return [
            schema.SessionConfigOptionSelect(
                id=name,
                name=name.capitalize(),
                category=name,
                type="select",
                current_value=self._settings[name],
                options=[schema.SessionConfigSelectOption(value=value, name=value) for value in values],
            )
            for name, values in (("mode", MODES), ("model", MODELS))
        ]
