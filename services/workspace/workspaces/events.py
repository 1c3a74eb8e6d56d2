"""How workspaces appear in change events."""

from chassis.changes import EntityKind
from services.workspace.workspaces import convert, store
from services.workspace.workspaces.domain import Workspace

WORKSPACE = EntityKind("workspace", Workspace, convert.workspace_to_proto, store.get_workspace)
