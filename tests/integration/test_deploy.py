"""What deploy/ contains for Prometheus and Grafana: the rules pass their own tests, and use existing metrics."""

import json
import re
import subprocess

import pytest

from kit.environment import SOURCE

pytestmark = pytest.mark.once_a_run

RULES = SOURCE / "deploy/prometheus/pgmoat-alerts.yml"
DASHBOARD = SOURCE / "deploy/grafana/dashboards/pgmoat.json"
METRIC = re.compile(r"\b(?:pgmoat|process)_[a-z0-9_]+\b")


def promtool(*arguments):
    return subprocess.run(["promtool", *arguments], cwd=RULES.parent, capture_output=True, text=True, check=False,
                          timeout=60)


def expressions(node):
    """Every PromQL expression in a dashboard."""
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


def texts_of(path):
    """Every PromQL expression, without its strings."""
    if path.suffix == ".json":
        return [text for text in expressions(json.loads(path.read_text())) if not text.startswith("label_values")]
    lines = re.sub(r"^ *#.*", "", path.read_text(), flags=re.MULTILINE)
    return re.findall(r"^ +expr: (.*(?:\n(?! *(?:for|labels|annotations):) +.*)*)", lines, re.MULTILINE)


def selected_labels(text):
    """(metric, label) in braces."""
    for name, selectors in re.findall(r"\b((?:pgmoat|process)_[a-z0-9_]+)\{([^}]*)\}", text):
        for label in re.findall(r"(\w+) *(?:=~|!~|!=|=)", re.sub(r'"[^"]*"', '""', selectors)):
            yield family(name), label


def family(name):
    return re.sub(r"_(bucket|sum|count)$", "", name)


@pytest.fixture(scope="module")
def documented():
    """The labels of each metric, and those that Prometheus adds."""
    labels = {}
    for line in (SOURCE / "metrics/README.md").read_text().splitlines():
        if line.startswith(("| `pgmoat_", "| `process_")):
            name, _, cell = (cell.strip() for cell in line.split("|")[1:4])
            labels[name.strip("`")] = set(re.findall(r"`(\w+)`", cell)) | {"job", "instance"}
    return labels


@pytest.mark.parametrize("path", (RULES, DASHBOARD), ids=lambda path: path.name)
def test_only_documented_metrics_and_labels_are_used(path, documented):
    names = {family(name) for name in used_names(path)}
    assert names and names <= documented.keys(), names - documented.keys()
    texts = texts_of(path)
    assert len(texts) > 10
    for text in texts:
        for name, label in selected_labels(text):
            assert label in documented[name], (name, label)
        known = set().union({"le"}, *(documented[family(name)] for name in METRIC.findall(text)))
        for labels in re.findall(r"\b(?:by|on) \(([^)]*)\)", text):
            assert set(re.split(r", *", labels)) <= known, text


def test_the_alerts_are_valid_and_hold_their_own_tests():
    for arguments in (("check", "rules", RULES.name), ("test", "rules", "pgmoat-alerts-test.yml"),
                      ("check", "config", "--syntax-only", "prometheus.yml")):
        result = promtool(*arguments)
        assert result.returncode == 0, result.stdout + result.stderr


def test_every_alert_has_a_severity_and_its_subject():
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
