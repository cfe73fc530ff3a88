"""What deploy/ ships for Prometheus and Grafana: the rules hold their own tests, and speak of metrics that exist."""

import json
import re
import subprocess

import pytest

from kit.environment import SOURCE

RULES = SOURCE / "deploy/prometheus/pgmoat-alerts.yml"
DASHBOARD = SOURCE / "deploy/grafana/dashboards/pgmoat.json"
METRIC = re.compile(r"\b(?:pgmoat|process)_[a-z0-9_]+\b")
PROCESS_METRICS = {"process_cpu_seconds_total", "process_open_fds", "process_max_fds", "process_resident_memory_bytes"}


def promtool(*arguments):
    return subprocess.run(["promtool", *arguments], cwd=RULES.parent, capture_output=True, text=True, check=False,
                          timeout=60)


def expressions(node):
    """Every PromQL text in a dashboard."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in ("expr", "query", "definition") and isinstance(value, str):
                yield value
            else:
                yield from expressions(value)
    elif isinstance(node, list):
        for one in node:
            yield from expressions(one)


def used_names(path):
    if path.suffix == ".json":
        return set(METRIC.findall("\n".join(expressions(json.loads(path.read_text())))))
    lines = re.sub(r"#.*", "", path.read_text())
    return set(METRIC.findall(lines))


@pytest.fixture(scope="module")
def documented():
    text = (SOURCE / "metrics/README.md").read_text() + (SOURCE / "proxy/admin/README.md").read_text()
    return set(re.findall(r"`(pgmoat_[a-z0-9_]+)`", text)) | PROCESS_METRICS


@pytest.mark.parametrize("path", (RULES, DASHBOARD), ids=lambda path: path.name)
def test_only_documented_metrics_are_used(path, documented):
    histograms = {re.sub(r"_(bucket|sum|count)$", "", name) for name in used_names(path)}
    assert histograms and histograms <= documented, histograms - documented


def test_the_alerts_are_valid_and_hold_their_own_tests():
    for arguments in (("check", "rules", RULES.name), ("test", "rules", "pgmoat-alerts-test.yml"),
                      ("check", "config", "--syntax-only", "prometheus.yml")):
        result = promtool(*arguments)
        assert result.returncode == 0, result.stdout + result.stderr


def test_every_alert_says_how_bad_it_is_and_of_whom():
    text = RULES.read_text()
    alerts = text.count("- alert: Pgmoat")
    assert text.count("severity: warning") + text.count("severity: critical") == alerts > 10
    assert text.count("summary: ") == text.count("description: ") == alerts
    assert all("$labels.instance" in line for line in re.findall(r"summary: .*", text))


def test_the_dashboard_can_be_pointed_at_any_server():
    dashboard = json.loads(DASHBOARD.read_text())
    assert dashboard["schemaVersion"] >= 36
    assert [variable["name"] for variable in dashboard["templating"]["list"]] == ["datasource", "job", "instance"]
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for panel in panels:
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            assert 'job="$job",instance=~"$instance"' in target["expr"], panel["title"]


def test_prometheus_understands_every_expression_of_the_dashboard(tmp_path):
    """As recording rules, since promtool checks those."""
    texts = [target["expr"].replace("$__rate_interval", "5m")
             for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel.get("targets", ())]
    rules = [{"record": f"x:{number}", "expr": text} for number, text in enumerate(texts)]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    result = promtool("check", "rules", str(path))
    assert result.returncode == 0, result.stdout + result.stderr
