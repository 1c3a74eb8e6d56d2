"""A workflow as a file in YAML, and as a graph."""

from collections.abc import Iterable
from typing import Any

import yaml
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.json_format import MessageToDict
from stateroom.api.v1.content_pb2 import ContentInfo
from stateroom.execution.v1 import workflow_life_service_pb2 as pb
from stateroom.execution.v1.workflow_pb2 import Step

from services.execution.definitions.convert import definition_to_proto
from services.execution.definitions.domain import Workflow
from services.execution.definitions.outline import Outline


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML is untyped
    """Writes texts of several lines as they are, and never a reference to what stood before."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # PyYAML asks about each value
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  # PyYAML's own names
        """Have lists stand a little to the right of what they are part of."""
        super().increase_indent(flow, False)  # noqa: FBT003  # as above


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def file_of(workflow: Workflow) -> HttpBody:
    """Return a file that the command line makes the same workflow of."""
    described: dict[str, Any] = {"name": workflow.name, "description": workflow.description, "tags": [*workflow.tags]}
    described |= {"is_public": workflow.is_public, "max_concurrent_executions": workflow.max_concurrent_executions}
    document = {name: value for name, value in described.items() if value}
    document |= MessageToDict(definition_to_proto(workflow.definition), preserving_proto_field_name=True)
    text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    body = HttpBody(content_type="application/yaml", data=text.encode())
    body.extensions.add().Pack(ContentInfo(file_name=f"{workflow.workflow_id}.yaml"))
    return body


def graph_of(workflow: Workflow) -> pb.WorkflowGraph:
    """Return which steps are inside which, and which wait for which."""
    outline = Outline(workflow.definition)
    nodes = (
        pb.WorkflowGraph.Node(
            key=step.key,
            name=step.name,
            type=Step.Type.Value(step.type.name),
            inside=outline.home[step.key][0],
            branch=outline.home[step.key][1],
        )
        for step in workflow.definition.steps
    )
    return pb.WorkflowGraph(nodes=nodes, edges=_edges(outline))


def _edges(outline: Outline) -> Iterable[pb.WorkflowGraph.Edge]:
    for group in outline.groups.values():
        for target, sources in group.needs.items():
            yield from (pb.WorkflowGraph.Edge(source=source, target=target) for source in sources)
