"""Path templates: what google.api.http allows, and what variables take."""

import pytest

from gateway.errors import InvalidUnicode
from gateway.transcode.template import TemplateError, parse_template, variable_value


@pytest.mark.parametrize(
    ("text", "segments", "fields", "verb"),
    [
        ("/v1/users/me", ("v1", "users", "me"), [], ""),
        ("/v1/users/{user_id}", ("v1", "users", "*"), ["user_id"], ""),
        ("/v1/{a.b=x/*/**}", ("v1", "x", "*", "**"), ["a.b"], ""),
        ("/v1/{name=shelves/*}/books/*", ("v1", "shelves", "*", "books", "*"), ["name"], ""),
        ("/v1/sessions/{attach.session_id}:attach", ("v1", "sessions", "*"), ["attach.session_id"], "attach"),
        ("/**", ("**",), [], ""),
    ],
)
def test_parse_template_valid_gives_parts(text: str, segments: tuple[str, ...], fields: list[str], verb: str) -> None:
    """Segments, variables and verb come out as http.proto describes them."""
    template = parse_template(text)
    assert template.segments == segments
    assert [variable.field_path for variable in template.variables] == fields
    assert template.verb == verb


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v1",
        "/",
        "/v1/",
        "//v1",
        "/{}",
        "/{a",
        "/{a=}",
        "/{a={b}}",
        "/**/x",
        "/{a}/{a}",
        "/{1a}",
        "/x:",
        "/x:y:z",
        "/a}",
    ],
)
def test_parse_template_broken_is_refused(text: str) -> None:
    """A contract with a broken path stops the start."""
    with pytest.raises(TemplateError):
        parse_template(text)


@pytest.mark.parametrize(
    ("text", "segments", "value"),
    [
        ("/v1/{a}", ["v1", "x%2Fy%20z"], "x/y z"),
        ("/v1/{a}", ["v1", "a+b"], "a+b"),
        ("/v1/{a=x/*}", ["v1", "x", "p%2fq%41"], "x/p%2fqA"),
        ("/v1/{a=**}", ["v1", "x", "y"], "x/y"),
        ("/v1/{a=**}", ["v1"], ""),
    ],
)
def test_variable_value_encoded_decodes_as_specified(text: str, segments: list[str], value: str) -> None:
    """One segment is decoded fully; over several segments an encoded slash stays encoded."""
    assert variable_value(parse_template(text).variables[0], segments) == value


def test_variable_value_not_utf8_is_refused() -> None:
    """Bytes that are no UTF-8 name the field."""
    with pytest.raises(InvalidUnicode, match="name"):
        variable_value(parse_template("/{name}").variables[0], ["%ff"])
