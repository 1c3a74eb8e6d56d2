"""Workflows in files: what is wrong with them, with its place."""

from pathlib import Path

import pytest

from cli.documents import located, read, read_agent
from cli.errors import WrongUse
from cli.workflow_life import drawn

FILE = """\
name: release
steps:
  - key: build
    noop: {}
    depends_on: [nobody]
  - key: ship
    wait: {duration: 0s}
"""


def test_located_of_a_refusal_names_the_line_and_the_step_of_each_problem(tmp_path: Path) -> None:
    """What is about a field stands at its line, else at that of its step; what is about no step stays as it is."""
    file = tmp_path / "release.yaml"
    file.write_text(FILE)
    refusal = (
        "The workflow has problems (2): workflow.definition.steps[0].depends_on: step 'build' depends on 'nobody'\n"
        "workflow.definition.steps[1].wait.duration: must be greater than 0s\n"
        "workflow.definition.steps[1].retryDelay: must be less\n"
        "workflow.name: is too long"
    )
    assert located(file)(refusal).splitlines() == [
        f"The workflow has problems (2): {file}:5: step 'build' depends on 'nobody'",
        f"{file}:7: step 'ship': wait: must be greater than 0s",
        f"{file}:6: step 'ship': retry_delay: must be less",
        "workflow.name: is too long",
    ]


def test_read_of_a_file_is_called_as_the_file_unless_it_says_otherwise(tmp_path: Path) -> None:
    """Steps are the definition of a workflow, and a step is that of an agent."""
    file = tmp_path / "tidy.yaml"
    file.write_text("steps: [{key: a, noop: {}}]\nis_public: true")
    assert read(file) == {
        "name": "tidy",
        "is_public": True,
        "definition": {"steps": [{"key": "a", "noop": {}}]},
    }
    with pytest.raises(WrongUse, match="describes no agent; it has to have `step`"):
        read_agent(file)
    file.write_text("step: {key: a, data: {}}\nmemory: 1")
    with pytest.raises(WrongUse, match="has memory; an agent has capabilities"):
        read_agent(file)


def test_drawn_of_a_graph_has_steps_inside_steps_and_an_arrow_for_each_order() -> None:
    """Branches of a condition are told apart where there are two."""
    graph = {
        "nodes": [
            {"key": "first", "type": "NOOP"},
            {"key": "large", "type": "CONDITION"},
            {"key": "a", "type": "DATA", "inside": "large", "branch": "then"},
            {"key": "b", "type": "DATA", "inside": "large", "branch": "otherwise"},
        ],
        "edges": [{"source": "first", "target": "large"}],
    }
    assert list(drawn(graph)) == [
        "flowchart TD",
        '  FIRST["first (NOOP)"]',
        '  subgraph LARGE["large (CONDITION)"]',
        "    subgraph LARGE-then[then]",
        '      A["a (DATA)"]',
        "    end",
        "    subgraph LARGE-otherwise[otherwise]",
        '      B["b (DATA)"]',
        "    end",
        "  end",
        "  FIRST --> LARGE",
    ]
