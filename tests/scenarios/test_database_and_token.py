"""A user turns PostgreSQL and the token on and off again; what must follow follows, and nothing else is touched."""

from __future__ import annotations

import pytest

from stack.common.errors import NotReady
from stack.components.postgres import PASSWORD as POSTGRES_PASSWORD
from stack.components.token import APP_TOKEN
from stack.config.secret import Secret
from stack.model.spec import container_name
from tests.scenarios.world import NAME, World

WITH_DATABASE = {"STACK_DATABASE": "postgres"}
TOKEN_PATH = "/etc/stack/secrets/app_token"


@pytest.fixture
def world() -> World:
    made = World()
    made.start()
    return made


def choose_database(world: World, password: str = "pass-one") -> None:
    world.environ = WITH_DATABASE
    world.secrets[POSTGRES_PASSWORD] = Secret(password)


def touched(world: World) -> set[str]:
    return set(world.plan().touched())


def secret(world: World, component: str, path: str) -> bytes | None:
    return world.engine.read_file(container_name(NAME, component), path)


def test_without_the_setting_there_is_no_database(world: World) -> None:
    assert world.state("postgres") == ""
    assert not world.plan()


def test_the_database_comes_up_and_answers_before_the_application_starts(world: World) -> None:
    choose_database(world)
    steps = [step.key for step in world.plan().steps]
    assert steps.index("verify monitoring-postgres") < steps.index("start monitoring-app")
    start = next(step for step in world.plan().steps if step.key == "start monitoring-app")
    assert "verify monitoring-postgres" in start.after
    before = world.ids()
    world.start()
    assert world.state("postgres") == world.state("app") == "running"
    assert {c for c, found in before.items() if world.ids()[c] != found} == {"app"}
    assert not world.plan()


def test_a_database_that_does_not_answer_keeps_the_application_from_starting(world: World) -> None:
    choose_database(world)
    world.refuses = {"postgres"}
    with pytest.raises(NotReady):
        world.start()
    assert world.state("app") != "running"


def test_the_application_is_told_where_the_database_is_by_a_file_alone(world: World) -> None:
    choose_database(world)
    world.start()
    url = b"postgresql://app:pass-one@postgres:5432/packets"
    assert secret(world, "app", "/etc/stack/secrets/database_url") == url
    for service in world.spec().services:
        assert "pass-one" not in repr((service.environment, service.command, service.health))


def test_a_new_password_reaches_both_by_a_restart(world: World) -> None:
    choose_database(world)
    world.start()
    before = world.ids()
    world.secrets[POSTGRES_PASSWORD] = Secret("pass-two")
    assert touched(world) == {"postgres", "app"}
    assert {str(s.verb) for s in world.plan().steps} == {"write files", "restart", "verify", "record"}
    world.start()
    assert world.ids() == before
    assert secret(world, "postgres", "/etc/stack/secrets/postgres_password") == b"pass-two"


def test_back_to_sqlite_the_database_goes_and_its_data_stays(world: World) -> None:
    choose_database(world)
    world.start()
    world.environ = {}
    world.start()
    volumes = world.engine.observe(NAME).volumes
    assert world.state("postgres") == ""
    assert "monitoring-postgres-data" in volumes
    assert not {"monitoring-postgres-config", "monitoring-app-config"} & set(volumes)


def test_a_token_reaches_the_three_who_need_it_and_a_new_one_too(world: World) -> None:
    world.secrets[APP_TOKEN] = Secret("token-one")
    assert touched(world) == {"app", "prometheus", "alertmanager"}
    world.start()
    before = world.ids()
    world.secrets[APP_TOKEN] = Secret("token-two")
    assert touched(world) == {"app", "prometheus", "alertmanager"}
    world.start()
    assert world.ids() == before
    assert [secret(world, c, TOKEN_PATH) for c in ("app", "prometheus", "alertmanager")] == [b"token-two"] * 3
    assert TOKEN_PATH.encode() in (world.in_use("prometheus", "scrape/app.yml") or b"")
    assert TOKEN_PATH.encode() in (world.in_use("alertmanager", "alertmanager.yml") or b"")


def test_without_the_token_the_users_files_are_as_they_wrote_them(world: World) -> None:
    world.secrets[APP_TOKEN] = Secret("token-one")
    world.start()
    del world.secrets[APP_TOKEN]
    world.start()
    assert world.in_use("prometheus", "scrape/app.yml") == world.tree["prometheus/scrape/app.yml"]
    assert world.in_use("alertmanager", "alertmanager.yml") == world.tree["alertmanager/alertmanager.yml"]
