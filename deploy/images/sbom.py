"""`sbom.py NAME VERSION FOLDER …`: print what an image is made of, as CycloneDX 1.6 (https://cyclonedx.org/specification).

That is what is installed in virtual environments and folders for Python, and Debian's packages. Nothing in it depends
on when it was made, so that the same image has the same list.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

Component = dict[str, Any]
_PACKAGES = "${Package}\t${Version}\t${Architecture}\n"


def main(name: str, version: str, *folders: str) -> None:
    """Print the list."""
    components = sorted([*_python(folders), *_debian()], key=lambda component: component["bom-ref"])
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": f"stateroom/{name}", "version": version}},
        "components": components,
    }
    print(json.dumps(document, indent=1))


def _python(folders: tuple[str, ...]) -> Iterator[Component]:
    """Return the distributions in the folders; of a virtual environment, in its site-packages."""
    for folder in folders:
        places = [str(place) for place in (Path(folder), *Path(folder).glob("lib/python*/site-packages"))]
        for found in metadata.distributions(path=places):
            if found.name != "stateroom":
                name = found.name.lower().replace("_", "-").replace(".", "-")
                yield _component(name, found.version, f"pkg:pypi/{name}@{found.version}", found.metadata)


def _debian() -> Iterator[Component]:
    """Return Debian's packages; a base image without dpkg has none."""
    try:
        answer = subprocess.run(["dpkg-query", "-W", "-f", _PACKAGES], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        return
    for line in answer.stdout.splitlines():
        name, version, architecture = line.split("\t")
        yield _component(name, version, f"pkg:deb/debian/{name}@{version}?arch={architecture}")


def _component(name: str, version: str, address: str, described: Any = None) -> Component:
    licence = (described or {}).get("License-Expression")
    found: Component = {"type": "library", "bom-ref": address, "name": name, "version": version, "purl": address}
    return found | ({"licenses": [{"expression": licence}]} if licence else {})


if __name__ == "__main__":
    main(*sys.argv[1:])
