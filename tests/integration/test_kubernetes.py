"""deploy/kubernetes: the output of kustomize and the chart is valid by the published schemas, and pgmoat accepts its
configuration."""

import json
import re
import shutil
import subprocess

import pytest

from kit.environment import SOURCE, write_for_user
from kit.pgmoat import run_pgmoat

pytestmark = pytest.mark.once_a_run

FOLDER = SOURCE / "deploy/kubernetes"
TOOLS = SOURCE / "build/kubernetes-tools"
KUSTOMIZATIONS = ("base", "overlays/production", "overlays/passthrough")
CHART_VALUES = {
    "chart": (),
    "chart with everything": ("certificate.enabled=true", "podMonitor.enabled=true", "autoscaling.enabled=true"),
    "chart without secrets": ("tls.secretName=", "upstream.secretName=", "networkPolicy.enabled=false"),
}


def run(*arguments):
    result = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True, check=False,
                            timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def helm(*arguments):
    return run(TOOLS / "bin/helm/helm", *arguments)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """{name: file with its manifests}."""
    run(SOURCE / "tests/integration/kubernetes/install-tools")
    folder = tmp_path_factory.mktemp("kubernetes")
    texts = {name: run(TOOLS / "bin/kubectl/kubectl", "kustomize", FOLDER / name) for name in KUSTOMIZATIONS}
    for name, values in CHART_VALUES.items():
        settings = [word for value in values for word in ("--set", value)]
        texts[name] = helm("template", "moat", FOLDER / "chart", "--namespace", "database", *settings)
    files = {}
    for name, text in texts.items():
        files[name] = folder / (name.replace("/", "-").replace(" ", "-") + ".yaml")
        files[name].write_text(text)
    return files


@pytest.fixture(scope="module")
def objects(rendered):
    """{name: {kind: object}}, as Kubernetes reads them."""
    script = """
        const yaml = require("yaml");
        const read = (file) => yaml.parseAllDocuments(require("fs").readFileSync(file, "utf8"), {version: "1.1"});
        console.log(JSON.stringify(process.argv.slice(1).map((f) => read(f).map((d) => d.toJS()).filter(Boolean))));"""
    result = subprocess.run(["node", "-e", script, *map(str, rendered.values())], cwd=TOOLS, capture_output=True,
                            text=True, check=True, timeout=60)
    return {name: {one["kind"]: one for one in many} for name, many in zip(rendered, json.loads(result.stdout))}


def validate(*files):
    shutil.copy(SOURCE / "tests/integration/kubernetes/validate.mjs", TOOLS)
    return subprocess.run(["node", TOOLS / "validate.mjs", *files], capture_output=True, text=True, check=False,
                          timeout=300)


def test_all_that_is_rendered_is_valid_by_the_published_schemas(rendered):
    result = validate(*rendered.values())
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^(4\d|[5-9]\d) documents, 0 objections", result.stdout, re.MULTILINE), result.stdout


def test_the_validation_objects_to_a_wrong_name_and_to_a_wrong_type(rendered, tmp_path):
    text = rendered["overlays/passthrough"].read_text()
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("maxUnavailable: 0", "maxUnavailble: 0").replace("replicas: 3", "replicas: three"))
    result = validate(wrong)
    assert result.returncode == 1
    assert "maxUnavailble" in result.stdout and "replicas must be integer" in result.stdout


def test_the_chart_is_clean_and_refuses_unknown_values():
    helm("lint", "--strict", FOLDER / "chart")
    result = subprocess.run([TOOLS / "bin/helm/helm", "template", FOLDER / "chart", "--set", "tls.secretNam=x"],
                            capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode != 0 and "secretNam" in result.stderr


def pod(kinds):
    return kinds["Deployment"]["spec"]["template"]["spec"]


def setting(kinds, name):
    return re.search(rf"^{name} = (.*?)s? *(?:#.*)?$", kinds["ConfigMap"]["data"]["pgmoat.conf"], re.MULTILINE)[1]


def test_every_deployment_is_locked_down_and_has_time_to_drain(objects):
    for name, kinds in objects.items():
        spec = pod(kinds)
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        for container in spec["containers"] + spec["initContainers"]:
            assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                    "capabilities": {"drop": ["ALL"]}}
            assert not any("subPath" in mount for mount in container["volumeMounts"])
        (check,), (main,) = spec["initContainers"], spec["containers"]
        assert check["args"] == ["check", *main["args"]]
        before = int(setting(kinds, "drain_delay"))
        assert before > 0
        assert before + int(setting(kinds, "shutdown_timeout")) < spec["terminationGracePeriodSeconds"]
        for volume in spec["volumes"]:
            assert volume.get("secret", {"defaultMode": 0o440})["defaultMode"] == 0o440


def test_selectors_meet_the_pods_and_ports_the_container(objects):
    for name, kinds in objects.items():
        labels = kinds["Deployment"]["spec"]["template"]["metadata"]["labels"]
        selectors = [kinds["Service"]["spec"]["selector"], kinds["Deployment"]["spec"]["selector"]["matchLabels"],
                     kinds["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]]
        if "NetworkPolicy" in kinds:
            selectors.append(kinds["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"])
        if "PodMonitor" in kinds:
            selectors.append(kinds["PodMonitor"]["spec"]["selector"]["matchLabels"])
        selectors += [spread["labelSelector"]["matchLabels"] for spread in pod(kinds)["topologySpreadConstraints"]]
        for selector in selectors:
            assert selector and selector.items() <= labels.items(), name
        ports = {port["name"]: port["containerPort"] for port in pod(kinds)["containers"][0]["ports"]}
        assert str(ports["tcp-postgres"]) == setting(kinds, "port")
        assert setting(kinds, "http_listen").strip("'").endswith(f":{ports['http-metrics']}")
        assert kinds["Service"]["spec"]["ports"][0]["targetPort"] == "tcp-postgres"


def test_the_autoscaler_owns_the_number_of_replicas(objects):
    for name, kinds in objects.items():
        assert ("replicas" in kinds["Deployment"]["spec"]) == ("HorizontalPodAutoscaler" not in kinds), name
    scaler = objects["overlays/production"]["HorizontalPodAutoscaler"]["spec"]
    metric = scaler["metrics"][0]["pods"]["metric"]["name"]
    assert f'as: "{metric}"' in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize("name", (*KUSTOMIZATIONS, "chart"))
def test_pgmoat_accepts_the_configuration(name, objects, workspace, authority):
    folder = workspace.folder("kubernetes")
    for path in ("pgmoat-tls", "pgmoat-upstream"):
        (folder / path).mkdir()
    certificate = authority.issue("kubernetes")
    certificate.install(folder)
    shutil.move(folder / "server.crt", folder / "pgmoat-tls/tls.crt")
    shutil.move(folder / "server.key", folder / "pgmoat-tls/tls.key")
    write_for_user(folder / "pgmoat-upstream/ca.crt", authority.certificate.read_bytes())
    lookup = authority.issue("pgmoat_auth")
    write_for_user(folder / "pgmoat-upstream/tls.crt", lookup.certificate.read_bytes())
    write_for_user(folder / "pgmoat-upstream/tls.key", lookup.key.read_bytes(), mode=0o600)
    for file, text in objects[name]["ConfigMap"]["data"].items():
        write_for_user(folder / file, text.replace("/etc/pgmoat-", f"{folder}/pgmoat-"))
    code, output, errors = run_pgmoat(workspace, "check", "--config", folder / "pgmoat.conf")
    assert code == 0, output + errors
    assert "is valid" in output
    # With TLS on both legs, libpq's clients would all be refused if pgmoat knew no secrets.
    assert name == "overlays/passthrough" or "auth_query_conninfo" in objects[name]["ConfigMap"]["data"]["pgmoat.conf"]
