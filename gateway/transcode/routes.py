"""Finds the method for an HTTP method and path. Literals win over wildcards, wildcards over `**`."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.errors import InvalidUnicode, MethodNotAllowed, RouteNotFound
from gateway.transcode.schema import WHOLE_BODY, Field, HttpBinding, Method, Schema, holds_content
from gateway.transcode.template import DEEP_WILDCARD, WILDCARD, Template, TemplateError, parse_template, variable_value


@dataclass(frozen=True, slots=True)
class Route:
    """One HTTP mapping of one method."""

    method: Method
    binding: HttpBinding
    template: Template

    @property
    def body_field(self) -> Field | None:
        """The field of the request that the body holds; None when it holds the whole request or nothing."""
        return self.method.request.fields.get(self.binding.body)

    @property
    def takes_content(self) -> bool:
        """Whether the body is content of any type, a google.api.HttpBody, and no JSON."""
        if self.binding.body == WHOLE_BODY:
            return self.method.request.is_content
        return self.body_field is not None and holds_content(self.body_field)

    @property
    def shared_prefix(self) -> str:
        """The sub-message that all path variables of a stream live in, whose fields the query may name directly."""
        prefixes = {item.field_path.rpartition(".")[0] for item in self.template.variables}
        return prefixes.pop() if self.method.client_streaming and len(prefixes) == 1 else ""

    def path_values(self, segments: list[str]) -> dict[str, str]:
        """Return field path → decoded value for the raw segments of a path that this route matched."""
        values = {}
        for item in self.template.variables:
            try:
                values[item.field_path] = variable_value(item, segments)
            except InvalidUnicode as exc:
                raise InvalidUnicode(self.parameter_name(item.field_path)) from exc
        return values

    def parameter_name(self, field_path: str) -> str:
        """Return the name of a path's parameter: the field's JSON name, without those of the messages around it."""
        return self.method.request.resolve(field_path)[-1].json_name


@dataclass(slots=True)
class _Node:
    """A point in the tree of segments; `leaves` has the routes that end here: verb → HTTP method → route."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    leaves: dict[str, dict[str, Route]] = field(default_factory=dict)


class Routes:
    """All routes of a schema, as a tree of path segments."""

    def __init__(self, schema: Schema) -> None:
        self._root = _Node()
        for method in schema.methods:
            for binding in method.bindings:
                self._add(Route(method, binding, parse_template(binding.path)))

    def _add(self, route: Route) -> None:
        for variable in route.template.variables:
            if not route.method.request.resolve(variable.field_path):
                msg = f"{route.binding.path!r}: {route.method.request.full_name} has no field {variable.field_path}"
                raise TemplateError(msg)
        _check_body(route)
        node = self._root
        for segment in route.template.segments:
            node = node.children.setdefault(segment, _Node())
        leaf = node.leaves.setdefault(route.template.verb, {})
        taken = leaf.setdefault(route.binding.http_method, route)
        if taken is not route:
            msg = f"{route.binding.http_method} {route.binding.path} is taken by {taken.method.grpc_path}"
            raise TemplateError(msg)

    def allowed(self, raw_path: str) -> tuple[str, ...]:
        """Return the HTTP methods that a path takes, in alphabetical order; none when no template matches it."""
        allowed = {method for _, leaf in self._matches(raw_path) for method in leaf}
        return tuple(sorted(allowed | ({"HEAD"} if "GET" in allowed else set())))

    def _matches(self, raw_path: str) -> Iterator[tuple[list[str], dict[str, Route]]]:
        """Yield the readings of a path's segments, each with the routes that end there, the best first."""
        segments = raw_path.removeprefix("/").split("/")
        head, _, verb = segments[-1].rpartition(":")
        readings = [([*segments[:-1], head], verb)] if verb and head else []
        for reading, ending in [*readings, (segments, "")]:
            for leaf in _leaves(self._root, reading, 0, ending):
                yield reading, leaf

    def find(self, http_method: str, raw_path: str) -> tuple[Route, list[str]]:
        """Return the route and the path's raw segments, without the verb.

        HEAD finds what GET finds. Only a colon that is not percent-encoded begins a verb.

        Raises:
            RouteNotFound: no template matches the path.
            MethodNotAllowed: templates match the path, but none for this HTTP method.
        """
        wanted = "GET" if http_method == "HEAD" else http_method
        for reading, leaf in self._matches(raw_path):
            if wanted in leaf:
                return leaf[wanted], reading
        allowed = self.allowed(raw_path)
        if not allowed:
            raise RouteNotFound(raw_path)
        raise MethodNotAllowed(http_method, allowed)


def _check_body(route: Route) -> None:
    """Refuse a rule whose body or answer is a field that the message does not have. Raises TemplateError."""
    method, binding = route.method, route.binding
    for name, message in ((binding.body, method.request), (binding.response_body, method.response)):
        if name and name != WHOLE_BODY and name not in message.fields:
            msg = f"{binding.path!r}: {message.full_name} has no field {name}"
            raise TemplateError(msg)


def _leaves(node: _Node, segments: list[str], at: int, verb: str) -> Iterator[dict[str, Route]]:
    """Yield what matches `segments[at:]` below the node, the most literal first.

    The depth of the recursion is that of the templates, not of the path.
    """
    deep = node.children.get(DEEP_WILDCARD)
    if at == len(segments):
        if verb in node.leaves:
            yield node.leaves[verb]
    else:
        segment = segments[at]
        literal = node.children.get(segment) if segment not in {WILDCARD, DEEP_WILDCARD} else None
        if literal is not None:
            yield from _leaves(literal, segments, at + 1, verb)
        wildcard = node.children.get(WILDCARD)
        has_unknown_verb = not verb and at == len(segments) - 1 and ":" in segment
        if wildcard is not None and segment and not has_unknown_verb:
            yield from _leaves(wildcard, segments, at + 1, verb)
    if deep is not None and verb in deep.leaves:
        yield deep.leaves[verb]
