"""A git status as people read it: a few lines, then a table of the files that differ."""

from cli.client import Json

FIELDS = ("branch", "upstream", "underWay", "lastCommit", "author")
COLUMNS = {"kind": "WHAT", "change": "CHANGE", "path": "FILE"}
_KINDS = ("staged", "modified", "conflicted", "untracked")
_SHORT = 12  # digits of a hash that tell commits apart


def summary(status: Json) -> Json:
    """Return the lines above the table, by field."""
    commit, operation = status.get("lastCommit") or {}, status["operation"]
    told = f"{commit['commitId'][:_SHORT]} {commit['subject']}" if commit else "none yet"
    return {
        "branch": status["branch"] or "none: the head is detached",
        "upstream": _upstream(status),
        "underWay": "" if operation.endswith("_UNSPECIFIED") else operation.lower().replace("_", " "),
        "lastCommit": told,
        "author": f"{commit['authorName']}, {commit.get('authorTime', '')}" if commit else "",
    }


def files(status: Json) -> list[Json]:
    """Return the rows of the table; one more for each list that was cut."""
    rows: list[Json] = []
    for kind in _KINDS:
        found = status[kind]
        rows += [
            {"kind": kind, "change": file["change"].lower().replace("_", " "), "path": _path(file)}
            for file in found["files"]
        ]
        if left := found["count"] - len(found["files"]):
            rows.append({"kind": kind, "change": "", "path": f"and {left} more"})
    return rows


def _upstream(status: Json) -> str:
    upstream = str(status["upstream"])
    if not upstream:
        return ""
    if status["upstreamGone"]:
        return f"{upstream}, which is gone"
    return f"{upstream}, {status['ahead']} ahead, {status['behind']} behind"


def _path(file: Json) -> str:
    return f"{file['oldPath']} -> {file['path']}" if file["oldPath"] else str(file["path"])
