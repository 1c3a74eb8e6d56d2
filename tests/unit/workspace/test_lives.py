"""The lives of workspaces and keys: which step follows which, and that the last one is final."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis import ids
from services.workspace.identity.domain import ApiKey
from services.workspace.identity.domain import State as KeyState
from services.workspace.identity.errors import ApiKeyRevoked
from services.workspace.workspaces.domain import State, Workspace
from services.workspace.workspaces.errors import WorkspaceNotActive, WorkspaceNotFound

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
LATER = BEGIN + timedelta(minutes=1)


def _workspace(state: State = State.CREATING) -> Workspace:
    return Workspace(
        workspace_id=ids.new(),
        account_id=ids.new(),
        name="a",
        description="",
        repository_url="",
        branch="",
        state=state,
        state_reason="",
        progress_step="Receiving objects",
        progress_percent=50,
        sandbox="",
        version=3,
        create_time=BEGIN,
        update_time=BEGIN,
        delete_time=BEGIN if state is State.DELETED else None,
    )


def _api_key(state: KeyState = KeyState.ACTIVE, expire_time: datetime | None = None) -> ApiKey:
    return ApiKey(
        api_key_id=ids.new(),
        account_id=ids.new(),
        user_id=ids.new(),
        name="a",
        key_prefix="srk_",
        secret_sha256=bytes(32),
        scopes=("*",),
        state=state,
        expire_time=expire_time,
        last_used_time=None,
        revoke_time=None,
        version=1,
        create_time=BEGIN,
        update_time=BEGIN,
    )


def _activate(workspace: Workspace) -> Workspace:
    return workspace.activate(LATER, branch="main", sandbox="bwrap")


def _fail(workspace: Workspace) -> Workspace:
    return workspace.fail(LATER, reason="no such branch")


def _delete(workspace: Workspace) -> Workspace:
    return workspace.delete(LATER)


STEPS: dict[Callable[[Workspace], Workspace], dict[State, State]] = {
    _activate: {State.CREATING: State.ACTIVE},
    _fail: {State.CREATING: State.ERROR},
    _delete: dict.fromkeys((State.CREATING, State.ACTIVE, State.ARCHIVED, State.ERROR), State.DELETED),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", STEPS)
def test_step_of_a_workspace_leads_where_the_table_says_or_nowhere(
    step: Callable[[Workspace], Workspace], state: State
) -> None:
    """Each allowed step makes the next version; every other one is refused, and nothing leaves DELETED."""
    workspace = _workspace(state)
    if state not in STEPS[step]:
        with pytest.raises((WorkspaceNotActive, WorkspaceNotFound)):
            step(workspace)
        return
    after = step(workspace)
    assert (after.state, after.version, after.update_time) == (STEPS[step][state], 4, LATER)
    assert (after.progress_step, after.progress_percent) == ("", 0)
    assert (after.delete_time is not None) == (after.state is State.DELETED)
    assert after.entity_id == workspace.workspace_id


def test_delete_of_a_deleted_workspace_is_not_found() -> None:
    """For whoever deletes, it does not exist."""
    with pytest.raises(WorkspaceNotFound):
        _delete(_delete(_workspace()))


def test_activate_workspace_that_is_not_being_created_names_its_state() -> None:
    """The refusal says which state was in the way."""
    with pytest.raises(WorkspaceNotActive) as refusal:
        _activate(_workspace(State.ERROR))
    assert refusal.value.values["state"] == "ERROR"


def test_revoke_api_key_is_final() -> None:
    """A revoked key has an instant of its end and no second one."""
    revoked = _api_key().revoke(LATER)
    assert (revoked.state, revoked.revoke_time, revoked.version) == (KeyState.REVOKED, LATER, 2)
    with pytest.raises(ApiKeyRevoked):
        revoked.revoke(LATER)


@pytest.mark.parametrize(
    ("api_key", "works"),
    [
        (_api_key(), True),
        (_api_key(expire_time=LATER), True),
        (_api_key(expire_time=BEGIN), False),
        (replace(_api_key(), state=KeyState.REVOKED), False),
        (replace(_api_key(expire_time=LATER), state=KeyState.REVOKED), False),
    ],
)
def test_api_key_works_until_it_expires_or_is_revoked(api_key: ApiKey, *, works: bool) -> None:
    """At the instant of its expiry a key is dead."""
    assert api_key.works_at(BEGIN) is works
