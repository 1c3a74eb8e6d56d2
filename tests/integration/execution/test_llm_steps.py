"""Steps that ask language models: what is asked in either protocol, tools, answers of no use, and what it took."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from stateroom.execution.v1 import execution_pb2, statistics_service_pb2, usage_service_pb2
from stateroom.execution.v1 import workflow_service_pb2 as workflow

from tests.integration.execution.test_api_steps import site
from tests.integration.execution.test_logs import lines
from tests.integration.execution.test_secrets import VALUE, keep
from tests.support.execution_stage import ExecutionStage, definition, open_execution_stage
from tests.support.installation import Installation
from tests.support.model_server import ModelServer, Said
from tests.support.sites import ALLOWED, Site
from tests.support.source import query
from tests.support.waiting import PATIENCE

__all__ = ["site"]
pytestmark = pytest.mark.asyncio(loop_scope="session")

State = execution_pb2.Execution.State
NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


@asynccontextmanager
async def model(*script: Said) -> AsyncIterator[tuple[ModelServer, str]]:
    """Serve a script where the service may reach it; yields it with its URL."""
    server = ModelServer(*script)
    async with await asyncio.start_server(server.serve, ALLOWED, 0) as listening:
        yield server, f"http://{ALLOWED}:{listening.sockets[0].getsockname()[1]}"


async def ask(
    stage: ExecutionStage, url: str, protocol: str = "OPENAI", *, step: dict[str, Any] | None = None, **llm: Any
) -> tuple[execution_pb2.Execution, Any]:
    """Run a step that asks; returns the execution and its output."""
    wanted = {"protocol": protocol, "baseUrl": url, "model": "fake", "prompt": "'How many?'"} | llm
    ended = await stage.ended(await stage.start([{"key": "ask", "llm": wanted} | (step or {})]))
    return ended, MessageToDict(ended).get("output")


async def used(stage: ExecutionStage, execution: execution_pb2.Execution) -> usage_service_pb2.ModelUsage:
    """Return what an execution used."""
    request = usage_service_pb2.ListModelUsesRequest(execution_id=execution.execution_id)
    answer: usage_service_pb2.ListModelUsesResponse = await stage.call("ListModelUses", request)
    assert len(answer.model_uses) == answer.total.uses
    return answer.total


async def reason(stage: ExecutionStage, said: Said, **llm: Any) -> str:
    """Return why a step fails to which this is said."""
    async with model(said) as (_, url):
        ended, _ = await ask(stage, url, **llm)
    assert ended.state == State.FAILED
    return ended.failure.reason


async def test_llm_step_asks_as_openai_and_logs_the_answer_by_lines(stage: ExecutionStage) -> None:
    """Its key is a secret, that is in nothing; tokens and their cost are told with the output and the execution."""
    await keep(stage)
    async with model({"text": f"first line\nsecond {VALUE}"}) as (server, url):
        ended, output = await ask(
            stage, f"{url}/v1", secretName="TOKEN", system="Be brief.", inputPrice=2, outputPrice=10
        )
    ((path, headers, body),) = server.asked
    assert (path, headers["authorization"]) == ("/v1/chat/completions", f"Bearer {VALUE}")
    assert (body["model"], body["stream"], body["max_tokens"]) == ("fake", True, 4096)
    told = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How many?"}]
    assert body["messages"] == told
    usage = {"input_tokens": 100.0, "output_tokens": 10.0, "cost_micros": 300.0}
    text = "first line\nsecond [secret TOKEN]"
    assert output == {"text": text, "model": "fake-1", "turns": 1.0, "usage": usage}
    assert [line.message for line in await lines(stage, ended.execution_id)] == text.split("\n")
    total = await used(stage, ended)
    assert (total.uses, total.input_tokens, total.output_tokens, total.cost_micros) == (1, 100, 10, 300)
    counted = statistics_service_pb2.GetExecutionStatisticsRequest()
    assert (await stage.call("GetExecutionStatistics", counted)).model_usage == total


@pytest.mark.parametrize("protocol", ["OPENAI", "ANTHROPIC"])
async def test_llm_step_calls_declared_tools_and_tells_the_model_what_came_of_it(
    stage: ExecutionStage, site: Site, protocol: str
) -> None:
    """What the model says becomes the query of a URL that it does not choose; a failure is told to it too."""
    site.answer("/items", b'{"n": 3}', content_type="application/json")
    tool = {"name": "look", "parameters": NUMBER, "api": {"url": f"'{site.url}' + inputs.path"}}
    calls = [("look", '{"n": 7}'), ("fail", "")]
    failing = {"name": "fail", "api": {"url": "'http://127.0.0.1:8000/'"}}
    async with model({"text": "Let me see.", "calls": calls}, {"text": "Three."}) as (server, url):
        llm = {"protocol": protocol, "baseUrl": url, "model": "fake", "prompt": "'How many?'"}
        steps = [{"key": "ask", "llm": llm | {"tools": [tool, failing]}}]
        ended = await stage.ended(await stage.start(steps, given={"path": "/items"}))
    assert MessageToDict(ended)["output"]["text"] == "Three.", ended
    assert [asked for asked, _, _ in site.asked] == ["GET /items?n=7"]
    first, second = (body for _, _, body in server.asked)
    assert len(first["tools"]) == 2
    results = [each for each in second["messages"] if each["role"] == "tool"]
    if protocol == "ANTHROPIC":
        results = second["messages"][-1]["content"]
        assert [each["is_error"] for each in results] == [False, True]
    assert '"body": {"n": 3}' in results[0]["content"]
    assert "DESTINATION_NOT_ALLOWED" in results[1]["content"]
    assert (await used(stage, ended)).uses == 2


@pytest.mark.parametrize("protocol", ["OPENAI", "ANTHROPIC"])
async def test_llm_step_with_a_schema_gives_a_value_that_fits_or_is_tried_again(
    stage: ExecutionStage, protocol: str
) -> None:
    """What failed is counted as well; a fence around JSON is no matter."""
    script = [{"text": "three"}, {"text": '{"n": "3"}'}, {"text": '```json\n{"n": 3}\n```'}]
    again = {"onError": "RETRY", "retryCount": 2, "retryDelay": "0.01s"}
    async with model(*script) as (server, url):
        ended, output = await ask(stage, url, protocol, step=again, outputSchema=NUMBER)
    assert output["value"] == {"n": 3.0}, ended
    assert all("additionalProperties" in str(body) for _, _, body in server.asked)
    assert (await used(stage, ended)).uses == 3


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"status": "401 No", "text": "bad key"}, "LLM_AUTH"),
        ({"status": "429 Slowly"}, "LLM_RATE_LIMITED"),
        ({"status": "500 Oh"}, "LLM_FAILED"),
        ({"status": "302 Away"}, "LLM_FAILED"),
        ({"text": ""}, "LLM_BAD_OUTPUT"),
        ({"text": "half an ans", "stop": ""}, "LLM_BAD_OUTPUT"),
        ({"text": "long", "stop": "length"}, "LLM_CUT_OFF"),
        ({"calls": [("rm", "{}")]}, "LLM_BAD_OUTPUT"),
        ({"events": [[1]]}, "LLM_BAD_OUTPUT"),
        ({"events": [{"choices": [{"delta": {"content": 5}}]}]}, "LLM_BAD_OUTPUT"),
        ({"events": [{"choices": [{"delta": {"tool_calls": [{"index": "a"}]}}]}]}, "LLM_BAD_OUTPUT"),
        ({"events": [{"usage": {"prompt_tokens": -1, "completion_tokens": 1}}]}, "LLM_BAD_OUTPUT"),
        ({"events": [{"error": {"message": "overloaded"}}]}, "LLM_BAD_OUTPUT"),
    ],
)
async def test_llm_step_whose_answer_is_of_no_use_fails_with_why(stage: ExecutionStage, said: Said, why: str) -> None:
    """Refused, cut off, empty, or calling a tool that was not declared."""
    assert await reason(stage, said) == why


async def test_llm_step_that_never_stops_calling_fails(stage: ExecutionStage, site: Site) -> None:
    """After as many answers as it may have; a call that does not fit the tool's schema fails at once."""
    site.answer("/")
    tools = [{"name": "look", "parameters": NUMBER, "api": {"url": f"'{site.url}/'"}}]
    said = {"calls": [("look", '{"n": 1}')]}
    assert await reason(stage, said, tools=tools, maxTurns=2) == "LLM_TOO_MANY_TURNS"
    assert len(site.asked) == 1
    assert await reason(stage, {"calls": [("look", '{"m": 1}')]}, tools=tools) == "LLM_BAD_OUTPUT"


async def test_llm_step_keeps_the_query_that_the_url_of_a_tool_has(stage: ExecutionStage, site: Site) -> None:
    """A model that was talked into it adds to the query, and changes nothing of it."""
    site.answer("/")
    tools = [{"name": "look", "api": {"url": f"'{site.url}/?tenant=1&tenant=2'"}}]
    script: list[Said] = [{"calls": [("look", '{"tenant": "3", "n": 1}')]}, {"text": "done"}]
    async with model(*script) as (_, url):
        ended, _ = await ask(stage, f"{url}/v1", tools=tools)
    assert ended.state == State.COMPLETED
    assert [asked for asked, _, _ in site.asked] == ["GET /?tenant=1&tenant=2&n=1"]


async def test_llm_step_whose_key_was_said_back_or_is_none_shows_nothing_of_it(stage: ExecutionStage) -> None:
    """Not even its beginning, where the sentence about the answer ends."""
    await keep(stage)
    async with model({"status": "401 No", "text": f"{'-' * 80} {VALUE}"}) as (_, url):
        ended, _ = await ask(stage, f"{url}/v1", secretName="TOKEN")
    assert ended.failure.reason == "LLM_AUTH"
    assert VALUE[:6] not in ended.failure.message
    await keep(stage, value="two\nlines")
    async with model() as (server, url):
        ended, _ = await ask(stage, f"{url}/v1", secretName="TOKEN")
    assert (ended.failure.reason, server.asked) == ("SECRET_NOT_FOR_HEADERS", [])


async def test_llm_step_reaches_no_endpoint_that_a_request_would_not(stage: ExecutionStage) -> None:
    """However it is written; and no key goes anywhere without TLS."""
    await keep(stage)
    for url in ("http://127.0.0.1:11434/v1", "http://0xA9FEA9FE", "http://[::ffff:169.254.169.254]:8080"):
        ended, _ = await ask(stage, url)
        assert ended.failure.reason == "DESTINATION_NOT_ALLOWED"
    ended, _ = await ask(stage, "http://1.1.1.1/v1", secretName="TOKEN")
    assert ended.failure.reason == "SECRET_IN_THE_CLEAR"


async def test_create_workflow_with_tools_and_schemas_that_cannot_be_is_refused(stage: ExecutionStage) -> None:
    """Each problem is told with its field; a reference in a schema is followed nowhere."""
    tool = {"name": "look", "parameters": {"type": "nothing"}, "api": {"url": "1 + 1"}}
    llm = {"protocol": "OPENAI", "model": "fake", "prompt": "'a'", "outputSchema": {"$ref": "file:///etc/passwd"}}
    request = workflow.CreateWorkflowRequest()
    request.workflow.name = "a"
    request.workflow.definition.CopyFrom(definition([{"key": "ask", "llm": llm | {"tools": [tool, tool]}}]))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stage.call("CreateWorkflow", request)
    told = str(raised.value.trailing_metadata())
    for field in ("llm.output_schema", "llm.tools[0].parameters", "llm.tools[1].name"):
        assert field in told


@pytest.mark.invariant("I13")
async def test_llm_step_whose_engine_dies_while_a_tool_runs_repeats_the_tool_alone(
    installation: Installation,
) -> None:
    """The answer that called it was stored, is not asked for again, and is counted once."""
    began = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        began.set()
        await reader.read()  # until whoever asked is gone
        writer.close()

    async with (
        await asyncio.start_server(hang, ALLOWED, 0) as hanging,
        model({"calls": [("look", "{}")]}, {"text": "Done."}) as (server, url),
        open_execution_stage(installation) as stage,
    ):
        port = hanging.sockets[0].getsockname()[1]
        first = await stage.replica(EGRESS_ALLOWED=f"{ALLOWED}/32")
        tool = {"name": "look", "api": {"url": f"'http://{ALLOWED}:{port}/'"}, "timeout": "3600s"}
        llm = {"protocol": "OPENAI", "baseUrl": url, "model": "fake", "prompt": "'a'", "tools": [tool]}
        started = await stage.start([{"key": "ask", "llm": llm, "timeout": "3600s"}])
        await asyncio.wait_for(began.wait(), PATIENCE)
        await first.kill()
        hanging.close()
        await stage.replicas.pop().channel.close(None)
        await stage.replica(EGRESS_ALLOWED=f"{ALLOWED}/32")
        ended = await stage.ended(started)
        assert MessageToDict(ended)["output"]["text"] == "Done.", ended
        assert (await used(stage, ended)).uses == len(server.asked) == 2


async def test_model_uses_that_are_more_than_a_number_can_hold_are_told_as_the_largest(stage: ExecutionStage) -> None:
    """An endpoint may say whatever it likes of what an answer took; its account's reads go on."""
    async with model({"text": "one"}, {"text": "two"}) as (_, url):
        wanted = {"protocol": "OPENAI", "baseUrl": url, "model": "fake", "prompt": "'How many?'"}
        ended = await stage.ended(await stage.start([{"key": key, "llm": wanted} for key in ("first", "second")]))
    most = 2**63 - 1
    enlarge = "UPDATE execution.model_uses SET output_tokens = $1 WHERE execution_id = $2"
    await query(stage.installation.admin_url, enlarge, most, UUID(ended.execution_id))
    assert (await used(stage, ended)).output_tokens == most
