"""What the images are built of: without building one, everything that a build would stumble over."""

import importlib.util
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support import compose

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "deploy" / "images"
DOCKERFILES = sorted(IMAGES.glob("*.Dockerfile"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NOT_IN_IMAGES = {"bench", "dev"}
"""Extras that only developers need."""

OPTIONAL = {
    *(
        "attrs",
        "greenlet",
        "grpcio-tools",
        "markdown-it-py",
        "mdurl",
        "opentelemetry-api",
        "pygments",
        "rich",
        "setuptools",
    ),
    "stateroom",
}
"""What distributions import if it is there, and the project itself; no runner needs it."""
PORTABLE = {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "FROM", "LABEL", "RUN", "USER", "WORKDIR"}


def _instructions(file: Path) -> Iterator[tuple[str, list[str]]]:
    """Return the instructions of a Dockerfile with their words, continued lines joined."""
    text = re.sub(r"^#.*\n", "", file.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, rest = line.partition(" ")
        yield name, shlex.split(rest) if name == "COPY" else rest.split()


def _closure(*names: str) -> set[str]:
    """Return what the named distributions need here, themselves included, as it is installed."""
    found: set[str] = set()
    waiting = [Requirement(name) for name in names]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name not in found:
            found.add(name)
            needs = map(Requirement, metadata.requires(name) or ())
            waiting += [needed for needed in needs if _applies(needed, wanted.extras)]
    return found


def _applies(needed: Requirement, extras: set[str]) -> bool:
    return needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras))


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.stem)
def test_dockerfile_is_portable_and_copies_what_there_is(file: Path) -> None:
    """Every builder knows its instructions, each source is there and in the context, and nothing runs as root."""
    instructions = list(_instructions(file))
    assert {name for name, _ in instructions} <= PORTABLE
    assert not any(word.startswith("--mount") for name, words in instructions for word in words if name == "RUN")
    context = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for name, words in instructions:
        if name == "COPY" and not words[0].startswith("--from"):
            for source in words[:-1]:
                assert (ROOT / source).exists(), source
                assert any(source == kept or source.startswith(f"{kept}/") for kept in context), source
    assert [words for name, words in instructions if name == "USER"][-1] == ["10001:10001"]


def test_services_image_has_every_extra_but_those_of_developers() -> None:
    """A new extra is in the image, or among those that are not."""
    (file,) = (file for file in DOCKERFILES if file.stem == "services")
    asked = set(re.findall(r"--extra (\S+)", file.read_text()))
    assert asked == set(PROJECT["optional-dependencies"]) - NOT_IN_IMAGES


def test_images_use_the_uv_that_developers_use() -> None:
    """What chooses from the lock here and there is the same."""
    (version,) = re.findall(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for file in DOCKERFILES:
        assert f"ARG UV_VERSION={version}\n" in file.read_text()


def test_runner_image_has_what_a_runner_imports() -> None:
    """Every module of a runner and of its agent finds what it imports among the image's distributions."""
    lines = (IMAGES / "runner.in").read_text().splitlines()
    given = _closure(*(line for line in lines if not line.startswith("#")))
    script = """
import importlib, json, pkgutil, runner, sys, understudy
for package in (runner, understudy):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
import runner.__main__
print(json.dumps([module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)]))
"""
    said = subprocess.run((sys.executable, "-c", script), check=True, capture_output=True, text=True, cwd=ROOT).stdout
    imported = set(json.loads(said))
    all_here = list(metadata.distributions())
    owners = {str(found.locate_file(file)): found.name for found in all_here for file in found.files or ()}
    used = {canonicalize_name(owners[file]) for file in imported if file in owners}
    assert used - given <= OPTIONAL


def test_sbom_lists_exactly_the_installed_distributions(tmp_path: Path) -> None:
    """Each distribution of a folder once, by its name and version, and the project itself as what is described."""
    installed = [found for found in metadata.distributions() if found.name in {"grpcio", "protobuf", "google-re2"}]
    for found in installed:
        folder = tmp_path / f"{found.name.replace('-', '_')}-{found.version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Name: {found.name}\nVersion: {found.version}\n")
    arguments = ("-P", str(IMAGES / "sbom.py"), "services", "1.2.3", str(tmp_path))
    said = subprocess.run((sys.executable, *arguments), check=True, capture_output=True, text=True).stdout
    document = json.loads(said)
    assert document["metadata"]["component"]["version"] == "1.2.3"
    listed = {component["purl"] for component in document["components"] if "pypi" in component["purl"]}
    assert listed == {f"pkg:pypi/{found.name}@{found.version}" for found in installed}


@pytest.mark.parametrize("name", compose.read()["services"])
def test_compose_command_is_a_program_of_the_image(name: str) -> None:
    """What a container runs is a module of ours, or the command that is installed with the project."""
    program, *rest = compose.read()["services"][name]["command"]
    if program == "stateroom":
        assert program in PROJECT["scripts"]
    else:
        assert (program, *rest[:2]) == ("python", "-P", "-m")
        assert importlib.util.find_spec(rest[2]) is not None


def test_version_of_the_compose_file_is_that_of_the_project() -> None:
    """The compose file runs the images that `make images` has just built."""
    assert f"STATEROOM_VERSION:-{PROJECT['version']}}}" in compose.FILE.read_text()
