"""What is wrong with a definition: everything at once, each problem with its field and the key of its step."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Any

from services.execution.agents.parameters import mismatches
from services.execution.definitions.domain import RUN_ONCE, TAKE_INPUTS, UNTIMED, Definition, OnError, Step, Type
from services.execution.definitions.outline import TOP, GroupId, Outline, named
from services.execution.expressions import Expressions, Question
from services.execution.filters import Filters

DEPTH = 8
"""How many steps may be inside each other."""
SCHEMA = 64 * 1024
"""Bytes of a schema as JSON."""

_ANY = "DYN"
_TEXT = ("STRING", "a text")
_NEEDED = {Type.CONDITION: ("BOOL", "true or false"), Type.LOOP: ("LIST", "a list"), Type.API: _TEXT, Type.LLM: _TEXT}
_EXPRESSION = {Type.CONDITION: "expression", Type.LOOP: "items", Type.API: "url", Type.LLM: "prompt"}
_NO_HEADERS = {"authorization", "proxy-authorization", "cookie"}
"""Headers that are for secrets."""
_SET = {
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "accept-encoding",
    "idempotency-key",
}
"""Headers that every request has."""
_TEXTS = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_STEPS = re.compile(r"(?<![\w.])steps\.([A-Za-z_]\w*)")


async def problems_of(
    definition: Definition, expressions: Expressions, agents: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Return the problems of a definition: where in it, and what. `agents` are the parameters of agents by id."""
    problems = list(_problems(definition, agents))
    for where, schema in _schemas_of(definition):
        wrong = await problems_of_schema(schema, expressions, of_inputs=not where.endswith("output_schema"))
        problems += [(f"{where}{place}", what) for place, what in wrong]
    if not problems:  # only then it is known what an expression can see
        problems = [problem async for problem in _wrong_expressions(definition, expressions, agents)]
        problems += [problem async for problem in _wrong_filters(definition, expressions.filters)]
    return problems


async def problems_of_schema(
    schema: Mapping[str, Any], expressions: Expressions, *, of_inputs: bool = True
) -> list[tuple[str, str]]:
    """Return the problems of a JSON Schema, such as one of inputs: where in it, and what."""
    text = json.dumps(schema)
    if len(text) > SCHEMA:
        return [("", f"is larger than {SCHEMA // 1024} KiB")]
    if "\\u0000" in text:
        return [("", "has a NUL character in it")]
    if of_inputs and schema.get("type", "object") != "object":
        return [(".type", "is no object, which inputs always are")]
    return [(each.place, each.what) for each in await expressions.check_schema(schema)]


def _schemas_of(definition: Definition) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the schemas of a definition, and where they stand."""
    if definition.input_schema is not None:
        yield "input_schema", definition.input_schema
    for position, step in enumerate(definition.steps):
        if step.llm is not None:
            if step.llm.output_schema is not None:
                yield f"steps[{position}].llm.output_schema", step.llm.output_schema
            for number, tool in enumerate(step.llm.tools):
                yield f"steps[{position}].llm.tools[{number}].parameters", tool.parameters


def _problems(definition: Definition, agents: Collection[str]) -> Iterator[tuple[str, str]]:
    if not definition.steps:
        yield "steps", "there are none"
    outline = Outline(definition)
    counted = Counter(step.key for step in definition.steps)
    holders = Counter(key for step in definition.steps for _, keys in named(step) for key in keys)
    cyclic = {key for group in outline.groups for key in _cyclic(outline, group)}
    for position, step in enumerate(definition.steps):
        for field, what in (
            *_about_itself(step),
            *_about_headers(step),
            *_about_its_agent(step, agents),
            *_about_its_model(step),
            *_about_others(step, outline),
            *_about_its_place(step, outline, holders[step.key]),
        ):
            yield f"steps[{position}].{field}", f"step {step.key!r} {what}"
        if counted[step.key] > 1:
            yield f"steps[{position}].key", f"step {step.key!r} is there {counted[step.key]} times"
        if step.key in cyclic:
            yield f"steps[{position}].depends_on", f"step {step.key!r} waits for itself, by way of others"


def _about_itself(step: Step) -> Iterator[tuple[str, str]]:
    if step.on_error is OnError.RETRY and not step.retry_count:
        yield "retry_count", "is tried again on an error, but not even once"
    if step.retry_count and step.on_error is not OnError.RETRY:
        yield "retry_count", "is tried again only if `on_error` is RETRY"
    if step.type in RUN_ONCE and step.on_error is OnError.RETRY:
        yield "on_error", f"is {_kind(step)}, which cannot be tried again"
    if step.type in UNTIMED and step.timeout is not None:
        yield "timeout", f"is {_kind(step)}, which has no timeout"
    if step.inputs and step.type not in TAKE_INPUTS:
        yield "inputs", f"is {_kind(step)}, which takes no inputs"
    if step.type is Type.CONDITION and not (step.then or step.otherwise):
        yield "condition", "decides about no step"


def _about_headers(step: Step) -> Iterator[tuple[str, str]]:
    for name in step.headers:
        if name.lower() in _NO_HEADERS:
            yield f"api.headers[{name}]", f"has a header {name}, and a definition is no place for secrets"
        elif name.lower() in _SET:
            yield f"api.headers[{name}]", f"has a header {name}, which is set by itself"
    said = {name.lower() for name in step.headers}
    for name in step.secrets if step.type is Type.API else ():
        if name.lower() in _SET:
            yield f"api.secret_headers[{name}]", f"has a header {name}, which is set by itself"
        elif name.lower() in said:
            yield f"api.secret_headers[{name}]", f"has a header {name} twice"
        said.add(name.lower())


def _about_its_model(step: Step) -> Iterator[tuple[str, str]]:
    if step.llm is None:
        return
    counted = Counter(tool.name for tool in step.llm.tools)
    for position, tool in enumerate(step.llm.tools):
        field = f"llm.tools[{position}]"
        if counted[tool.name] > 1:
            yield f"{field}.name", f"has {counted[tool.name]} tools {tool.name}"
        for inner, what in _about_headers(tool.step):
            yield f"{field}.{inner}", what


def _about_its_agent(step: Step, agents: Collection[str]) -> Iterator[tuple[str, str]]:
    if step.type is Type.AGENT and step.agent_id not in agents:
        yield "agent.agent_id", f"runs {step.agent_id}, which is no agent of this account"


def _kind(step: Step) -> str:
    return f"{'an' if step.type.name[0] in 'AEIO' else 'a'} {step.type.name}"


def _about_others(step: Step, outline: Outline) -> Iterator[tuple[str, str]]:
    for (_, field), keys in named(step):
        for key in keys:
            if key not in outline.steps:
                yield f"{step.type.name.lower()}.{field}", f"names {key!r}, which is no step"
    for key in step.depends_on:
        if key not in outline.steps:
            yield "depends_on", f"depends on {key!r}, which is no step"
        elif outline.home[key] != outline.home[step.key]:
            yield "depends_on", f"depends on {key!r}, which does not stand beside it"


def _about_its_place(step: Step, outline: Outline, holders: int) -> Iterator[tuple[str, str]]:
    if holders > 1:
        yield "key", f"is inside {holders} places; it can be inside one"
    depth, home = 1, outline.home[step.key]
    while home != TOP and depth <= len(outline.steps):
        depth, home = depth + 1, outline.home[home[0]]
    if home != TOP:
        yield "key", "is inside itself, so nothing ever reaches it"
    elif depth > DEPTH:
        yield "key", f"is inside {depth - 1} others; at most {DEPTH - 1} are possible"


def _cyclic(outline: Outline, group: GroupId) -> set[str]:
    """Return the steps of a group that can never begin, because each waits for another of them."""
    needs = {key: set(needed) for key, needed in outline.groups[group].needs.items()}
    ready = {key for key, needed in needs.items() if not needed & needs.keys()}
    while ready:
        for key in ready:
            del needs[key]
        ready = {key for key, needed in needs.items() if not needed & needs.keys()}
    return set(needs)


async def _wrong_expressions(
    definition: Definition, expressions: Expressions, agents: Mapping[str, Mapping[str, Any]]
) -> AsyncIterator[tuple[str, str]]:
    outline = Outline(definition)
    asked = [
        (f"steps[{position}].{field}", step, text, wanted)
        for position, step in enumerate(definition.steps)
        for field, text, wanted in _expressions_of(step)
    ]
    answers = await expressions.check([Question(text, in_loop=_in_loop(outline, step)) for _, step, text, _ in asked])
    types: dict[str, dict[str, str]] = {step.key: {} for step in definition.steps}
    for (where, step, text, (needed, words)), answer in zip(asked, answers, strict=True):
        types[step.key][where.rpartition("[")[2].removesuffix("]")] = answer.type
        if answer.problem:
            yield where, f"step {step.key!r}: {answer.problem}"
        elif needed != _ANY and answer.type.partition("<")[0] not in {needed, _ANY}:
            yield where, f"step {step.key!r}: gives {answer.type}, not {words}"
        visible = _visible(outline, step)
        for key in dict.fromkeys(_STEPS.findall(_TEXTS.sub("", text))):
            if key not in visible:
                why = "has not ended by then" if key in outline.steps else "is no step"
                yield where, f"step {step.key!r}: looks at {key!r}, which {why}"

    for position, step in enumerate(definition.steps):
        for name, what in mismatches(agents[step.agent_id], types[step.key]) if step.type is Type.AGENT else ():
            yield f"steps[{position}].inputs{f'[{name}]' if name else ''}", f"step {step.key!r} {what}"


async def _wrong_filters(definition: Definition, filters: Filters) -> AsyncIterator[tuple[str, str]]:
    for position, step in enumerate(definition.steps):
        if step.jq and (problem := await filters.problem_of(step.jq)):
            yield f"steps[{position}].data.jq", f"step {step.key!r}: {problem}"


def _expressions_of(step: Step) -> Iterator[tuple[str, str, tuple[str, str]]]:
    """Yield the expressions of a step: their fields, what they are, and of which type they have to be."""
    if step.type in _NEEDED:
        yield f"{step.type.name.lower()}.{_EXPRESSION[step.type]}", step.expression, _NEEDED[step.type]
    for position, tool in enumerate(step.llm.tools if step.llm else ()):
        if tool.step.type is Type.API:
            yield f"llm.tools[{position}].api.url", tool.step.expression, _TEXT
    for name, text in step.inputs.items():
        yield f"inputs[{name}]", text, (_ANY, "")


def _in_loop(outline: Outline, step: Step) -> bool:
    owner = outline.steps.get(outline.home[step.key][0])
    return owner is not None and (owner.type is Type.LOOP or _in_loop(outline, owner))


def _visible(outline: Outline, step: Step) -> set[str]:
    """Return the steps that have ended whenever a step begins: what it waits for, and what contains it waits for."""
    group = outline.home[step.key]
    needs, todo, found = outline.groups[group].needs, [step.key], set[str]()
    while todo:
        fresh = set(needs[todo.pop()]) - found
        found |= fresh
        todo.extend(fresh)
    owner = outline.steps.get(group[0])
    return found if owner is None else found | _visible(outline, owner)
