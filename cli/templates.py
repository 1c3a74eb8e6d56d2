"""`stateroom template …`: what workflows, agents and steps are made of."""

from typing import Annotated

import typer

from cli import context, resolve
from cli.client import Client, Json, Parameter
from cli.context import AccountOption, JsonOption, LimitOption
from cli.executions import given_inputs
from cli.render import Output
from cli.workflow_agents import FIELDS as AGENT_FIELDS
from cli.workflows import FIELDS as WORKFLOW_FIELDS
from cli.workflows import TagOption, WordsOption

app = typer.Typer(no_args_is_help=True, help="Templates: what workflows, agents and steps are made of.")

Template = Annotated[str, typer.Argument(metavar="TEMPLATE", help="Its id, as `list` shows it.")]
FIELDS = (
    "templateId",
    "name",
    "description",
    "tags",
    "type",
    "category",
    "isOfficial",
    "isPublic",
    "usageCount",
    "ratingAverage",
    "ratingCount",
    "workflowId",
    "agentId",
    "parameters",
    "deleteTime",
)
COLUMNS = {
    "templateId": "ID",
    "name": "NAME",
    "type": "TYPE",
    "category": "CATEGORY",
    "usageCount": "USED",
    "ratingAverage": "RATING",
}


@app.command("list")
def list_templates(
    *,
    category: Annotated[str, typer.Option(help="Only those of this category.")] = "",
    words: WordsOption = "",
    tag: TagOption = None,
    popular: Annotated[bool, typer.Option("--popular", help="Those first of which most was made.")] = False,
    official: Annotated[bool, typer.Option("--official", help="Only those that come with Stateroom.")] = False,
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List your templates, official ones, and those that other accounts show; newest first."""
    chosen: dict[str, str | list[str]] = {
        "category": category,
        "words": words,
        "tags": tag or [],
        "isOfficial": "true" if official else "",
    }
    filters: dict[str, Parameter] = {name: value for name, value in chosen.items() if value}

    async def work(client: Client, output: Output) -> None:
        path = "/v1/templates:popular" if popular else "/v1/templates"
        pages = client.pages(path, "templates", limit=limit, **filters)
        output.rows([each async for each in pages], COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def show(template: Template, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show a template and its parameters."""

    async def work(client: Client, output: Output) -> None:
        found = await client.get(resolve.path_of("template", template))
        output.resource(found, (*FIELDS, "data") if as_json else FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def use(
    template: Template,
    given: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="JSON, or else a text.")
    ] = None,
    name: Annotated[str, typer.Option(help="What it is called; as the template unless said.")] = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a workflow or an agent of a template, as a draft; of a step, show it."""

    async def work(client: Client, output: Output) -> None:
        wanted: Json = {"parameters": given_inputs(given), "name": name}
        made = await client.post(f"{resolve.path_of('template', template)}:instantiate", wanted)
        if "step" in made:
            output.json(made["step"])
            return
        fields = WORKFLOW_FIELDS if "workflow" in made else AGENT_FIELDS
        output.resource(made.get("workflow") or made["agent"], fields)
        output.say("It is a draft.")

    context.run(work, as_json=as_json, account=account)


@app.command()
def publish(  # what a template has, each by its own name
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    workflow: Annotated[str, typer.Option(help="The workflow it is made of, by name or id.")] = "",
    agent: Annotated[str, typer.Option(help="The agent it is made of, by name or id.")] = "",
    category: Annotated[str, typer.Option(help="Where it belongs.")] = "",
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    replace: Annotated[
        list[str] | None, typer.Option(metavar="TEXT=PARAMETER", help="A text in it that becomes a parameter.")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Show it to every account.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a template of a workflow or an agent."""

    async def work(client: Client, output: Output) -> None:
        wanted: Json = {"name": name, "category": category, "description": description, "isPublic": public}
        if workflow:
            wanted["workflowId"] = await resolve.workflow_id(client, workflow)
        if agent:
            wanted["agentId"] = await resolve.agent_id(client, agent)
        replacements = dict(resolve.pair(text, "TEXT=PARAMETER") for text in replace or ())
        made = await client.post("/v1/templates", {"template": wanted, "replacements": replacements})
        output.resource(made, FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def rate(
    template: Template,
    rating: Annotated[int, typer.Argument(min=1, max=5, help="From 1 to 5.")],
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say what you think of a template, in place of what you said before."""

    async def work(client: Client, output: Output) -> None:
        path = f"{resolve.path_of('template', template)}:rate"
        output.resource(await client.post(path, {"rating": rating}), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def delete(template: Template, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Delete a template; what was made of it stays."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.delete(resolve.path_of("template", template)), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def undelete(template: Template, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Bring a deleted template back."""

    async def work(client: Client, output: Output) -> None:
        path = f"{resolve.path_of('template', template)}:undelete"
        output.resource(await client.post(path, {}), FIELDS)

    context.run(work, as_json=as_json, account=account)
