"""Workflows and executions with the command line, through the gateway, in an installation as `make up` starts it."""

from pathlib import Path
from typing import Any

import httpx2

from chassis import ids
from cli.client import Client
from tests.support.embedded_stack import EmbeddedStack
from tests.support.sessions import create_workspace
from tests.support.waiting import until
from tests.support.webhooks import signed_by_github

WORKFLOW = """\
name: {name}
steps:
  - key: sum
    data: {{}}
    inputs: {{total: inputs.a + inputs.b}}
  - key: large
    condition: {{expression: steps.sum.output.total > 10, then: [say]}}
  - key: say
    data: {{}}
    inputs: {{text: "'it is ' + string(steps.sum.output.total)"}}
  - key: rest
    wait: {{duration: {rest}}}
"""


def _file(folder: Path, name: str, rest: str = "0.1s") -> str:
    path = folder / f"{name}.yaml"
    path.write_text(WORKFLOW.format(name=name, rest=rest))
    return str(path)


async def test_cli_run_of_a_file_shows_each_step_until_the_end(embedded_stack: EmbeddedStack, tmp_path: Path) -> None:
    """The steps are told as they end; the execution is listed, and recorded in the audit log."""
    stack = embedded_stack
    shown = await stack.command("run", _file(tmp_path, "adding"), "-i", "a=4", "-i", "b=38", "--watch")
    assert shown.code == 0, shown.errors
    for step in ("sum", "large/say", "large", "rest"):
        assert f"COMPLETED  {step}\n" in shown.errors
    (listed, *_) = (await stack.command("runs", "--json")).json()
    assert (listed["name"], listed["state"], listed["stepsCompleted"]) == ("adding", "COMPLETED", "4")

    async def recorded() -> bool:
        entries = (await stack.command("audit", "list", "--entity", str(listed["executionId"]), "--json")).json()
        return {entry["action"] for entry in entries} == {"execution.started", "execution.completed"}

    await until(recorded)


async def test_cli_run_of_a_workflow_that_fails_says_why(embedded_stack: EmbeddedStack, tmp_path: Path) -> None:
    """Made, activated, found by its name; without its inputs it fails, and so does the command."""
    stack = embedded_stack
    (made,) = (await stack.command("workflow", "create", _file(tmp_path, "missing"), "--activate", "--json")).json()
    assert (made["state"], made["versionNumber"]) == ("ACTIVE", 1)
    failed = await stack.command("run", "missing", "--watch")
    assert (failed.code, "FAILED at sum" in failed.errors) == (4, True), failed.errors
    assert "sum" in (await stack.command("workflow", "show", "missing")).output
    assert "missing" in (await stack.command("workflow", "list")).output


async def test_cli_workflow_validate_lists_everything_that_is_wrong(
    embedded_stack: EmbeddedStack, tmp_path: Path
) -> None:
    """With the key of each step; a file that is right is said to be, and stored neither way."""
    stack = embedded_stack
    right = await stack.command("workflow", "validate", _file(tmp_path, "right"))
    assert (right.code, "nothing wrong" in right.errors) == (0, True), right.errors
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("steps: [{key: a, noop: {}, depends_on: [b]}, {key: c, parallel: {steps: [d]}}]")
    refused = await stack.command("workflow", "validate", str(wrong))
    assert refused.code == 4
    assert f"{wrong}:1: step 'a' depends on 'b', which is no step" in refused.errors
    assert "'d', which is no step" in refused.errors


async def test_cli_agent_is_made_of_a_file_run_and_used_by_a_workflow(
    embedded_stack: EmbeddedStack, tmp_path: Path
) -> None:
    """What is wrong with it is said with its line; a workflow that runs it is exported, and made again of that."""
    stack, file = embedded_stack, tmp_path / "twice.yaml"
    file.write_text("tags: [math]\nstep:\n  key: twice\n  data: {}\n  inputs: {n: inputs.n * 2}\n")
    made = (await stack.command("workflow", "agent", "create", str(file), "--activate", "--json")).json()[0]
    assert (made["name"], made["type"], made["state"]) == ("twice", "DATA", "ACTIVE")
    shown = await stack.command("workflow", "agent", "run", "twice", "-i", "n=21", "--watch")
    assert (shown.code, "42" in shown.output) == (0, True), shown.errors
    assert "twice" in (await stack.command("workflow", "agent", "list", "--tag", "math", "--words", "TWI")).output
    using = tmp_path / "using.yaml"
    using.write_text(f"steps: [{{key: a, agent: {{agent_id: {made['agentId']}}}, inputs: {{n: inputs.n}}}}]")
    await stack.command("workflow", "create", str(using), "--activate")
    assert 'A["a (AGENT)"]' in (await stack.command("workflow", "graph", "using")).output
    again = tmp_path / "again.yaml"
    again.write_text((await stack.command("workflow", "export", "using")).output)
    assert (await stack.command("workflow", "validate", str(again))).code == 0
    refused = await stack.command("workflow", "agent", "delete", "twice")
    assert (refused.code, "in use by using" in refused.errors) == (4, True)


async def test_cli_template_is_published_used_and_rated(embedded_stack: EmbeddedStack, tmp_path: Path) -> None:
    """A text of a workflow becomes a parameter; what is made of it has another in its place."""
    stack, file = embedded_stack, tmp_path / "hail.yaml"
    file.write_text("steps: [{key: a, data: {}, inputs: {text: \"'hail, Rome'\"}}]")
    await stack.command("workflow", "create", str(file), "--activate")
    published = ("publish", "Hail", "--workflow", "hail", "--replace", "Rome=city", "--category", "manners", "--json")
    (template,) = (await stack.command("template", *published)).json()
    template_id = str(template["templateId"])
    used = await stack.command("template", "use", template_id, "-p", "city=Troy", "--name", "troy", "--json")
    (made,) = used.json()
    shown = await stack.command("workflow", "export", str(made["workflowId"]))
    assert "hail, Troy" in shown.output
    rated = (await stack.command("template", "rate", template_id, "4", "--json")).json()[0]
    assert (rated["ratingAverage"], rated["usageCount"]) == (4, "1")
    assert "Hail" in (await stack.command("template", "list", "--category", "manners", "--popular")).output
    assert "Run the tests" in (await stack.command("template", "list", "--official")).output


async def test_cli_execution_survives_the_death_of_the_service(embedded_stack: EmbeddedStack, tmp_path: Path) -> None:
    """The supervisor starts it again, and the execution goes on where it was."""
    stack = embedded_stack
    (started,) = (await stack.command("run", _file(tmp_path, "long", "1s"), "-i", "a=1", "-i", "b=2", "--json")).json()
    await stack.kill("execution")

    async def completed() -> bool:
        shown = await stack.command("execution", "show", str(started["executionId"]), "--json")
        return shown.code == 0 and shown.json()[0]["state"] == "COMPLETED"

    await until(completed)
    steps = (await stack.command("execution", "steps", str(started["executionId"]), "--json")).json()
    assert {step["path"]: step["state"] for step in steps} == {
        "sum": "COMPLETED",
        "large": "COMPLETED",
        "large/say": "SKIPPED",
        "rest": "COMPLETED",
    }


async def test_cli_execution_cancel_ends_it(embedded_stack: EmbeddedStack, tmp_path: Path) -> None:
    """For good."""
    stack = embedded_stack
    (started,) = (
        await stack.command("run", _file(tmp_path, "year", "9000s"), "-i", "a=1", "-i", "b=2", "--json")
    ).json()
    (ended,) = (await stack.command("execution", "cancel", str(started["executionId"]), "--json")).json()
    assert ended["state"] == "CANCELLED"
    watched = await stack.command("execution", "watch", str(started["executionId"]))
    assert (watched.code, "CANCELLED" in watched.errors) == (4, True)


async def test_cli_execution_retry_and_fork_go_on_from_another(embedded_stack: EmbeddedStack, tmp_path: Path) -> None:
    """What was cancelled goes on where it was; at a step it goes on with something else. Both name their origin."""
    stack = embedded_stack
    given = ("-i", "a=1", "-i", "b=2", "--json")
    (started,) = (await stack.command("run", _file(tmp_path, "again", "9000s"), *given)).json()
    execution = str(started["executionId"])

    async def rests() -> bool:
        steps = (await stack.command("execution", "steps", execution, "--json")).json()
        return ("rest", "WAITING") in {(step["path"], step["state"]) for step in steps}

    await until(rests)
    active = (await stack.command("runs", "--active", "--json")).json()
    assert execution in {each["executionId"] for each in active}
    await stack.command("execution", "cancel", execution)
    ended = (await stack.command("runs", "--ended", "--json")).json()
    assert ended[0]["executionId"] == execution
    (retried,) = (await stack.command("execution", "retry", execution, "--json")).json()
    assert (retried["originExecutionId"], retried["stepsCompleted"]) == (execution, "2")
    await stack.command("execution", "cancel", str(retried["executionId"]))
    forked = await stack.command("execution", "fork", execution, "rest", "--output", "null", "--watch")
    assert (forked.code, "COMPLETED" in forked.output) == (0, True), forked.errors


async def test_cli_execution_approve_lets_a_step_go_on(embedded_stack: EmbeddedStack, tmp_path: Path) -> None:
    """The only step that asks needs not be named; to answer again says who did."""
    stack = embedded_stack
    asking = tmp_path / "asking.yaml"
    asking.write_text("{name: asking, steps: [{key: ship, approval: {message: 'Ship it?'}}]}")
    (started,) = (await stack.command("run", str(asking), "--json")).json()
    execution = str(started["executionId"])

    async def listed() -> bool:
        return "Ship it?" in (await stack.command("execution", "approvals")).output

    await until(listed)
    (approved,) = (await stack.command("execution", "approve", execution, "-m", "Go.", "--json")).json()
    assert (approved["state"], approved["comment"], approved["path"]) == ("APPROVED", "Go.", "ship")
    assert (await stack.command("execution", "watch", execution)).code == 0
    refused = await stack.command("execution", "refuse", execution, "ship")
    assert (refused.code, "is APPROVED already" in refused.errors) == (4, True), refused.errors


async def test_cli_schedule_is_made_shown_paused_and_deleted(embedded_stack: EmbeddedStack, tmp_path: Path) -> None:
    """With the next ten times, of one that is not made yet too; what is no schedule is refused."""
    stack = embedded_stack
    await stack.command("workflow", "create", _file(tmp_path, "calendar"), "--activate")
    wanted = ("schedule", "create", "calendar", "--cron", "0 9 * * 1", "--zone", "Asia/Tokyo", "-i", "a=1", "-i", "b=2")
    (made,) = (await stack.command(*wanted, "--misfire", "all", "--json")).json()
    assert (made["state"], made["inputs"]) == ("ENABLED", {"a": "1", "b": "2"})
    assert "'misfireRule': 'ALL'" in str(made["schedule"])
    identity = str(made["triggerId"])
    for named in ((identity,), ("--cron", "0 9 * * 1", "--zone", "Asia/Tokyo")):
        times = (await stack.command("schedule", "next", *named, "--json")).json()
        assert len(times) == 10
        assert all("T00:00:00Z" in str(row) for row in times)
    assert "calendar" in (await stack.command("schedule", "list")).output
    for verb, state in (("pause", "DISABLED"), ("resume", "ENABLED"), ("delete", "DISABLED")):
        (changed,) = (await stack.command("schedule", verb, identity, "--json")).json()
        assert changed["state"] == state
    assert (await stack.command("schedule", "history", identity, "--json")).json() == []
    wrong = await stack.command("schedule", "create", "calendar", "--cron", "0 0 30 2 *")
    assert (wrong.code, "fifty years" in wrong.errors) == (4, True)


async def test_cli_webhook_takes_what_is_signed_over_http_and_nothing_else(
    embedded_stack: EmbeddedStack, tmp_path: Path
) -> None:
    """The gateway passes on the body as it is, and the headers that sign it; what came is listed and redelivered."""
    stack = embedded_stack
    await stack.command("workflow", "create", _file(tmp_path, "hooked"), "--activate")
    wanted = ("webhook", "create", "hooked", "--github", "-i", "a=event.body.size", "-i", "b=1", "--json")
    (made,) = (await stack.command(*wanted)).json()
    url, secret, identity = str(made["url"]), str(made["secret"]), str(made["triggerId"])
    body = b' {"size": 41}\n'
    headers = signed_by_github(secret, body, "first") | {"content-type": "application/json; charset=utf-8"}
    async with httpx2.AsyncClient() as sender:
        answers = [await sender.post(url, content=body, headers=headers) for _ in range(2)]
        assert [(each.status_code, each.json()["decision"]) for each in answers] == [(200, "STARTED")] * 2
        assert answers[0].json() == answers[1].json()
        changed = await sender.post(url, content=body + b" ", headers=headers)
        assert (changed.status_code, "SIGNATURE_REFUSED" in changed.text) == (401, True)
        large = b"a" * (1 << 20) + b"a"
        answer = await sender.post(url, content=large, headers=signed_by_github(secret, large, "second"))
        assert answer.status_code == 413
    watched = await stack.command("execution", "watch", str(answers[0].json()["executionId"]))
    assert (watched.code, "COMPLETED  large/say" in watched.errors) == (0, True), watched.errors
    (delivery,) = (await stack.command("webhook", "deliveries", identity, "--json")).json()
    await stack.command("webhook", "redeliver", str(delivery["deliveryId"]))
    told = (await stack.command("webhook", "history", identity, "--json")).json()
    assert [each["decision"] for each in told] == ["STARTED", "REFUSED", "STARTED"]
    assert "hooked" in (await stack.command("webhook", "list")).output
    (renewed,) = (await stack.command("webhook", "renew", identity, "--json")).json()
    assert renewed["secret"] not in {secret, ""}
    assert (await stack.command("webhook", "delete", identity)).code == 0


async def test_change_of_another_service_starts_an_execution(
    embedded_stack: EmbeddedStack, client: Client, tmp_path: Path
) -> None:
    """A workspace that is made; its expressions see the resource by the names of its contract."""
    stack = embedded_stack
    (made,) = (await stack.command("workflow", "create", _file(tmp_path, "watcher"), "--activate", "--json")).json()
    wanted = {
        "name": "told",
        "parentWorkflowId": made["parentWorkflowId"],
        "event": {"entityType": "workspace", "changeTypes": ["created"], "condition": "event.after.name == 'noticed'"},
        "inputs": {"a": "size(event.after.name)", "b": "event.before == null ? 40 : 0"},
    }
    trigger = await client.post("/v1/triggers", wanted)
    for name in ("unnoticed", "noticed"):
        await create_workspace(client, name)
    path = f"/v1/triggers/{trigger['triggerId']}"

    async def started() -> bool:
        return bool((await client.get(f"{path}/occurrences")).get("occurrences"))

    await until(started)
    (told,) = (await client.get(f"{path}/occurrences"))["occurrences"]
    assert told["decision"] == "STARTED", told
    watched = await stack.command("execution", "watch", told["executionId"])
    assert (watched.code, "COMPLETED  large/say" in watched.errors) == (0, True), watched.errors


async def test_cli_execution_logs_shows_why_a_step_failed(embedded_stack: EmbeddedStack, tmp_path: Path) -> None:
    """As a list, and followed to the end."""
    stack = embedded_stack
    (started,) = (await stack.command("run", _file(tmp_path, "logged"), "--json")).json()
    followed = await stack.command("execution", "logs", "-f", str(started["executionId"]))
    assert (followed.code, "ERROR    sum  EXPRESSION_FAILED" in followed.errors) == (0, True), followed.errors
    listed = await stack.command("execution", "logs", str(started["executionId"]), "--level", "error", "--json")
    assert [line["path"] for line in listed.json()] == ["sum"]


async def test_cli_trigger_starts_what_a_change_calls_for_and_is_listed_with_all_others(
    embedded_stack: EmbeddedStack, tmp_path: Path
) -> None:
    """A change that its condition leaves out starts nothing; what names no change is refused."""
    stack = embedded_stack
    activated = await stack.command("workflow", "create", _file(tmp_path, "room-changes"), "--activate")
    assert activated.code == 0, activated.errors
    wanted = ("--on", "workspace.created", "--if", "event.after.name == 'told-room'", "-i", "a=1", "-i", "b=2")
    created = await stack.command("trigger", "create", "room-changes", *wanted, "--json")
    assert created.code == 0, created.errors
    (made,) = created.json()
    assert (made["type"], made["state"]) == ("EVENT", "ENABLED")
    identity = str(made["triggerId"])
    for name in ("another-room", "told-room"):
        assert (await stack.command("workspace", "create", name)).code == 0

    async def decided() -> bool:
        told = (await stack.command("trigger", "history", identity, "--json")).json()
        return [each["decision"] for each in told] == ["STARTED"]

    await until(decided)
    assert f"{identity}  EVENT" in (await stack.command("trigger", "list")).output
    assert (await stack.command("trigger", "delete", identity)).code == 0
    wrong = await stack.command("trigger", "create", "room-changes", "--on", "workspace.")
    assert (wrong.code, "'workspace.' names no change" in wrong.errors) == (1, True)


async def test_cli_secret_is_set_listed_and_deleted_without_being_shown(embedded_stack: EmbeddedStack) -> None:
    """It is read from standard input; the audit log tells what was done, and not with what."""
    stack, name = embedded_stack, f"CLI_{ids.new().hex}"
    kept = await stack.command("secret", "set", name, "--json", stdin=b"a secret value\n")
    assert kept.code == 0, kept.errors
    listed = await stack.command("secret", "list", "--json", "--limit", "300")
    assert name in {each["name"] for each in listed.json()}
    deleted = await stack.command("secret", "delete", name)
    assert deleted.code == 0, deleted.errors
    assert "a secret value" not in kept.output + listed.output + deleted.output
    secret_id = str(kept.json()[0]["secretId"])

    async def recorded() -> bool:
        entries = (await stack.command("audit", "list", "--entity", secret_id, "--json")).json()
        return {entry["action"] for entry in entries} == {"secret.created", "secret.deleted"}

    await until(recorded)


async def test_cli_deployment_is_invoked_with_its_key_moved_on_and_rolled_back(
    embedded_stack: EmbeddedStack, tmp_path: Path
) -> None:
    """The key alone starts what is in force, over the gateway; without it nothing is started."""
    stack, file = embedded_stack, tmp_path / "greets.yaml"

    file.write_text("steps: [{key: a, data: {}, inputs: {said: \"'hail ' + inputs.name\"}}]")
    (first,) = (await stack.command("workflow", "create", str(file), "--activate", "--json")).json()
    step = {"key": "a", "data": {}, "inputs": {"said": "'hello ' + inputs.name"}}
    async with stack.client() as client:
        path = f"/v1/workflows/{first['workflowId']}"
        second = await client.update(path, {"definition": {"steps": [step]}}, etag="*")
        await client.post(f"/v1/workflows/{second['workflowId']}:activate", {})

    async def said(key: object) -> object:
        (invoked,) = (await stack.command(*invoke, stdin=f"{key}\n".encode())).json()
        output: Any = invoked["output"]
        return output["said"]

    (made,) = (await stack.command("deployment", "create", str(first["workflowId"]), "--start", "--json")).json()
    identity, key = str(made["deploymentId"]), str(made["key"])
    invoke = ("deployment", "invoke", identity, "-i", "name=Ada", "--json")
    assert await said(key) == "hail Ada"
    refused = await stack.command(*invoke, stdin=b"srd_nothing\n")
    assert (refused.code != 0, "X-Deployment-Key" in refused.errors) == (True, True)
    await stack.command("deployment", "deploy", identity, str(second["workflowId"]))
    assert await said(key) == "hello Ada"
    await stack.command("deployment", "rollback", identity)
    assert await said(key) == "hail Ada"
    assert len((await stack.command("runs", "--deployment", identity, "--json")).json()) == 3
    (renewed,) = (await stack.command("deployment", "key", identity, "--json")).json()
    assert await said(renewed["key"]) == "hail Ada"
    assert len((await stack.command("deployment", "history", identity, "--json")).json()) == 3
    for verb, state in (("maintenance", "MAINTENANCE"), ("start", "RUNNING"), ("stop", "STOPPED")):
        (changed,) = (await stack.command("deployment", verb, identity, "--json")).json()
        assert changed["state"] == state
    (shown,) = (await stack.command("deployment", "get", identity, "--json")).json()
    numbers: Any = shown["numbers"]
    assert numbers["requestCount"] == "4"
    assert "greets" in (await stack.command("deployment", "list", "--state", "stopped")).output
    assert (await stack.command("deployment", "delete", identity)).code == 0


async def test_cli_models_tells_what_an_execution_used(embedded_stack: EmbeddedStack) -> None:
    """Nothing, of one that asks none."""
    async with embedded_stack.client() as client:
        started = await client.post("/v1/executions", {"definition": {"steps": [{"key": "a", "noop": {}}]}})
    told = await embedded_stack.command("execution", "models", str(started["executionId"]))
    assert (told.code, "0 tokens read" in told.errors) == (0, True), (told.output, told.errors)
