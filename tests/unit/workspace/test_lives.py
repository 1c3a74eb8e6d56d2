"""The lives of workspaces and keys: which step follows which, and that the last one is final."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis import ids
from chassis.errors import InvalidField
from services.workspace.identity.domain import ApiKey
from services.workspace.identity.domain import State as KeyState
from services.workspace.identity.errors import ApiKeyRevoked
from services.workspace.workspaces.domain import State, Workspace
from services.workspace.workspaces.errors import (
    WorkspaceArchived,
    WorkspaceNotActive,
    WorkspaceNotArchived,
    WorkspaceNotDeleted,
    WorkspaceNotFound,
)

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
LATER = BEGIN + timedelta(minutes=1)


def _workspace(state: State = State.CREATING) -> Workspace:
    return Workspace(
        workspace_id=ids.new(),
        account_id=ids.new(),
        name="a",
        description="",
        metadata={},
        repository_url="",
        branch="",
        state=state,
        state_reason="",
        progress_step="Receiving objects" if state is State.CREATING else "",
        progress_percent=50 if state is State.CREATING else 0,
        sandbox="",
        version=3,
        create_time=BEGIN,
        update_time=BEGIN,
        archive_time=BEGIN if state is State.ARCHIVED else None,
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


def _archive(workspace: Workspace) -> Workspace:
    return workspace.archive(LATER)


def _unarchive(workspace: Workspace) -> Workspace:
    return workspace.unarchive(LATER)


def _undelete(workspace: Workspace) -> Workspace:
    return replace(workspace, sandbox="bwrap").undelete(LATER)


def _rename(workspace: Workspace) -> Workspace:
    return workspace.update(LATER, {"name": "b"})


REFUSALS = (WorkspaceNotActive, WorkspaceNotArchived, WorkspaceNotDeleted, WorkspaceNotFound)
STEPS: dict[Callable[[Workspace], Workspace], dict[State, State]] = {
    _activate: {State.CREATING: State.ACTIVE},
    _fail: {State.CREATING: State.ERROR},
    _archive: {State.ACTIVE: State.ARCHIVED},
    _unarchive: {State.ARCHIVED: State.ACTIVE},
    _undelete: {State.DELETED: State.ARCHIVED},
    _rename: {state: state for state in State if state is not State.DELETED},
    _delete: dict.fromkeys((State.CREATING, State.ACTIVE, State.ARCHIVED, State.ERROR), State.DELETED),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", STEPS)
def test_step_of_a_workspace_leads_where_the_table_says_or_nowhere(
    step: Callable[[Workspace], Workspace], state: State
) -> None:
    """Each allowed step makes the next version; every other one is refused, and only an undeletion leaves DELETED."""
    workspace = _workspace(state)
    if state not in STEPS[step]:
        with pytest.raises(REFUSALS):
            step(workspace)
        return
    after = step(workspace)
    assert (after.state, after.version, after.update_time) == (STEPS[step][state], 4, LATER)
    assert bool(after.progress_step) == bool(after.progress_percent) == (after.state is State.CREATING)
    assert (after.archive_time is not None) == (after.state is State.ARCHIVED)
    assert (after.delete_time is not None) == (after.state is State.DELETED)
    assert after.entity_id == workspace.workspace_id


def test_delete_of_a_deleted_workspace_is_not_found() -> None:
    """For whoever deletes, it does not exist."""
    with pytest.raises(WorkspaceNotFound):
        _delete(_delete(_workspace()))


def test_undelete_of_a_workspace_that_never_was_ready_is_created_anew() -> None:
    """There is nothing yet that could be put away; a broken one gets another chance."""
    broken = replace(_workspace(State.DELETED), state_reason="no such branch")
    again = broken.undelete(LATER)
    assert (again.state, again.state_reason, again.delete_time) == (State.CREATING, "", None)
    assert again.progress_step


def test_update_with_the_values_it_has_is_the_same_workspace() -> None:
    """Nothing changed, so there is no new version of it."""
    workspace = _workspace(State.ACTIVE)
    assert workspace.update(LATER, {"name": "a", "metadata": {}, "branch": ""}) is workspace


def test_update_of_what_is_set_at_creation_names_the_fields() -> None:
    """A branch is not changed by a field; the caller is told all that cannot be."""
    with pytest.raises(InvalidField) as refusal:
        _workspace(State.ACTIVE).update(LATER, {"name": "b", "branch": "x", "repository_url": "https://example.com/a"})
    assert [violation.field for violation in refusal.value.violations] == [
        "workspace.repository_url",
        "workspace.branch",
    ]


def test_expect_active_of_an_archived_workspace_says_to_unarchive_it() -> None:
    """The sentence says what to do."""
    with pytest.raises(WorkspaceArchived, match="unarchive it"):
        _workspace(State.ARCHIVED).expect_active()
    with pytest.raises(WorkspaceNotActive, match="CREATING"):
        _workspace().expect_active()


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
