"""Steps that ask a language model, which may call the tools that they declare.

One run of such a step asks once, or calls the tools of one answer; then what was said so far is stored, and the step
looks again at once. So whoever takes over repeats one request, or the calls of one answer, and no more.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from chassis import ids
from chassis.actor import Actor
from chassis.database import Database
from services.execution.definitions.domain import KEY, Tool, Type
from services.execution.definitions.domain import Llm as Wanted
from services.execution.engine.steps import answers, values
from services.execution.engine.steps.patience import patiently
from services.execution.engine.steps.port import Attempt, Ended, Log, Looking, Result, StepFailed, StepType
from services.execution.engine.steps.requests import (
    Request,
    Sender,
    content_of,
    expect_plain,
    failing,
    in_header,
    url_of,
)
from services.execution.expressions import Evaluation
from services.execution.llm.anthropic import Anthropic
from services.execution.llm.openai import OpenAi
from services.execution.llm.streaming import events
from services.execution.llm.talk import Answer, BadAnswer, Dialect
from services.execution.logs.domain import Level
from services.execution.usage.domain import ModelUse
from services.execution.usage.operations import note_use

SAID = 256 * 1024
"""Bytes of all that was said, as JSON."""
RESULT = 32 * 1024
"""Characters of what a tool gives that a model is told."""
TOOL = 30.0
"""Seconds that a request of a tool may take unless it says otherwise."""

_DIALECTS: Mapping[str, Dialect] = {"OPENAI": OpenAi(), "ANTHROPIC": Anthropic()}
_OK = 200
_REASONS = {401: "LLM_AUTH", 403: "LLM_AUTH", 429: "LLM_RATE_LIMITED"}
_REFUSAL = 4096  # bytes of an answer that says why there is none
_PARAGRAPH = 400  # characters after which a line is logged though it goes on


@dataclass(frozen=True, slots=True)
class Llm:
    """Asks models. `types` run the tools."""

    evaluation: Evaluation
    sender: Sender
    database: Database
    types: Mapping[Type, StepType]

    async def run(self, attempt: Attempt) -> Result:
        """Ask, or call what was asked for; then look again, until an answer calls nothing."""
        llm = attempt.step.llm
        if llm is None:
            raise StepFailed("INTERNAL", "it does not say what to ask")
        said = attempt.progress or await self._begin(attempt, llm)
        *_, last = said["messages"]
        if last["role"] == "assistant":
            return _looking(said, await self._call(attempt, llm, said, last["calls"]))
        answer = await self._ask(attempt, llm, said)
        said = await self._noted(attempt, llm, said, answer)
        if answer.stop == _DIALECTS[llm.protocol].cut_off:
            raise StepFailed("LLM_CUT_OFF", f"the answer has more than {llm.max_tokens} tokens")
        expressions = self.evaluation.of(attempt.account_id)
        text, calls = values.storable(answer.text), await answers.calls_of(llm, answer, expressions)
        if calls and said["turns"] >= llm.max_turns:
            raise StepFailed("LLM_TOO_MANY_TURNS", f"it goes on after {llm.max_turns} answers")
        if calls:
            return _looking(said, [{"role": "assistant", "text": text, "calls": calls}])
        output = await answers.output_of(llm, text, expressions)
        return Ended(output | {name: said[name] for name in ("model", "turns", "usage")})

    async def _begin(self, attempt: Attempt, llm: Wanted) -> dict[str, Any]:
        texts = {f"tools.{tool.name}.url": tool.step.expression for tool in llm.tools if tool.step.type is Type.API}
        texts["prompt"] = attempt.step.expression
        made = await values.of_texts(self.evaluation.of(attempt.account_id), texts, attempt.variables)
        prompt = made.pop("prompt")
        if not isinstance(prompt, str):
            raise StepFailed("EXPRESSION_FAILED", f"the prompt is no text: {values.short(prompt)}")
        usage = {"input_tokens": 0, "output_tokens": 0, "cost_micros": 0}
        urls = {name.split(".")[1]: url for name, url in made.items()}
        return {"messages": [{"role": "user", "text": prompt}], "urls": urls, "turns": 0, "usage": usage}

    async def _ask(self, attempt: Attempt, llm: Wanted, said: Mapping[str, Any]) -> Answer:
        """Make a request and log the answer while it comes."""
        dialect, answer = _DIALECTS[llm.protocol], Answer(model=llm.model)
        spoken = _Spoken(attempt.log)
        with failing():
            try:
                async with self.sender.send(_request(attempt, llm, dialect, said)) as response:
                    if response.status_code != _OK:
                        told = (await content_of(response, _REFUSAL)).decode(errors="replace")
                        reason = _REASONS.get(response.status_code, "LLM_FAILED")
                        raise StepFailed(reason, f"it was answered with {response.status_code}: {values.short(told)}")
                    expect_plain(response)
                    async for event in events(response.aiter_raw()):
                        text = dialect.read(event, answer)
                        answer.text += text
                        spoken.say(text)
            except (BadAnswer, KeyError, TypeError, ValueError, AttributeError) as exc:
                raise StepFailed(answers.BAD, f"what came is no answer: {values.short(str(exc))}") from exc
        spoken.end()
        if not answer.stop:
            raise StepFailed(answers.BAD, "the answer broke off")
        return answer

    async def _noted(self, attempt: Attempt, llm: Wanted, said: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """Note what an answer has cost, whatever comes of it; returns what was said with that."""
        cost = answer.input_tokens * llm.input_price + answer.output_tokens * llm.output_price
        turns, usage = said["turns"] + 1, said["usage"]
        use = ModelUse(
            model_use_id=ids.new(),
            account_id=attempt.account_id,
            execution_id=attempt.execution_id,
            path=attempt.path,
            attempt=attempt.number,
            turn=turns,
            model=values.storable(answer.model)[:255],
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            cost_micros=round(cost),  # prices are those of a million tokens
            use_time=datetime.now(UTC),
        )
        await patiently(
            partial(self.database.write, Actor.of_service("execution", attempt.account_id), note_use, use=use)
        )
        used = {name: usage[name] + getattr(use, name) for name in usage}
        return said | {"turns": turns, "usage": used, "model": use.model}

    async def _call(
        self, attempt: Attempt, llm: Wanted, said: Mapping[str, Any], calls: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Call tools, one after the other; returns what the model is told of them."""
        tools = {tool.name: tool for tool in llm.tools}
        told = []
        for position, call in enumerate(calls):
            attempt.log.say(Level.INFO, f"-> {call['name']} {values.short(call['arguments'])}")
            inner = replace(
                attempt, path=f"{attempt.path}#{attempt.number}.{said['turns']}.{position}", inputs=call["arguments"]
            )
            inner = replace(
                inner, step=_step(tools[call["name"]], said["urls"]), variables={}, progress=None, secrets={}
            )
            failed, text = await self._result(inner)
            attempt.log.say(Level.INFO, f"<- {call['name']} {text[:_PARAGRAPH]}")
            told.append({"role": "tool", "id": call["id"], "text": text, "failed": failed})
        return told

    async def _result(self, attempt: Attempt) -> tuple[bool, str]:
        """Run a tool; returns whether it failed, and what the model is told."""
        try:
            async with asyncio.timeout((attempt.step.timeout or TOOL) if attempt.step.type is Type.API else None):
                result = await self.types[attempt.step.type].run(attempt)
        except StepFailed as exc:
            return True, f"{exc.reason}: {exc.message}"
        except TimeoutError:
            return True, f"TIMED_OUT: it took more than {attempt.step.timeout or TOOL:g} s"
        text = json.dumps(result.output if isinstance(result, Ended) else None, ensure_ascii=False)
        return False, text if len(text) <= RESULT else f"{text[:RESULT]} [cut: {len(text)} characters]"


@dataclass(slots=True)
class _Spoken:
    """What a model says, logged by lines while it comes; a long one goes on in the next at a space."""

    log: Log
    rest: str = ""

    def say(self, text: str) -> None:
        """Take a part."""
        *lines, self.rest = (self.rest + text).split("\n")
        if len(self.rest) > _PARAGRAPH and " " in self.rest:
            line, _, self.rest = self.rest.rpartition(" ")
            lines.append(line)
        for line in lines:
            self.log.say(Level.INFO, line)

    def end(self) -> None:
        """Log what is left."""
        if self.rest:
            self.log.say(Level.INFO, self.rest)


def _request(attempt: Attempt, llm: Wanted, dialect: Dialect, said: Mapping[str, Any]) -> Request:
    url = url_of((llm.base_url or dialect.url).rstrip("/") + dialect.path)
    headers = {"User-Agent": "stateroom", "Content-Type": "application/json", "Accept": "text/event-stream"}
    secret = attempt.step.secrets.get(KEY)
    secrets = dialect.headers(in_header(attempt, secret)) if secret else {}
    content = json.dumps(dialect.body(llm, said["messages"])).encode()
    return Request("POST", url, headers | {"anthropic-version": "2023-06-01"}, secrets, content)


def _step(tool: Tool, urls: Mapping[str, Any]) -> Any:
    """Return what a tool runs; the URL of a request is the one that was made before the model was asked."""
    if tool.step.type is not Type.API:
        return tool.step
    return replace(tool.step, expression=json.dumps(urls[tool.name], ensure_ascii=False))


def _looking(said: dict[str, Any], messages: list[dict[str, Any]]) -> Looking:
    said = said | {"messages": [*said["messages"], *messages]}
    if len(json.dumps(said)) > SAID:
        raise StepFailed("LLM_TOO_MUCH_SAID", f"all that was said is larger than {SAID // 1024} KiB")
    return Looking(datetime.now(UTC), said)
