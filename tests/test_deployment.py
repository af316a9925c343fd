"""docker-compose.yml, Dockerfile and requirements.lock, checked without a Docker engine.

The schema is the Compose Specification's own, from the package check-jsonschema, which ships it with its
licence. What a schema cannot say (secrets, users, pins, names of Airflow's settings) is checked here; that
the services work together, in tests/deployment.
"""

from __future__ import annotations

import copy
import json
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from jsonschema import validators

REPOSITORY = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
LOCK = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Ends by itself: its exit code is its health.
ONE_SHOT = {"airflow-init"}
SECRETS = {
    "AIRFLOW_API_SECRET_KEY",
    "AIRFLOW_FERNET_KEY",
    "AIRFLOW_JWT_SECRET",
    "AIRFLOW_USER_PASSWORDS",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
}
# The variables that a task of ours could misuse if it could read them.
CONTROL_ONLY = {"AIRFLOW_FERNET_KEY", "AIRFLOW_JWT_SECRET", "AIRFLOW_USER_PASSWORDS", "POSTGRES_PASSWORD"}


def compose_problems(document: dict) -> list[str]:
    source = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(source.read_text(encoding="utf-8"))
    validator = validators.validator_for(schema)(schema)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def variables(value: object) -> dict[str, str]:
    """Name and kind ("?" required, "-" with a default) of every ${NAME:…} in a value; $$ is the shell's."""
    text = json.dumps(value, ensure_ascii=False).replace("$$", "")
    return dict(re.findall(r"\$\{(\w+):([?-])", text))


def environment_names() -> set[str]:
    return {
        name
        for service in SERVICES.values()
        for name in service.get("environment", {})
        if name.startswith("AIRFLOW__")
    }


def settings_of_airflow() -> set[str]:
    import airflow
    from airflow.providers.celery.get_provider_info import get_provider_info

    own = yaml.safe_load((files(airflow) / "config_templates" / "config.yml").read_text(encoding="utf-8"))
    sections = own | get_provider_info()["config"]
    return {
        f"AIRFLOW__{section}__{option}".upper()
        for section, body in sections.items()
        for option in body["options"] or ()
    }


def locked() -> dict[str, str]:
    """Version by normalised name."""
    found = re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==([^ ;]+)", LOCK, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name): version for name, version in found}


# --- docker-compose.yml ---


def test_the_file_follows_the_compose_specification():
    assert compose_problems(COMPOSE) == []


def test_the_schema_refuses_a_misspelt_key():
    misspelt = copy.deepcopy(COMPOSE)
    misspelt["services"]["worker"]["helthcheck"] = misspelt["services"]["worker"].pop("healthcheck")
    assert compose_problems(misspelt)


def test_the_shape_is_that_of_production():
    assert set(SERVICES) == {
        "postgres",
        "redis",
        "airflow-init",
        "api-server",
        "scheduler",
        "dag-processor",
        "triggerer",
        "worker",
        "published",
    }


@pytest.mark.parametrize("service", sorted(set(SERVICES) - ONE_SHOT))
def test_a_service_tells_whether_it_is_healthy_and_is_started_again(service):
    check = SERVICES[service].get("healthcheck", {})
    assert check.get("test", ["NONE"])[0] in ("CMD", "CMD-SHELL")
    assert check.get("interval")
    assert check.get("timeout")
    assert SERVICES[service]["restart"] == "unless-stopped"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_not_root_and_cannot_become_it(service):
    assert SERVICES[service].get("user", "root").split(":")[0] not in ("root", "0", "")
    assert SERVICES[service]["cap_drop"] == ["ALL"]
    assert SERVICES[service]["security_opt"] == ["no-new-privileges:true"]
    assert not SERVICES[service].get("privileged")
    assert not SERVICES[service].get("cap_add")


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_is_pinned_to_a_full_version(service):
    assert re.fullmatch(r"[\w./-]+:\d+\.\d+(\.\d+)?(-[\w.]+)?", SERVICES[service]["image"])


def test_our_image_carries_the_version_of_the_project():
    ours = {service["image"] for service in SERVICES.values() if service["image"].startswith(PROJECT["name"])}
    assert ours == {f"{PROJECT['name']}:{PROJECT['version']}"}


def test_a_secret_comes_from_the_environment_and_has_no_default():
    kinds = variables(SERVICES)
    assert {name: kinds.get(name) for name in SECRETS} == dict.fromkeys(SECRETS, "?")


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_is_written_down(service):
    secret_name = re.compile(r"(PASSWORDS?|SECRET|SECRET_KEY|FERNET_KEY|TOKEN)$")
    address = re.compile(r"://[^/@:$]*:(?P<password>[^@]*)@")
    for name, value in SERVICES[service].get("environment", {}).items():
        if secret_name.search(name):
            assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name
        for found in address.finditer(str(value)):
            assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", found["password"]), name


def test_a_worker_is_given_no_secret_of_the_control_services():
    assert not CONTROL_ONLY & set(variables(SERVICES["worker"]))


def test_every_airflow_service_is_told_where_the_lake_is_mounted():
    """The page and the alerts look there; a callback runs in another service than the task that failed."""
    airflow = {name: one for name, one in SERVICES.items() if "AIRFLOW__CORE__EXECUTOR" in str(one)}
    assert set(airflow) == {"airflow-init", "api-server", "scheduler", "dag-processor", "triggerer", "worker"}
    for name, service in airflow.items():
        mounts = dict(volume.split(":") for volume in service["volumes"] if isinstance(volume, str))
        assert service["environment"].get("SEGMENTATION_LAKE") == mounts["lake"], name


def test_only_the_postgres_and_redis_services_have_no_way_out():
    closed = {name for name, network in COMPOSE["networks"].items() if (network or {}).get("internal")}
    shut_in = {
        name for name, service in SERVICES.items() if set(service.get("networks", ["default"])) <= closed
    }
    assert shut_in == {"postgres", "redis"}


def test_a_port_is_opened_on_loopback_unless_the_operator_says_otherwise():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(re.fullmatch(r"\$\{\w+:-127\.0\.0\.1:\d+\}:\d+", port) for port in ports)


def test_every_setting_named_exists_in_the_installed_airflow():
    assert environment_names() - settings_of_airflow() == set()


def test_the_example_names_every_variable_and_no_other():
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    named = dict(re.findall(r"^#?([A-Z][A-Z_]+)=(.*)$", example, re.MULTILINE))
    wanted = variables(COMPOSE)
    assert set(named) == set(wanted)
    assert {name for name, value in named.items() if not value} == {
        name for name, kind in wanted.items() if kind == "?"
    }


# --- Dockerfile ---


def test_the_image_is_built_from_a_pinned_base_and_runs_as_nobody_special():
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert bases
    assert all(re.fullmatch(r"python:3\.12\.\d+-slim-\w+", base) for base in bases)
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == [SERVICES["worker"]["user"]]


def test_the_image_installs_the_lock_by_its_hashes():
    assert re.search(r"pip install --require-hashes .*--requirement /tmp/requirements\.lock", DOCKERFILE)


def test_the_build_sees_what_the_image_copies_and_nothing_else():
    copied = set(re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE))
    ignore = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignore
    assert {line[1:] for line in ignore if line.startswith("!")} == copied
    assert [source for source in sorted(copied) if not (REPOSITORY / source).exists()] == []


# --- requirements.lock ---


def test_the_lock_holds_every_declared_dependency_at_its_version():
    extras = PROJECT["optional-dependencies"]
    # Drivers of buckets few companies have are installed by those who do; their lock is their own.
    assert extras.keys() - {"gcs", "azure"} == {"dev", "cluster", "s3"}
    declared = [
        *PROJECT["dependencies"],
        *(item for name in ("dev", "cluster", "s3") for item in extras[name]),
    ]
    pins = dict(re.sub(r"\[.*?\]", "", requirement).split("==") for requirement in declared)
    assert {name: locked().get(name) for name in pins} == pins


def test_the_lock_has_a_hash_for_every_package_and_no_address():
    entries = re.split(r"^(?=[a-z0-9])", re.sub(r"^#.*\n", "", LOCK, flags=re.MULTILINE), flags=re.MULTILINE)
    assert [entry.split()[0] for entry in entries if entry and "--hash=sha256:" not in entry] == []
    assert not re.search(r"://|^-|file:| @ ", LOCK, re.MULTILINE)


def test_a_package_locked_with_an_extra_is_locked_without_it_too():
    with_extra = set(re.findall(r"^([a-z0-9-]+)\[", LOCK, re.MULTILINE))
    plain = set(re.findall(r"^([a-z0-9-]+)==", LOCK, re.MULTILINE))
    assert with_extra
    assert with_extra <= plain
