"""The manifests satisfy Kubernetes' own schemas, and requirements that the schemas do not cover."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import kubernetes_validate
import pytest
import yaml

from qhas.prefect_settings import CLIENT_LOGIN, ORIGINS, SERVER, SERVER_LOGIN
from tests.infra.files import INFRA, environment_file, manifests

FOLDER = INFRA / "kubernetes"
OLDEST, NEWEST = "1.30", "1.37"
OBJECTS = manifests()
WORKLOADS = {each["metadata"]["name"]: each for each in OBJECTS if "template" in each.get("spec", {})}
NO_ADDRESS = {"prefect-services"}
"""Prefect's background services listen on no port."""


def pod(workload: dict[str, Any]) -> dict[str, Any]:
    return dict(workload["spec"]["template"]["spec"])


def containers(workload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from pod(workload).get("initContainers", [])
    yield from pod(workload)["containers"]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_it_is_what_kubernetes_takes(one: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(one, version, strict=True)


def test_the_schemas_refuse_a_key_that_is_not_kubernetes() -> None:
    wrong = WORKLOADS["prefect-server"] | {"spec": WORKLOADS["prefect-server"]["spec"] | {"replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
def test_kustomize_renders_it_with_every_image_and_every_reference_resolved() -> None:
    done = subprocess.run(["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    rendered = list(yaml.safe_load_all(done.stdout))
    assert {each["kind"] for each in rendered} == {each["kind"] for each in OBJECTS} | {"ConfigMap"}
    maps = {each["metadata"]["name"] for each in rendered if each["kind"] == "ConfigMap"}
    for workload in (each for each in rendered if "template" in each.get("spec", {})):
        for container in containers(workload):
            assert ":" in container["image"]
            for source in container.get("envFrom", []):
                assert source.get("configMapRef", {}).get("name") in {None, *maps}


@pytest.mark.parametrize("name", WORKLOADS)
def test_nothing_runs_as_root_or_can_become_it(name: str) -> None:
    workload = WORKLOADS[name]
    security = pod(workload)["securityContext"]
    assert security["runAsNonRoot"]
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod(workload)["automountServiceAccountToken"] is False
    for container in containers(workload):
        own = container["securityContext"]
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert (own["allowPrivilegeEscalation"], own["readOnlyRootFilesystem"]) == (False, True)


@pytest.mark.parametrize("name", WORKLOADS)
def test_everything_asks_for_what_it_needs_and_has_a_bound_on_memory(name: str) -> None:
    for container in containers(WORKLOADS[name]):
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize(
    "name", [n for n, w in WORKLOADS.items() if w["kind"] != "Job" and n not in NO_ADDRESS]
)
def test_everything_that_stays_is_asked_whether_it_is_well(name: str) -> None:
    for container in pod(WORKLOADS[name])["containers"]:
        assert {"readinessProbe", "livenessProbe"} <= container.keys()


def test_a_database_that_is_away_does_not_restart_the_server() -> None:
    [server] = pod(WORKLOADS["prefect-server"])["containers"]
    assert server["readinessProbe"]["httpGet"]["path"] == "/api/ready"
    assert server["livenessProbe"]["httpGet"]["path"] == "/api/health"


def test_servers_have_the_settings_of_ours() -> None:
    assert environment_file(FOLDER / "server.env").items() >= SERVER.items()


def test_only_the_page_of_the_ui_may_ask_the_api() -> None:
    settings = environment_file(FOLDER / "server.env")
    assert settings["PREFECT_UI_API_URL"] == f"{settings[ORIGINS]}/api"


def test_server_and_clients_have_the_login_from_one_secret() -> None:
    known = {
        (container["name"], variable["name"])
        for workload in WORKLOADS.values()
        for container in containers(workload)
        for variable in container.get("env", [])
        if variable.get("valueFrom") == {"secretKeyRef": {"name": "prefect-login", "key": "login"}}
    }
    assert known == {
        ("server", SERVER_LOGIN),
        ("services", SERVER_LOGIN),
        ("register", CLIENT_LOGIN),
        ("worker", CLIENT_LOGIN),
    }


def test_secrets_come_by_reference_only_and_only_to_who_needs_them() -> None:
    held = {
        (name, source["secretRef"]["name"])
        for name, workload in WORKLOADS.items()
        for container in containers(workload)
        for source in container.get("envFrom", [])
        if "secretRef" in source
    }
    assert held == {
        ("migrate", "prefect-database"),
        ("prefect-server", "prefect-database"),
        ("prefect-services", "prefect-database"),
        ("qhas-worker", "qhas-store"),
    }
    assert "Secret" not in {each["kind"] for each in OBJECTS}


def test_a_drain_leaves_one_server() -> None:
    [budget] = [each for each in OBJECTS if each["kind"] == "PodDisruptionBudget"]
    server = WORKLOADS["prefect-server"]
    assert budget["spec"]["minAvailable"] < server["spec"]["replicas"]
    assert (
        budget["spec"]["selector"]["matchLabels"].items()
        <= server["spec"]["template"]["metadata"]["labels"].items()
    )


POLICIES = {each["metadata"]["name"]: each["spec"] for each in OBJECTS if each["kind"] == "NetworkPolicy"}


def test_nobody_speaks_with_anybody_unless_a_policy_says_so() -> None:
    assert POLICIES["nobody"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("name", set(WORKLOADS) - {"redis"})
def test_who_needs_the_database_or_the_api_reaches_it(name: str) -> None:
    labels = WORKLOADS[name]["spec"]["template"]["metadata"]["labels"].items()
    ports = {
        port["port"]
        for policy in POLICIES.values()
        if policy["podSelector"].get("matchLabels", {}).items() <= labels
        for rule in policy.get("egress", [])
        for port in rule["ports"]
    }
    assert ports == ({53, "http", 443} if name == "qhas-worker" else {53, "redis", 5432})


def test_every_rule_names_its_ports() -> None:
    for policy in POLICIES.values():
        for rule in [*policy.get("ingress", []), *policy.get("egress", [])]:
            assert rule["ports"]


@pytest.mark.parametrize(
    "address",
    ["10.96.0.1", "172.20.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "fd00::1", "fe80::1"],
)
def test_a_worker_reaches_no_address_of_the_cluster_the_site_or_the_cloud(address: str) -> None:
    target = ip_address(address)
    blocks = [
        peer["ipBlock"]
        for rule in POLICIES["to-api-and-store"]["egress"]
        if {"port": 443} in rule["ports"]
        for peer in rule["to"]
    ]
    assert blocks
    for block in blocks:
        if target.version == ip_network(block["cidr"]).version:
            assert any(target in ip_network(kept) for kept in block["except"])


def test_a_rule_without_a_peer_is_for_the_database_alone() -> None:
    rules = [rule for policy in POLICIES.values() for rule in policy.get("egress", []) if "to" not in rule]
    assert [rule["ports"] for rule in rules] == [[{"port": 5432}]]


def test_every_service_and_policy_is_for_a_workload_that_is_there() -> None:
    labels = [workload["spec"]["template"]["metadata"]["labels"] for workload in WORKLOADS.values()]
    selectors = [each["spec"]["selector"] for each in OBJECTS if each["kind"] == "Service"]
    for policy in (each["spec"] for each in OBJECTS if each["kind"] == "NetworkPolicy"):
        selectors.append(policy["podSelector"].get("matchLabels", {}))
        rules = [*policy.get("ingress", []), *policy.get("egress", [])]
        named = [peer for rule in rules for peer in [*rule.get("from", []), *rule.get("to", [])]]
        peers = [peer for peer in named if "podSelector" in peer]
        selectors += [peer["podSelector"]["matchLabels"] for peer in peers]
    assert selectors
    for selector in selectors:
        assert any(selector.items() <= each.items() for each in labels), selector
