"""Everything that is looked at in a cluster."""

import importlib.util
from collections.abc import Iterator

from doctor import figures
from doctor.cluster import rooms, workloads
from doctor.cluster.pods import is_ready
from doctor.cluster.seen import Seen, name_of
from doctor.finding import Finding

_SUBJECT = "cluster"


async def findings(namespace: str) -> list[Finding]:
    """Look at the installation in a namespace; empty for that of the kubeconfig."""
    if importlib.util.find_spec("kubernetes_asyncio") is None:
        advice = "install Stateroom with its extra: `pip install 'stateroom[kubernetes]'`"
        return [Finding.missing(_SUBJECT, "the client for Kubernetes is not installed", advice)]
    from kubernetes_asyncio.config import ConfigException  # noqa: PLC0415  # an extra

    from doctor.cluster.api import Reader, Unanswered  # noqa: PLC0415  # needs it

    try:
        async with await Reader.open(namespace) as reader:
            return list(judged(await reader.read()))
    except ConfigException as exc:
        return [Finding.missing(_SUBJECT, f"no cluster is named: {exc}", "set KUBECONFIG")]
    except Unanswered as exc:
        return [Finding.missing(_SUBJECT, f"the API server does not answer: {exc}", "see whether kubectl reaches it")]


def judged(seen: Seen) -> Iterator[Finding]:
    """Yield what is well and what is not."""
    for kind, message in sorted(seen.denied.items()):
        yield Finding.degraded(_SUBJECT, f"{kind} were not looked at: {message}", f"ask for the right to read {kind}")
    if not seen.of("deployments"):
        if "deployments" not in seen.denied:
            advice = "name another with --namespace, or install it: docs/kubernetes.md"
            yield Finding.missing(_SUBJECT, f"no Stateroom is in the namespace {seen.namespace}", advice)
        return
    yield from workloads.findings(seen)
    yield from rooms.findings(seen)
    yield from _figures(seen)


def _figures(seen: Seen) -> Iterator[Finding]:
    for pod, page in sorted(seen.pages.items()):
        yield from figures.judged(pod, page)
    ready = {name_of(pod) for pod in seen.of("pods") if is_ready(pod)}  # one that comes up has none yet
    for pod, cause in sorted((pod, cause) for pod, cause in seen.unread.items() if pod in ready):
        advice = "a NetworkPolicy may keep the API server from its port 9100"
        yield Finding.degraded(pod, f"its metrics cannot be read: {cause}", advice)
    if seen.pages:
        yield Finding.good("metrics", f"{len(seen.pages)} Pods told theirs")
