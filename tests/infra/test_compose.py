"""compose.yaml is accepted by Compose, pinned, guarded, and contains no secrets."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qhas.prefect_settings import ORIGINS, SERVER
from tests.infra.files import INFRA, compose, environment_file

COMPOSE = INFRA / "compose.yaml"
SERVICES: dict[str, dict[str, Any]] = compose()["services"]
ONCE = {"bucket", "migrate", "register"}
NO_ADDRESS = {"services"}
"""Prefect's background services listen on no port."""
NEEDED = (
    "POSTGRES_PASSWORD",
    "PREFECT_LOGIN",
    "REDIS_PASSWORD",
    "S3_ROOT_USER",
    "S3_ROOT_PASSWORD",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
)


def has_compose() -> bool:
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0


def test_it_is_what_the_compose_specification_says() -> None:
    argv = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_check_of_the_specification_finds_a_fault(tmp_path: Path) -> None:
    (wrong := tmp_path / "compose.yaml").write_text(
        COMPOSE.read_text().replace("healthcheck:", "health_check:")
    )
    argv = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(wrong)]
    assert subprocess.run(argv, capture_output=True, timeout=900, check=False).returncode == 1


@pytest.mark.skipif(not has_compose(), reason="docker compose is not installed")
def test_compose_itself_resolves_it(tmp_path: Path) -> None:
    (env := tmp_path / ".env").write_text("".join(f"{name}=x\n" for name in NEEDED))
    argv = ["docker", "compose", "-f", str(COMPOSE), "--env-file", str(env), "config", "--quiet"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_of_a_version(name: str) -> None:
    assert re.fullmatch(
        r"[a-z0-9./-]+:[A-Za-z]*[.-]?\d[\w.-]*(@sha256:[0-9a-f]{64})?", SERVICES[name]["image"]
    )


@pytest.mark.parametrize("name", SERVICES)
def test_no_part_can_take_the_whole_machine(name: str) -> None:
    assert re.fullmatch(r"\d+[mg]", SERVICES[name]["mem_limit"])
    assert 0 < SERVICES[name]["pids_limit"] <= 4096


@pytest.mark.parametrize("name", set(SERVICES) - ONCE - NO_ADDRESS)
def test_every_part_that_stays_is_asked_whether_it_is_well(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


def test_nobody_waits_for_a_part_that_is_only_started() -> None:
    conditions = {
        (name, other): wait["condition"]
        for name, service in SERVICES.items()
        for other, wait in service.get("depends_on", {}).items()
    }
    assert conditions
    for (_, other), condition in conditions.items():
        assert condition == ("service_completed_successfully" if other in ONCE else "service_healthy")


@pytest.mark.parametrize("name", ["server", "services", "migrate"])
def test_servers_have_the_settings_of_ours_and_meet_in_redis(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert environment.items() >= SERVER.items()
    assert environment["PREFECT_MESSAGING_BROKER"] == "prefect_redis.messaging"


def test_api_and_background_services_are_apart_and_one_job_migrates() -> None:
    assert "--no-services" in SERVICES["server"]["command"]
    assert SERVICES["services"]["command"] == ["prefect", "server", "services", "start"]
    assert SERVICES["server"]["environment"]["PREFECT_SERVER_DATABASE_MIGRATE_ON_START"] == "false"


@pytest.mark.parametrize("name", ["server", "services"])
def test_only_the_page_of_the_ui_may_ask_the_api(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert environment["PREFECT_UI_API_URL"] == f"{environment[ORIGINS]}/api"


@pytest.mark.parametrize("name", ["server", "services", "register", "worker"])
def test_server_and_clients_have_the_same_login(name: str) -> None:
    [login] = [value for key, value in SERVICES[name]["environment"].items() if "AUTH_STRING" in key]
    assert login == "${PREFECT_LOGIN:?set it in infra/.env}"


def test_only_loopback_is_listened_at_unless_it_is_said() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("${QHAS_BIND:-127.0.0.1}:") for port in ports)


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if "qhas" in service["image"]])
def test_our_own_parts_can_change_nothing_but_their_volumes(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def neighbours(name: str) -> set[str]:
    """Return the other parts that share a network with this one."""
    return {
        other
        for other in SERVICES
        if other != name and set(SERVICES[other]["networks"]) & set(SERVICES[name]["networks"])
    }


def test_a_part_reaches_those_it_needs_and_no_others() -> None:
    servers = {"migrate", "server", "services"}
    assert neighbours("database") == {"redis", *servers}
    assert neighbours("redis") == {"database", *servers}
    assert neighbours("s3") == {"bucket", "worker"}
    assert neighbours("worker") == {"server", "services", "register", "s3", "bucket"}
    assert compose()["networks"] == {"data": {"internal": True}, "api": None, "store": None}


def test_every_secret_comes_from_the_environment_and_its_absence_is_an_error() -> None:
    text = COMPOSE.read_text()
    assert set(re.findall(r"\$\{(\w+):\?", text)) == set(NEEDED)
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search(
                "PASSWORD|SECRET|_KEY|ROOT_USER|CONNECTION_URL|AUTH|REDIS_MESSAGING_URL|DOCKET_URL", name
            ):
                assert re.search(r"\$\{\w+:\?set it in infra/.env\}", value), name


def test_the_example_names_every_secret_and_has_none() -> None:
    assert environment_file(INFRA / ".env.example") == dict.fromkeys(NEEDED, "")


def test_only_who_needs_a_secret_has_it() -> None:
    holders = {
        secret: {name for name, service in SERVICES.items() if f"${{{secret}:" in str(service)}
        for secret in NEEDED
    }
    assert holders == {
        "POSTGRES_PASSWORD": {"database", "migrate", "server", "services"},
        "PREFECT_LOGIN": {"migrate", "server", "services", "register", "worker"},
        "REDIS_PASSWORD": {"redis", "migrate", "server", "services"},
        "S3_ROOT_USER": {"s3", "bucket"},
        "S3_ROOT_PASSWORD": {"s3", "bucket"},
        "AWS_ACCESS_KEY_ID": {"bucket", "worker"},
        "AWS_SECRET_ACCESS_KEY": {"bucket", "worker"},
    }
