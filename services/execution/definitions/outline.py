"""Which steps belong together, and in what order: the groups of a definition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from services.execution.definitions.domain import Definition, Step, Type

TOP = ("", "")
"""The group of the steps that no step names."""

GroupId = tuple[str, str]
"""The key of the step that names the group, and the field in which it does."""


@dataclass(frozen=True, slots=True)
class Group:
    """Steps that one place names. `needs` says which of them each waits for."""

    steps: tuple[Step, ...]
    needs: Mapping[str, tuple[str, ...]]

    @property
    def last(self) -> str:
        """The key of the last of them; its output is that of the group."""
        return self.steps[-1].key


def named(step: Step) -> Iterator[tuple[GroupId, tuple[str, ...]]]:
    """Yield the groups that a step names, with the keys in them, also those without any."""
    for name in ("then", "otherwise") if step.type is Type.CONDITION else ("steps",):
        if step.type in {Type.CONDITION, Type.LOOP, Type.PARALLEL}:
            yield (step.key, name), getattr(step, name)


@dataclass(frozen=True)
class Outline:
    """The groups of a definition that has no problems, or of one that is looked at for problems."""

    definition: Definition

    @cached_property
    def steps(self) -> Mapping[str, Step]:
        """The steps by their keys."""
        return {step.key: step for step in self.definition.steps}

    @cached_property
    def home(self) -> Mapping[str, GroupId]:
        """The group of each step by its key."""
        inside = {key: group for step in self.definition.steps for group, keys in named(step) for key in keys}
        return {step.key: inside.get(step.key, TOP) for step in self.definition.steps}

    @cached_property
    def groups(self) -> Mapping[GroupId, Group]:
        """All groups; their steps are in the order of the definition."""
        found: dict[GroupId, list[Step]] = {TOP: []}
        found |= {group: [] for step in self.definition.steps for group, _ in named(step)}
        for step in self.definition.steps:
            found[self.home[step.key]].append(step)
        return {group: Group(tuple(steps), self._needs(group, steps)) for group, steps in found.items()}

    def _needs(self, group: GroupId, steps: list[Step]) -> Mapping[str, tuple[str, ...]]:
        owner = self.steps.get(group[0])
        if any(step.depends_on for step in steps) or (owner is not None and owner.type is Type.PARALLEL):
            return {step.key: step.depends_on for step in steps}
        before = [(), *((step.key,) for step in steps)]
        return {step.key: needed for step, needed in zip(steps, before, strict=False)}
