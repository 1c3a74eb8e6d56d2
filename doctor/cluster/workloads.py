"""Whether services, databases and Jobs of the chart do what they are there for."""

from collections import defaultdict
from collections.abc import Iterator

from doctor.cluster import pods
from doctor.cluster.pods import Cause
from doctor.cluster.seen import Object, Seen, name_of, said, templates
from doctor.finding import Finding


def findings(seen: Seen) -> Iterator[Finding]:
    """Yield how each is."""
    for kind in ("deployments", "statefulsets"):
        for found in seen.of(kind):
            yield _replicas(seen, kind, found)
    for job in seen.of("jobs"):
        yield _job(seen, job)
    yield from _secrets(seen)
    yield from _versions(seen)


def _replicas(seen: Seen, kind: str, found: Object) -> Finding:
    wanted = found["spec"].get("replicas", 1)
    ready = (found.get("status") or {}).get("readyReplicas", 0)
    text = f"{ready} of {wanted} replicas are ready"
    if wanted == 0:
        return Finding.missing(name_of(found), "it is scaled to nothing", "kubectl scale, or `helm upgrade`")
    if ready >= wanted:
        return Finding.good(name_of(found), text)
    cause = _cause(seen, kind, found)
    verdict = Finding.degraded if ready else Finding.missing
    return verdict(name_of(found), f"{text}: {cause.said}", cause.advice)


def _cause(seen: Seen, kind: str, owner: Object) -> Cause:
    """Return why Pods of an owner are not ready, by the first that the cluster says something about."""
    for pod in seen.pods(owner):
        if not pods.is_ready(pod) and (cause := pods.cause(seen, pod)):
            return cause
    for condition in (owner.get("status") or {}).get("conditions") or ():
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return Cause(said(condition), "the cluster refuses its Pods: see quotas and Pod Security of the namespace")
    complaint = seen.warning(owner) or ("others are coming up" if seen.pods(owner) else "its Pods are not there")
    advice = f"wait a minute, then see `kubectl -n {seen.namespace} describe {kind} {name_of(owner)}`"
    return Cause(complaint, advice)


def _job(seen: Seen, job: Object) -> Finding:
    status = job.get("status") or {}
    if status.get("succeeded"):
        return Finding.good(name_of(job), "it is done")
    failed = [each for each in status.get("conditions") or () if each["type"] == "Failed" and each["status"] == "True"]
    causes = [cause for pod in seen.pods(job) if (cause := pods.cause(seen, pod))]
    if failed:
        text, advice = f"it failed: {said(failed[0])}", f"see `kubectl -n {seen.namespace} logs job/{name_of(job)}`"
        if causes:
            text, advice = f"{text}; {causes[-1].said}", causes[-1].advice
        return Finding.missing(name_of(job), text, f"{advice}, then delete it and upgrade again")
    if causes:
        return Finding.missing(name_of(job), f"it is not done: {causes[-1].said}", causes[-1].advice)
    return Finding.degraded(name_of(job), "it is not done yet", "wait; services wait for it as well")


def _secrets(seen: Seen) -> Iterator[Finding]:
    """Yield the Secrets that Pods name and nobody has made."""
    if "secrets" in seen.denied:
        return
    there, used = {name_of(secret) for secret in seen.objects["secrets"]}, defaultdict[str, list[str]](list)
    for owner, spec in templates(seen):
        for name in sorted(set(_named(spec))):
            used[name].append(name_of(owner))
    for name, owners in sorted(used.items()):
        if name not in there:
            advice = "the Job for keys makes it; one of your own is made by `stateroom keys --format secret`"
            yield Finding.missing(name, f"the Secret is not there, and {', '.join(owners)} want it", advice)
    if used and used.keys() <= there:
        yield Finding.good("secrets", f"{len(used)} are there")


def _named(spec: Object) -> Iterator[str]:
    """Yield the names of Secrets that Pods cannot start without."""
    for volume in spec.get("volumes", ()):
        if "secret" in volume and not volume["secret"].get("optional"):
            yield volume["secret"]["secretName"]
    for container in (*spec.get("initContainers", ()), *spec["containers"]):
        for variable in container.get("env", ()):
            source = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if source and not source.get("optional"):
                yield source["name"]


def _versions(seen: Seen) -> Iterator[Finding]:
    """Yield whether all Pods run the same image."""
    running = defaultdict[str, set[str]](set)
    for kind in ("deployments", "statefulsets"):
        for owner in seen.of(kind):
            for pod in seen.pods(owner):
                if not pods.is_over(pod):
                    running[pod["spec"]["containers"][0]["image"]].add(name_of(owner))
    if len(running) > 1:
        text = "; ".join(f"{image}: {', '.join(sorted(owners))}" for image, owners in sorted(running.items()))
        advice = "an upgrade is under way or stuck: `kubectl rollout status`; do not leave it so"
        yield Finding.degraded("versions", f"images of different versions run: {text}", advice)
    elif running:
        yield Finding.good("versions", f"all run {next(iter(running))}")
