"""The database component: only where it is chosen, closed like all others, told its secret by a file."""

from __future__ import annotations

import pytest

from stack.components import assemble, load
from stack.components.build import Build
from stack.components.grafana import PASSWORD as GRAFANA_PASSWORD
from stack.components.postgres import PASSWORD as POSTGRES_PASSWORD
from stack.config.secret import Secret
from stack.config.tree import read_tree
from stack.model.spec import StackSpec
from tests.unit.components.test_components import ROOT, images_of_all

PASSWORD = "correct-horse"


def stack(*, without: tuple[str, ...] = (), **environ: str) -> StackSpec:
    switches = {f"components.{name}": "off" for name in without}
    settings = load(switches, environ={"STACK_DATABASE": "postgres", **environ}, project=ROOT)
    secrets = {GRAFANA_PASSWORD: Secret("x"), POSTGRES_PASSWORD: Secret(PASSWORD)}
    return assemble(Build(settings, images_of_all(), read_tree(ROOT), secrets))


def test_it_runs_only_where_it_is_chosen() -> None:
    assert "postgres" in stack().components
    assert "postgres" not in stack(STACK_DATABASE="sqlite").components
    assert "postgres" not in stack(without=("postgres",)).components


def test_it_is_closed() -> None:
    service = stack().service("postgres")
    assert service.user == "999:999"
    assert service.published is None
    assert [m.target for m in service.mounts if not m.read_only] == [
        "/var/lib/postgresql",
        "/tmp",
    ]
    assert service.health.test[:2] == ("CMD", "pg_isready"), "an image named may be of another major version"
    assert service.stop_signal == "INT", "TERM waits until every client has gone"


def test_the_password_is_in_files_alone_each_for_its_reader() -> None:
    made = stack()
    carriers = [
        (s.component, f.path, f.mode, f.uid)
        for s in made.services
        for f in (*s.files, *s.assets)
        if PASSWORD.encode() in f.content
    ]
    assert sorted(carriers) == [
        ("app", "secrets/database_url", 0o400, 65534),
        ("postgres", "secrets/postgres_password", 0o400, 999),
    ]
    assert PASSWORD not in repr(made)


def test_the_application_waits_for_it_only_where_it_runs() -> None:
    app = stack().service("app")
    assert (app.needs, app.awaits) == (("postgres",), ("postgres",))
    assert ("STACK_DATABASE_URL_FILE", "/etc/stack/secrets/database_url") in app.environment
    alone = stack(without=("postgres",)).service("app")
    assert (alone.needs, alone.awaits, alone.assets) == ((), (), ())


@pytest.mark.parametrize("name", ["start.sh", "postgresql.conf", "pg_hba.conf"])
def test_its_files_are_delivered_and_make_no_difference_to_another_stack(name: str) -> None:
    (file,) = [f for f in stack().service("postgres").files if f.path == name]
    assert file.content == next(
        f.content for f in stack(STACK_NAME="two").service("postgres").files if f.path == name
    )
    assert b"trust" not in file.content
