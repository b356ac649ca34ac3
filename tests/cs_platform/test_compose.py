"""The production set-up says what it promises; Docker itself is not needed for that."""

import re

import pytest
import yaml

from cs_platform import env

APP_SERVICES = {"web", "ingest", "worker", "scheduler", "migrate"}
SERVERS = {"postgres", "redis"}
REQUIRED = {"PUBLIC_URL", "SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"}

text = (env.BASE_DIR / "docker-compose.yml").read_text()
compose = yaml.safe_load(text)
services = compose["services"]
dockerfile = (env.BASE_DIR / "Dockerfile").read_text()


def test_the_services_are_complete():
    assert set(services) == APP_SERVICES | SERVERS


@pytest.mark.parametrize("name", sorted((APP_SERVICES | SERVERS) - {"migrate"}))
def test_each_service_has_a_health_check_and_restarts(name):
    assert services[name]["healthcheck"]["test"]
    assert services[name]["restart"] == "unless-stopped"


def test_migrations_run_once_before_everything_else():
    assert services["migrate"]["restart"] == "no"
    assert services["migrate"]["command"][-2:] == ["migrate", "--no-input"]
    for name in APP_SERVICES - {"migrate"}:
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_secrets_are_asked_for_and_never_written_down():
    assert set(re.findall(r"\$\{(\w+):\?", text)) == REQUIRED
    for service in services.values():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET", key):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), key
    passwords = re.findall(r"://[^:@\s]*:([^@\s]+)@", re.sub(r"\?[^}]*\}", "}", text))
    assert passwords == ["${POSTGRES_PASSWORD:}", "${REDIS_PASSWORD:}"]


def test_the_product_runs_without_privileges():
    *_, last_stage = dockerfile.split("\nFROM ")
    assert re.search(r"^USER cs$", last_stage, re.MULTILINE)
    assert "HEALTHCHECK" in last_stage
    for name in APP_SERVICES:
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]


def test_the_servers_are_reached_from_inside_only():
    assert compose["networks"]["data"] == {"internal": True}
    for name in SERVERS:
        assert services[name]["networks"] == ["data"]
        assert "ports" not in services[name]
    assert {service["image"] for name, service in services.items() if name in SERVERS} == {
        "postgres:18",
        "redis:8-alpine",
    }


def test_a_stopping_worker_hands_its_work_back():
    worker = services["worker"]
    assert worker["environment"]["REMAP_SIGTERM"] == "SIGQUIT"
    assert worker["stop_grace_period"] == "45s"


def test_the_servers_keep_their_data_in_volumes():
    assert services["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    assert services["redis"]["volumes"] == ["redis:/data"]
    assert set(compose["volumes"]) == SERVERS
    assert "noeviction" in services["redis"]["command"][-1]


def test_the_image_has_all_that_the_product_needs():
    kept = {line[1:] for line in (env.BASE_DIR / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert kept >= {"accounts", "cs_platform", "health", "integrations", "playbooks", "successmaps", "team"}
    assert kept >= {"templates", "static", "manage.py", "gunicorn.conf.py", "package-lock.json"}


def test_what_the_image_copies_is_there_and_let_in():
    kept = [line[1:] for line in (env.BASE_DIR / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    sources = {source for line in copied for source in line.split()} - {"."}
    assert sources == {
        "package.json",
        "package-lock.json",
        ".npmrc",
        "requirements/server.lock",
        "requirements/local.lock",
    }
    for source in sources:
        assert (env.BASE_DIR / source).is_file(), source
        assert {source, source.partition("/")[0]} & set(kept), source


def test_every_variable_is_documented():
    documented = set(re.findall(r"`([A-Z_]+)`", (env.BASE_DIR / "docs" / "operations.md").read_text()))
    used = set(re.findall(r"\$\{([A-Z_]+)", text))
    for app in ("accounts", "cs_platform", "health", "integrations", "playbooks", "successmaps", "team"):
        for path in (env.BASE_DIR / app).rglob("*.py"):
            used |= set(re.findall(r"env\.(?:text|flag|number|words)\(\s*\"([A-Z_]+)\"", path.read_text()))
    used |= set(re.findall(r"env\.\w+\(\"([A-Z_]+)\"", (env.BASE_DIR / "gunicorn.conf.py").read_text()))
    assert used - documented == set()
