"""Reasons in the contracts and error classes in the code say the same."""

import importlib
import inspect
import re
import string

from stateroom.error.v1 import error_reason_pb2

from chassis.errors import DomainError
from chassis.rpc import status
from tests.support.contracts import ROOT, Rpc, files, rpcs
from tests.support.each import each

CODE_FOLDERS = ("chassis", "services", "runner", "gateway")
DECLARES = re.compile(r'^    reason = "[A-Z_]+"$', re.MULTILINE)


def _load_error_classes() -> None:
    for folder in CODE_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if DECLARES.search(path.read_text()):
                importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def _code(error: type[DomainError]) -> str:
    return next(status.KINDS[kind].name for kind in error.__mro__ if kind in status.KINDS)


def _examples() -> dict[str, set[str]]:
    """Return the metadata keys that the comment of each reason promises."""
    file = next(file for file in files() if file.package == "stateroom.error.v1")
    comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
    promised = {}
    for index, value in enumerate(file.enum_type[0].value):
        example = re.search(r'Example: \{"reason": "(\w+)", "metadata": \{(.*)\}\}', comments[(5, 0, 2, index)])
        if example:
            assert example.group(1) == value.name
            promised[value.name] = set(re.findall(r'"(\w+)": "', example.group(2)))
    return promised


_load_error_classes()
PROMISED = _examples()
REASONS = sorted(set(error_reason_pb2.ErrorReason.keys()) - {"ERROR_REASON_UNSPECIFIED"})
OURS = {reason: error for reason, error in DomainError.registry.items() if not error.__module__.startswith("tests.")}
CLASSES = sorted(OURS.values(), key=lambda error: error.reason)


def test_reasons_and_error_classes_are_the_same() -> None:
    """Each reason has exactly one class that sends it, and no class sends another."""
    assert sorted(OURS) == REASONS


@each(CLASSES, lambda error: error.reason)
def test_error_class_has_one_kind_and_a_name_like_its_reason(error: type[DomainError]) -> None:
    """A reader finds the class of a reason without searching, and it maps to one status code."""
    assert re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", error.__name__).upper() == error.reason
    assert any(kind in status.KINDS for kind in error.__mro__)


@each(CLASSES, lambda error: error.reason)
def test_error_always_carries_the_metadata_that_its_reason_promises(error: type[DomainError]) -> None:
    """The sentence cannot be made without the promised values, and what fills it is the metadata (AIP-193)."""
    message = inspect.cleandoc(error.__doc__ or "")
    placeholders = {name for _, name, _, _ in string.Formatter().parse(message) if name}
    assert message
    assert len(message) < 500
    assert PROMISED[error.reason] <= placeholders


@each(rpcs(), lambda rpc: str(rpc.descriptor.full_name))
def test_comment_of_an_rpc_names_reasons_under_their_codes(rpc: Rpc) -> None:
    """What a comment says about errors is true: the reason exists and has that code."""
    for code, reasons in re.findall(r"([A-Z_]+) \(([A-Z_,\s]+)\)", rpc.comment.replace("\n", " ")):
        for reason in re.split(r",\s*", reasons.strip()):
            assert reason in REASONS
            if reason in DomainError.registry:  # that every reason has a class is a test of its own
                assert _code(DomainError.registry[reason]) == code
