"""Generate all that comes from the contracts: Python messages and stubs, and the descriptor set the gateway reads.

`buf/validate/validate.proto` is not vendored: its descriptor is taken from the installed protovalidate, so that the
rules and their interpreter are always of one version.
"""

import argparse
import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2
from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GENERATED = ROOT / "gen" / "python"
PLUGINS = ("protoc-gen-mypy", "protoc-gen-mypy_grpc")
SITE_PACKAGES = Path(validate_pb.__file__).parents[4]


def contract_files() -> list[str]:
    """Return the paths of all contracts, relative to `protos/`."""
    return sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))


def generate(target: Path) -> None:
    """Write all generated files below `target`, which must be empty or absent."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        validate = Path(scratch) / "validate.binpb"
        validate.write_bytes(_validate_descriptor())
        _protoc(
            f"--descriptor_set_in={validate}",
            f"--proto_path={PROTOS}",
            f"--proto_path={SITE_PACKAGES}",
            f"--proto_path={Path(protoc.__file__).parent / '_proto'}",
            *(f"--plugin={name}={Path(sys.executable).parent / name}" for name in PLUGINS),
            f"--python_out={target}",
            f"--grpc_python_out={target}",
            f"--mypy_out=quiet:{target}",
            f"--mypy_grpc_out=quiet:{target}",
            f"--descriptor_set_out={target / 'stateroom' / 'descriptors.binpb'}",
            "--include_imports",
            "--include_source_info",
            *contract_files(),
            "buf/validate/validate.proto",
        )
    (target / "buf" / "validate" / "validate_pb2_grpc.py").unlink()
    for folder in [target, *(path for path in target.rglob("*") if path.is_dir())]:
        if folder != target:
            (folder / "__init__.py").touch()
    (target / "stateroom" / "py.typed").touch()


def _validate_descriptor() -> bytes:
    files = descriptor_pb2.FileDescriptorSet()
    todo, seen = [validate_pb.desc()], set()
    while todo:
        file = todo.pop()
        if file.name in seen:
            continue
        seen.add(file.name)
        files.file.add().ParseFromString(file.proto.to_binary())
        todo.extend(file.dependencies)
    return files.SerializeToString()


def _protoc(*arguments: str) -> None:
    (GENERATED / "stateroom").mkdir(parents=True, exist_ok=True)
    for argument in arguments:
        if argument.startswith("--descriptor_set_out="):
            Path(argument.partition("=")[2]).parent.mkdir(parents=True, exist_ok=True)
    if protoc.main(["protoc", *arguments]) != 0:
        sys.exit("protoc failed")


def _differences(left: Path, right: Path) -> list[str]:
    def files(folder: Path) -> set[str]:
        return {
            str(path.relative_to(folder))
            for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

    ours, theirs = files(left), files(right)
    changed = {name for name in ours & theirs if not filecmp.cmp(left / name, right / name, shallow=False)}
    return sorted((ours ^ theirs) | changed)


def main() -> None:
    """Generate in place; with --check, generate elsewhere and fail when the committed files differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the committed files are not up to date")
    if parser.parse_args().check:
        with tempfile.TemporaryDirectory() as scratch:
            generate(Path(scratch) / "gen")
            if changed := _differences(GENERATED, Path(scratch) / "gen"):
                sys.exit("generated code is not up to date; run `make generate`:\n  " + "\n  ".join(changed))
        return
    shutil.rmtree(GENERATED, ignore_errors=True)
    generate(GENERATED)
    subprocess.run([sys.executable, "-c", "import stateroom"], check=True, cwd=GENERATED)


if __name__ == "__main__":
    main()
