"""What we tell gRPC in its environment."""

import subprocess
import sys

PROGRAM = "import chassis, grpc; grpc.insecure_channel('localhost:1').close()"


def test_experiments_of_the_installed_grpc_are_all_known() -> None:
    """A release of gRPC that lacks one of them says so, and then this setting has to go."""
    finished = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert finished.stderr == ""
