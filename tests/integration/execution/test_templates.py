"""Templates: official ones and those that people make, and what becomes of them."""

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from stateroom.execution.v1 import template_pb2
from stateroom.execution.v1 import template_service_pb2 as pb

from chassis import ids
from services.execution.templates.official import official
from tests.support.execution_stage import ExecutionStage
from tests.support.refusals import refused

pytestmark = pytest.mark.asyncio(loop_scope="session")

Type = template_pb2.Template.Type
GREET = {"steps": [{"key": "a", "data": {}, "inputs": {"text": "{{greeting:json}}", "n": "{{n}}"}}]}
PARAMETERS = {
    "type": "object",
    "properties": {"greeting": {"type": "string"}, "n": {"type": "string", "default": "1"}},
    "required": ["greeting"],
}
SAMPLES = {"workspace_id": str(ids.new()), "url": "https://example.com/"}


async def _create(stage: ExecutionStage, **values: Any) -> template_pb2.Template:
    wanted = {"name": "greet", "type": "WORKFLOW", "data": GREET, "parameters": PARAMETERS} | values
    request = pb.CreateTemplateRequest(template=ParseDict(wanted, template_pb2.Template()))
    made: template_pb2.Template = await stage.call("CreateTemplate", request)
    return made


async def _make(stage: ExecutionStage, template_id: str, **values: Any) -> pb.InstantiateTemplateResponse:
    request = ParseDict({"templateId": template_id, "parameters": values}, pb.InstantiateTemplateRequest())
    made: pb.InstantiateTemplateResponse = await stage.call("InstantiateTemplate", request)
    return made


@pytest.mark.parametrize("described", official(), ids=lambda each: each["name"])
async def test_official_template_makes_what_it_says_of_its_parameters(
    stage: ExecutionStage, described: dict[str, Any]
) -> None:
    """Each is listed in every account, has no owner, and passes the checks of what people write."""
    template_id = described["template_id"]
    found = await stage.call("GetTemplate", pb.GetTemplateRequest(template_id=template_id))
    assert (found.is_official, found.user_id) == (True, "")
    listed = await stage.call("ListTemplates", pb.ListTemplatesRequest(category=found.category, is_official=True))
    assert template_id in {each.template_id for each in listed.templates}
    needed = {name: SAMPLES[name] for name in described["parameters"]["required"]}
    made = await _make(stage, template_id, **needed)
    assert made.WhichOneof("made") == described["type"].lower()
    refusal = await refused(_make(stage, template_id, unknown=1))
    assert refusal.reason == "PARAMETERS_DO_NOT_FIT"
    assert (await refused(stage.call("DeleteTemplate", pb.DeleteTemplateRequest(template_id=template_id)))).reason == (
        "TEMPLATE_NOT_FOUND"
    )


async def test_instantiate_template_puts_values_in_the_places_of_parameters(stage: ExecutionStage) -> None:
    """A text with quotes is still one text in an expression; defaults count; what was made is counted."""
    template = await _create(stage)
    made = await _make(stage, template.template_id, greeting='say "hello"')
    step = made.workflow.definition.steps[0]
    assert dict(step.inputs) == {"text": '"say \\"hello\\""', "n": "1"}
    assert (made.workflow.name, made.workflow.version_number) == ("greet", 1)
    refusal = await refused(_make(stage, template.template_id))
    assert (refusal.reason, list(refusal.fields)) == ("PARAMETERS_DO_NOT_FIT", ["parameters"])
    assert (await refused(_make(stage, template.template_id, greeting="a", n="nobody"))).reason == "INVALID_WORKFLOW"
    found = await stage.call("GetTemplate", pb.GetTemplateRequest(template_id=template.template_id))
    assert found.usage_count == 1


async def test_instantiate_template_keeps_whole_numbers_whole(stage: ExecutionStage) -> None:
    """Also those that came as JSON; CEL tells them from others."""
    data = {
        "steps": [{"key": "a", "data": {}, "inputs": {"n": "{{n}} * 60"}, "retry_count": "{{m}}", "on_error": "RETRY"}]
    }
    known = {"n": {"type": "integer"}, "m": {"type": "integer", "default": 3}}
    template = await _create(stage, data=data, parameters={"type": "object", "properties": known})
    step = (await _make(stage, template.template_id, n=30)).workflow.definition.steps[0]
    assert (step.inputs["n"], step.retry_count) == ("30 * 60", 3)


async def test_create_template_of_an_agent_and_of_a_workflow_makes_the_same_again(stage: ExecutionStage) -> None:
    """Texts that are said to be parameters are asked for."""
    agent = await stage.agent({"data": {}, "inputs": {"text": "'for blue'"}}, maxMemory=100)
    wanted = pb.CreateTemplateRequest(
        template=template_pb2.Template(name="t", agent_id=agent.agent_id), replacements={"blue": "colour"}
    )
    template = await stage.call("CreateTemplate", wanted)
    assert (template.type, template.agent_id) == (Type.AGENT, agent.agent_id)
    assert MessageToDict(template.parameters)["required"] == ["colour"]
    made = (await _make(stage, template.template_id, colour="red")).agent
    assert (made.step.inputs["text"], made.max_memory, made.parent_agent_id) == ("'for red'", 100, made.agent_id)
    workflow = await stage.create([{"key": "a", "noop": {}}])
    wanted = pb.CreateTemplateRequest(template=template_pb2.Template(name="t", workflow_id=workflow.workflow_id))
    template = await stage.call("CreateTemplate", wanted)
    again = (await _make(stage, template.template_id)).workflow
    assert again.definition == workflow.definition


async def test_rate_template_counts_each_person_once(stage: ExecutionStage) -> None:
    """What somebody says again is in place of what they said; the average has two decimals."""
    template = await _create(stage, isPublic=True)
    user_id, account_id, rated = stage.user_id, stage.account_id, template
    try:
        for rating, again in ((5, False), (1, True), (2, False), (2, False)):
            if not again:
                stage.user_id, stage.account_id = ids.new(), ids.new()
            request = pb.RateTemplateRequest(template_id=template.template_id, rating=rating)
            rated = await stage.call("RateTemplate", request)
    finally:
        stage.user_id, stage.account_id = user_id, account_id
    assert (rated.rating_average, rated.rating_count) == (1.67, 3)
    assert rated.user_id == ""


async def test_rate_template_of_another_account_says_nowhere_who_made_it(stage: ExecutionStage) -> None:
    """Neither does what is recorded in the account of who rates it, whose people read that."""
    template = await _create(stage, isPublic=True)
    owner, stage.account_id = stage.account_id, ids.new()
    try:
        await stage.call("RateTemplate", pb.RateTemplateRequest(template_id=template.template_id, rating=1))
        recorded = "SELECT account_id, payload FROM outbox UNION ALL SELECT account_id, payload FROM changes"
        statement = f"SELECT payload FROM ({recorded}) AS them WHERE account_id = $1"  # noqa: S608  # names of ours
        (change,) = await stage.rows(statement, stage.account_id)
    finally:
        stage.account_id = owner
    assert template.template_id.encode() in change["payload"]
    assert template.user_id.encode() not in change["payload"]


async def test_list_templates_shows_what_is_public_and_popular_and_nothing_else_of_others(
    stage: ExecutionStage,
) -> None:
    """The one of which most was made is first; deleted ones are gone, and come back."""
    word = str(ids.new())
    hidden = await _create(stage, description=word)
    shown = await _create(stage, description=word, isPublic=True)
    used = await _create(stage, description=word, isPublic=True, tags=["x"])
    for _ in range(2):
        await _make(stage, shown.template_id, greeting="a")
    await _make(stage, hidden.template_id, greeting="a")
    owner, stage.account_id = stage.account_id, ids.new()

    async def popular(**wanted: Any) -> list[str]:
        request = pb.ListPopularTemplatesRequest(words=word, **wanted)
        return [each.template_id for each in (await stage.call("ListPopularTemplates", request)).templates]

    assert await popular() == [shown.template_id, used.template_id]
    assert await popular(tags=["x", "y"]) == [used.template_id]
    get = stage.call("GetTemplate", pb.GetTemplateRequest(template_id=hidden.template_id))
    assert (await refused(get)).reason == "TEMPLATE_NOT_FOUND"
    stage.account_id = owner
    assert await popular() == [shown.template_id, hidden.template_id, used.template_id]
    named = {"template_id": shown.template_id}
    await stage.call("DeleteTemplate", pb.DeleteTemplateRequest(**named))
    assert shown.template_id not in await popular()
    assert (await refused(_make(stage, shown.template_id, greeting="a"))).reason == "TEMPLATE_NOT_FOUND"
    await stage.call("UndeleteTemplate", pb.UndeleteTemplateRequest(**named))
    undeleted = await refused(stage.call("UndeleteTemplate", pb.UndeleteTemplateRequest(**named)))
    assert undeleted.reason == "TEMPLATE_NOT_DELETED"
    assert shown.template_id in await popular()


@pytest.mark.parametrize(
    ("data", "parameters", "reason"),
    [
        ({"steps": [{"key": "a", "data": {}, "inputs": {"n": "{{nobody}}"}}]}, {}, "INVALID_TEMPLATE"),
        ({"steps": [{"key": "a", "nonsense": {}}]}, {}, "INVALID_TEMPLATE"),
        ({"steps": []}, {}, "INVALID_FIELD"),
    ],
)
async def test_instantiate_template_of_which_nothing_can_be_made_is_refused(
    stage: ExecutionStage, data: dict[str, Any], parameters: dict[str, Any], reason: str
) -> None:
    """A parameter without a value, a field that is none, and a rule of the contract."""
    template = await _create(stage, data=data, parameters=parameters)
    assert (await refused(_make(stage, template.template_id))).reason == reason


async def test_create_template_with_parameters_that_are_no_schema_is_refused(stage: ExecutionStage) -> None:
    """It says what is wrong."""
    refusal = await refused(_create(stage, parameters={"type": "array"}))
    assert (refusal.reason, list(refusal.fields)) == ("INVALID_TEMPLATE", ["template.parameters.type"])
