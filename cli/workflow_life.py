"""`stateroom workflow …`: what becomes of versions, and how they are shown."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from cli import context, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption
from cli.errors import WrongUse
from cli.render import Output
from cli.workflows import FIELDS, Workflow


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    for verb in (deactivate, archive, undelete, export, graph):
        app.command()(verb)


def deactivate(workflow: Workflow, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Let no execution be started from a version; also brings back one that was archived."""
    _change(workflow, "deactivate", account, as_json=as_json)


def archive(workflow: Workflow, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Only keep a version; to be activated it has to be deactivated first."""
    _change(workflow, "archive", account, as_json=as_json)


def undelete(workflow: Workflow, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Bring a deleted version back."""
    _change(workflow, "undelete", account, as_json=as_json)


def export(
    workflow: Workflow,
    output_file: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Standard output when absent.")
    ] = None,
    account: AccountOption = "",
) -> None:
    """Write a workflow as a file in YAML, of which `create` makes the same."""

    async def work(client: Client, _: Output) -> None:
        path = f"/v1/workflows/{await resolve.workflow_id(client, workflow)}:export"
        text = b"".join([piece async for piece in client.download(path)]).decode()
        if output_file is None:
            sys.stdout.write(text)
            return
        try:
            output_file.write_text(text)
        except OSError as error:
            msg = f"{output_file} cannot be written: {error.strerror}."
            raise WrongUse(msg) from error

    context.run(work, as_json=False, account=account)


def graph(workflow: Workflow, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Draw a workflow: which steps are inside which, and wait for which, in the language of Mermaid."""

    async def work(client: Client, output: Output) -> None:
        found = await client.get(f"/v1/workflows/{await resolve.workflow_id(client, workflow)}:graph")
        if as_json:
            output.json(found)
            return
        sys.stdout.writelines(f"{line}\n" for line in drawn(found))

    context.run(work, as_json=as_json, account=account)


def drawn(found: Json) -> Iterator[str]:
    """Yield the lines of a graph as Mermaid has them. Keys are in capitals there: `end` is a word of its own."""
    yield "flowchart TD"
    yield from _group(found.get("nodes", []), "", "", "  ")
    yield from (f"  {edge['source'].upper()} --> {edge['target'].upper()}" for edge in found.get("edges", []))


def _group(nodes: list[Json], inside: str, branch: str, indent: str) -> Iterator[str]:
    for node in nodes:
        if (node.get("inside", ""), node.get("branch", "")) != (inside, branch):
            continue
        key, label = node["key"], f'"{node["key"]} ({node["type"]})"'
        branches = list(dict.fromkeys(each["branch"] for each in nodes if each.get("inside") == key))
        if not branches:
            yield f"{indent}{key.upper()}[{label}]"
            continue
        yield f"{indent}subgraph {key.upper()}[{label}]"
        for each in branches:
            if len(branches) > 1:
                yield f"{indent}  subgraph {key.upper()}-{each}[{each}]"
            yield from _group(nodes, key, each, f"{indent}{'    ' if len(branches) > 1 else '  '}")
            if len(branches) > 1:
                yield f"{indent}  end"
        yield f"{indent}end"


def _change(workflow: str, verb: str, account: str, *, as_json: bool) -> None:
    async def work(client: Client, output: Output) -> None:
        path = f"/v1/workflows/{await resolve.workflow_id(client, workflow)}:{verb}"
        output.resource(await client.post(path, {}), FIELDS)

    context.run(work, as_json=as_json, account=account)
