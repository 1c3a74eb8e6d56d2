"""What can go wrong with teams."""

from uuid import UUID

from chassis.errors import AlreadyExists, LimitExceeded, NotFound, PermissionDenied, WrongState


class TeamNotFound(NotFound):
    """There is no team {teamId} in this account; what is done in a team names it in `Stateroom-Account`."""

    reason = "TEAM_NOT_FOUND"

    def __init__(self, team_id: UUID) -> None:
        super().__init__(teamId=str(team_id))


class MemberNotFound(NotFound):
    """{userId} does not belong to this team."""

    reason = "MEMBER_NOT_FOUND"

    def __init__(self, user_id: UUID) -> None:
        super().__init__(userId=str(user_id))


class MemberAlreadyExists(AlreadyExists):
    """{userId} belongs to this team already."""

    reason = "MEMBER_ALREADY_EXISTS"

    def __init__(self, user_id: UUID) -> None:
        super().__init__(userId=str(user_id))


class HandleTaken(AlreadyExists):
    """A user or a team has the handle {handle}, or had it; choose another one."""

    reason = "HANDLE_TAKEN"

    def __init__(self, handle: str) -> None:
        super().__init__(handle=handle)


class LastOwner(WrongState):
    """Team {teamId} would have no owner; make somebody else an owner first."""

    reason = "LAST_OWNER"

    def __init__(self, team_id: UUID) -> None:
        super().__init__(teamId=str(team_id))


class TeamInUse(WrongState):
    """Team {teamId} has {workspaces} workspaces; delete them first."""

    reason = "TEAM_IN_USE"

    def __init__(self, team_id: UUID, workspaces: int) -> None:
        super().__init__(teamId=str(team_id), workspaces=str(workspaces))


class RoleTooHigh(PermissionDenied):
    """You are {own} in this team and can neither give nor take the role {role}."""

    reason = "ROLE_TOO_HIGH"

    def __init__(self, role: str, own: str) -> None:
        super().__init__(role=role, own=own)


class OwnAccountNeeded(PermissionDenied):
    """Teams are made from your own account; leave out `Stateroom-Account`, and use a key of your own account."""

    reason = "OWN_ACCOUNT_NEEDED"


class TeamLimitReached(LimitExceeded):
    """You made {limit} teams that are not deleted, as many as you may; delete one first."""

    reason = "TEAM_LIMIT_REACHED"

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))


class TeamFull(LimitExceeded):
    """{limit} people belong to this team, as many as may."""

    reason = "TEAM_FULL"

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))
