"""Alerts and dashboards show metrics that there are, and each alert says what to do."""

import json
import re
from typing import Any

import pytest

from tests.support.chart import of_kind, pods, selects
from tools.render_chart import CHART, ROOT

METRIC = re.compile(r"\b(?:stateroom|process)_[a-z_]+\b")
PARTS = re.compile(r"_(bucket|count|sum)$")
"""Series of a histogram, which the documentation names once."""
LISTED = {
    *re.findall(r"^\| `([a-z_]+)` \|", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE),
}
RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text()


def _alerts() -> list[dict[str, Any]]:
    (rule,) = of_kind("operators", "PrometheusRule")
    (group,) = rule["spec"]["groups"]
    alerts: list[dict[str, Any]] = group["rules"]
    return alerts


def _metrics(expression: str) -> set[str]:
    return {PARTS.sub("", name) for name in METRIC.findall(expression)}


@pytest.mark.parametrize("alert", _alerts(), ids=lambda alert: alert["alert"])
def test_alert_has_a_runbook_and_metrics_that_there_are(alert: dict[str, Any]) -> None:
    """Who is woken by it finds what it means, how to look, and what to do."""
    section = RUNBOOKS.partition(f"\n## {alert['alert']}\n")[2].partition("\n## ")[0]
    assert all(part in section for part in ("**Means**", "**Look", "**Do**" if "**Do**" in section else "and do**"))
    assert alert["annotations"]["runbook"] == f"docs/runbooks.md#{alert['alert'].lower()}"
    assert _metrics(alert["expr"])
    assert _metrics(alert["expr"]) <= LISTED
    assert 'namespace="stateroom"' in alert["expr"]
    assert "$namespace" not in alert["expr"]
    assert alert["expr"].count("(") == alert["expr"].count(")")


def test_runbooks_are_of_alerts_that_there_are() -> None:
    """A section nobody is sent to would never be read."""
    assert set(re.findall(r"^## (\w+)$", RUNBOOKS, re.MULTILINE)) == {alert["alert"] for alert in _alerts()}


def test_dashboard_shows_metrics_that_there_are() -> None:
    """Each panel asks for some, of the namespace that is chosen, and no two lie on each other."""
    board = json.loads((CHART / "dashboards" / "stateroom.json").read_text())
    (config,) = of_kind("operators", "ConfigMap")
    assert json.loads(config["data"]["stateroom.json"]) == board
    places = set()
    for panel in board["panels"]:
        places.add((panel["gridPos"]["x"], panel["gridPos"]["y"]))
        for target in panel.get("targets", []):
            assert _metrics(target["expr"])
            assert _metrics(target["expr"]) <= LISTED, target["expr"]
            assert 'namespace="$namespace"' in target["expr"]
    assert len(places) == len(board["panels"])


@pytest.mark.parametrize("kind", ["PodMonitor", "ServiceMonitor"])
def test_monitor_selects_every_process_with_metrics(kind: str) -> None:
    """By the port that they name so, and no Job or test."""
    (monitor,) = of_kind("operators", kind)
    (endpoint,) = monitor["spec"].get("podMetricsEndpoints") or monitor["spec"]["endpoints"]
    chosen = [pod for pod in pods("operators") if selects(monitor["spec"]["selector"], pod.labels)]
    assert {pod.component for pod in chosen} == {"workspace", "session", "execution", "audit", "gateway"}
    assert all(endpoint["port"] in pod.ports for pod in chosen)
    if kind == "ServiceMonitor":
        services = of_kind("operators", "Service")
        watched = [one for one in services if selects(monitor["spec"]["selector"], one["metadata"]["labels"])]
        assert all(endpoint["port"] in {port["name"] for port in one["spec"]["ports"]} for one in watched)
        assert len(watched) == 5
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
