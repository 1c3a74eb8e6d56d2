"""The ways to a runner that are derived: its token and its socket."""

from pathlib import Path

import pytest

from chassis import ids
from embedded import keys
from embedded.layout import Layout
from runner import settings as runner_settings
from services.workspace.placement.local import LocalPlacement
from services.workspace.settings import WorkspaceSettings

_SOCKET_LIMIT = 107  # bytes of a unix socket's path on Linux


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Return an installation's keys."""
    layout = Layout(data=tmp_path, runtime=tmp_path)
    layout.make()
    keys.prepare(layout)
    return layout


def _placement(layout: Layout, signer: str = "workspace", runtime: str = "/run/stateroom") -> LocalPlacement:
    return LocalPlacement(
        WorkspaceSettings(
            trust_keys_file=keys.trust_keys_file(layout),
            signing_key_file=keys.signing_key_file(layout, signer),
            event_keys_file=keys.event_keys_file(layout),
            database_url="postgresql://a:a@/a",
            system_database_url="postgresql://a:a@/a",
            nats_url="nats://a:a@127.0.0.1:1",
            data_directory="/srv/stateroom",
            runtime_directory=runtime,
            private_directory="/opt/stateroom/.stateroom",
        )
    )


def test_token_of_a_runner_is_the_same_after_a_restart_and_no_other_runners(layout: Layout) -> None:
    """It is stored nowhere, so it must be found again; one runner's token opens no other."""
    one, other = ids.new(), ids.new()
    token = _placement(layout).token(one)
    assert _placement(layout).token(one) == token
    assert _placement(layout).token(other) != token
    assert len(bytes.fromhex(token)) == 32


def test_token_of_a_runner_depends_on_the_key_of_the_service(layout: Layout) -> None:
    """Whoever knows a runner's id, and every other service, still lacks the key."""
    runner_id = ids.new()
    assert _placement(layout).token(runner_id) != _placement(layout, "session").token(runner_id)
    assert runner_id.hex not in _placement(layout).token(runner_id)


def test_address_of_a_runner_always_fits_into_a_socket(layout: Layout) -> None:
    """The longest folder that the settings allow leaves room for the name."""
    address = _placement(layout, runtime=f"/{'x' * 68}").target(ids.new())
    assert len(address.removeprefix("unix:").encode()) <= _SOCKET_LIMIT


def test_runner_hides_everything_that_belongs_to_the_installation(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rooms show /opt and /usr: a key below them would be a key in every room."""
    environment = _placement(layout)._environment(ids.new(), ids.new(), Path("/srv/stateroom/rooms/one"))  # noqa: SLF001  # what a runner is told
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    hidden = {Path("/opt/stateroom/.stateroom"), Path("/srv/stateroom"), Path("/run/stateroom")}
    assert hidden <= set(runner_settings.load().hidden)
