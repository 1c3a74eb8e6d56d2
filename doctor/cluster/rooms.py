"""Whether rooms get their Pods and disks."""

from collections import defaultdict
from collections.abc import Iterator

from doctor.cluster import pods
from doctor.cluster.seen import OURS, ROOM, Object, Seen, name_of
from doctor.finding import Finding

_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_NAMED = 3
"""Rooms of one trouble that are named."""


def findings(seen: Seen) -> Iterator[Finding]:
    """Yield how rooms and all disks are."""
    yield from _rooms(seen)
    yield from _claims(seen)
    yield from _classes(seen)


def _rooms(seen: Seen) -> Iterator[Finding]:
    alive = [pod for pod in seen.of("pods", ROOM) if not pods.is_over(pod)]
    troubled = defaultdict[pods.Cause, list[str]](list)
    for pod in alive:
        if not pods.is_ready(pod) and (cause := pods.cause(seen, pod)):
            troubled[cause].append(name_of(pod))
    for cause, names in troubled.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield Finding.missing("rooms", f"{', '.join(names[:_NAMED])}{more}: {cause.said}", cause.advice)
    ready = sum(map(pods.is_ready, alive))
    yield Finding.good("rooms", f"{ready} run in {seen.rooms_namespace}")


def _claims(seen: Seen) -> Iterator[Finding]:
    claims = [*seen.of("claims"), *seen.of("claims", ROOM)]
    for claim in claims:
        phase = (claim.get("status") or {}).get("phase", "Pending")
        if phase == "Lost":
            yield Finding.missing(name_of(claim), "its disk is lost", "restore it; a room's last save is in PostgreSQL")
        elif phase == "Pending":
            yield _pending(seen, claim)
    bound = sum((claim.get("status") or {}).get("phase") == "Bound" for claim in claims)
    if bound:
        yield Finding.good("disks", f"{bound} are there")


def _pending(seen: Seen, claim: Object) -> Finding:
    if warning := seen.warning(claim):
        advice = "see whether its StorageClass and what provides that are there, and whether a quota is used up"
        return Finding.missing(name_of(claim), f"it gets no disk: {warning}", advice)
    events = seen.events(claim)
    told = events[-1].get("message") if events else "nobody says why"
    return Finding.degraded(name_of(claim), f"it has no disk yet: {told}", "wait, and see what keeps its Pod")


def _classes(seen: Seen) -> Iterator[Finding]:
    """Yield whether there is a StorageClass for every disk that will be wanted."""
    if "storageclasses" in seen.denied:
        return
    found = {name_of(each): each for each in seen.objects["storageclasses"]}
    has_default = any((each["metadata"].get("annotations") or {}).get(_DEFAULT) == "true" for each in found.values())
    for who, wanted in _wanted(seen):
        if wanted and wanted not in found:
            advice = f"the cluster has: {', '.join(sorted(found)) or 'none'}"
            yield Finding.missing("storage class", f"{who} want {wanted}, which is not there", advice)
        elif not wanted and not has_default:
            advice = "mark one as default, or set rooms.storageClass and those of the embedded servers"
            verdict = Finding.degraded if _has_disks_without(seen) else Finding.missing
            yield verdict("storage class", f"{who} name none, and the cluster has no default", advice)


def _has_disks_without(seen: Seen) -> bool:
    """Whether somebody provides volumes to claims that name no class."""
    claims = [*seen.of("claims"), *seen.of("claims", ROOM)]
    bound = [each for each in claims if (each.get("status") or {}).get("phase") == "Bound"]
    return any(not each["spec"].get("storageClassName") for each in bound)


def _wanted(seen: Seen) -> Iterator[tuple[str, str]]:
    """Yield who wants disks, and of which class; empty for the default."""
    if seen.setting("PLACEMENT") == "kubernetes":
        yield "rooms", seen.setting("ROOM_STORAGE_CLASS")
    for found in seen.of("statefulsets", OURS):
        for template in found["spec"].get("volumeClaimTemplates") or ():
            if (wanted := template["spec"].get("storageClassName")) != "":
                yield f"disks of {name_of(found)}", wanted or ""
