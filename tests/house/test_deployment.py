"""What is handed to Docker and Kubernetes is well-formed, hardened, and speaks of settings that the gate has."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml
from prometheus_client import CollectorRegistry

from policy.document import load
from server.config import Settings
from server.metrics import Metrics
from tests.house import tree

MANIFESTS = tree.ROOT / "manifests"
BASE = MANIFESTS / "kubernetes" / "base"
KUBERNETES = "1.34"
RESOURCES = sorted(path for path in BASE.glob("*.yaml") if path.name not in ("kustomization.yaml", "policy.yaml"))


def documents() -> Iterator[dict[str, Any]]:
    for path in RESOURCES:
        yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


def of_kind(kind: str) -> dict[str, Any]:
    [found] = [each for each in documents() if each["kind"] == kind]
    return found


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((MANIFESTS / "compose" / "compose.yaml").read_text(encoding="utf-8"))
    return document


def settings_in(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("path", RESOURCES, ids=lambda path: path.stem)
def test_each_resource_is_what_the_schema_of_kubernetes_says(path: Any) -> None:
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_kustomize_renders_every_resource_with_our_image_and_the_generated_settings() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed, so nothing is rendered here")
    command = ["kubectl", "kustomize", str(BASE)]
    rendered = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    found = list(yaml.safe_load_all(rendered))
    assert {each["kind"] for each in found} >= {each["kind"] for each in documents()} | {"ConfigMap"}
    for document in found:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    assert not re.search(r"image: snowgate\s", rendered)
    assert not re.search(r"name: snowgate-(settings|policy)\s", rendered)


def test_no_container_in_kubernetes_can_do_more_than_it_needs() -> None:
    for kind in ("Deployment", "Job"):
        pod = of_kind(kind)["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not pod["automountServiceAccountToken"]
        for container in pod["containers"]:
            may = container["securityContext"]
            assert not may["allowPrivilegeEscalation"]
            assert may["readOnlyRootFilesystem"]
            assert may["capabilities"] == {"drop": ["ALL"]}


def test_the_selectors_of_kubernetes_find_the_gates_and_nothing_but_the_gates() -> None:
    name = {"app.kubernetes.io/name": "snowgate"}  # kustomize gives it to every template
    gates = {**name, **of_kind("Deployment")["spec"]["template"]["metadata"]["labels"]}
    job = {**name, **of_kind("Job")["spec"]["template"]["metadata"]["labels"]}
    services = [each["spec"]["selector"] for each in documents() if each["kind"] == "Service"]
    selectors = [
        *services,
        of_kind("Deployment")["spec"]["selector"]["matchLabels"],
        of_kind("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    ]
    assert len(services) == 2
    for selector in selectors:
        assert selector.items() <= gates.items()
        assert not selector.items() <= job.items()


def test_kubernetes_waits_longer_for_a_stop_than_the_gate_takes() -> None:
    told = settings_in((BASE / "gate.env").read_text(encoding="utf-8"))
    pod = of_kind("Deployment")["spec"]["template"]["spec"]
    takes_s = float(told["SNOWGATE_DRAIN_S"]) + float(told["SNOWGATE_SHUTDOWN_GRACE_S"]) + 10
    assert pod["terminationGracePeriodSeconds"] > takes_s
    probe = pod["containers"][0]["readinessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] < float(told["SNOWGATE_DRAIN_S"])
    ports = {port["name"]: port["containerPort"] for port in pod["containers"][0]["ports"]}
    assert ports == {"mcp": int(told["SNOWGATE_PORT"]), "metrics": int(told["SNOWGATE_METRICS_PORT"])}


@pytest.mark.parametrize("path", [BASE / "gate.env", MANIFESTS / "compose" / "gate.env"], ids=str)
def test_the_settings_that_are_handed_out_are_all_that_a_gate_needs(path: Any) -> None:
    told = settings_in(path.read_text(encoding="utf-8"))
    read = {name.removeprefix("SNOWGATE_").lower(): value for name, value in told.items()}
    Settings.model_validate({**read, "database_url": "postgresql://gate@db/snowgate"})
    assert {name.upper() for name in read} <= {name.upper() for name in Settings.model_fields}
    mounted = [value for name, value in told.items() if name.endswith("_FILE")]
    assert all(value.startswith("/run/secrets/") for value in mounted)


@pytest.mark.parametrize("directory", [BASE, MANIFESTS / "compose"], ids=str)
def test_the_first_policy_is_a_policy(directory: Any) -> None:
    load((directory / "policy.yaml").read_text(encoding="utf-8"), {})


def test_every_container_of_ours_in_compose_is_hardened_and_none_lacks_a_secret() -> None:
    document = compose()
    for name in ("migrate", "login", "gate"):
        service = document["services"][name]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    for service in document["services"].values():
        assert set(service.get("secrets", [])) <= set(document["secrets"])
        for mount in service.get("volumes", []):
            source, _, rest = mount.partition(":")
            assert source in document["volumes"] or (
                (MANIFESTS / "compose" / source).is_file() and rest.endswith(":ro")
            )
        assert set(service.get("depends_on", {})) <= set(document["services"])
        assert set(service.get("networks", [])) <= set(document["networks"])
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), port


def test_compose_mounts_the_keys_that_its_script_makes_and_its_settings_name(tmp_path: Any) -> None:
    for path in (MANIFESTS / "compose").iterdir():
        shutil.copy(path, tmp_path)
    made = []
    for _ in range(2):  # what is there is left alone
        subprocess.run(["sh", "make-keys.sh"], cwd=tmp_path, check=True, timeout=60, capture_output=True)
        made.append({path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()})
    assert made[0] == made[1]
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    document = compose()
    assert {secret["file"] for secret in document["secrets"].values()} <= {f"secrets/{name}" for name in made[0]}
    told = settings_in((tmp_path / "gate.env").read_text(encoding="utf-8"))
    named = {value.removeprefix("/run/secrets/") for name, value in told.items() if name.endswith("_KEY_FILE")}
    assert named <= set(document["services"]["gate"]["secrets"])


def test_the_image_is_made_from_locked_files_and_runs_as_nobody_without_a_shell() -> None:
    text = (MANIFESTS / "container" / "Dockerfile").read_text(encoding="utf-8")
    assert text.count("--require-hashes") == 2
    last = text.rpartition("\nFROM ")[2]
    assert last.startswith("gcr.io/distroless/")
    assert "USER 65532:65532" in last
    assert "RUN" not in last.split()
    copied = set(re.findall(r"^COPY (.*) \S+$", text.rpartition("\nFROM ")[0], re.MULTILINE))
    sources = {name for line in copied for name in line.split()}
    for name in sources:
        assert (tree.ROOT / name).exists(), name
    ignored = (tree.ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {f"!{name.partition('/')[0]}" for name in sources} == {line for line in ignored if line.startswith("!")}
    hadolint = shutil.which("hadolint")
    if hadolint is not None:
        subprocess.run([hadolint, str(MANIFESTS / "container" / "Dockerfile")], check=True, timeout=60)


def test_the_dashboard_asks_for_metrics_that_there_are_and_shows_each_of_them() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    suffixes = {"counter": "_total", "gauge": "", "histogram": "_bucket"}
    there = {each.name + suffixes[each.type] for each in registry.collect()}
    text = (MANIFESTS / "grafana" / "snowgate.json").read_text(encoding="utf-8")
    panels = json.loads(text)["panels"]
    asked = {
        name for panel in panels for target in panel["targets"] for name in re.findall(r"snowgate_\w+", target["expr"])
    }
    assert asked == there
    assert len({panel["id"] for panel in panels}) == len(panels)
