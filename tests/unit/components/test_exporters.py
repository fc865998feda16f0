"""Servers that exporters watch, from their files: containers, jobs, passwords; and what is wrong with a file."""

from __future__ import annotations

import json

import pytest
import yaml
from msgspec.structs import replace

from stack.components import BY_NAME, assemble
from stack.components.build import Build
from stack.components.exporters.kinds import BY_WORD, KINDS
from stack.components.exporters.server import faults
from stack.deploy.left_out import left_out
from stack.engine.convert import service_body
from stack.exports.compose_own import override, own_files
from stack.model.left_out import LeftOut
from stack.model.spec import ServiceSpec, StackSpec
from tests.unit.components.test_components import build

SECRET = "own/secrets/password"
LOGIN = 'user = "monitor"\nsecret_file = "own/secrets/password"\n'
GOOD = {
    "postgres": f'address = "db.example"\n{LOGIN}',
    "mysql": f'address = "db.example:3307"\n{LOGIN}',
    "redis": 'address = "cache"\nsecret_file = "own/secrets/password"\n',
    "nginx": 'address = "[fe80::1]:8080"\n',
    "memcached": 'address = "mc"\n[options]\ntls = "true"\n',
    "haproxy": 'address = "lb"\n[options]\npath = "/haproxy?stats"\nscheme = "https"\n',
    "process": '[options]\nprograms = "nginx, postgres"\n',
}


def own(files: dict[str, str], password: bytes = b"geheim\n", only: frozenset[str] | None = None) -> Build:
    plain = build()
    mine = {f"own/exporters/{path}.toml": text.encode() for path, text in files.items()}
    tree = {**plain.tree, SECRET: password, **mine}
    return replace(plain, tree=tree, settings=plain.settings.for_files(tree), only=only)


def stack(files: dict[str, str], password: bytes = b"geheim\n") -> StackSpec:
    return assemble(own(files, password))


def one(kind: str, text: str = "", password: bytes = b"geheim\n") -> ServiceSpec:
    service = BY_WORD[kind].form.component
    return stack({f"{kind}/main": text or GOOD[kind]}, password).service(f"{service}-main")


def why(kind: str, text: str, name: str = "main", password: bytes = b"geheim\n") -> LeftOut:
    made = own({f"{kind}/{name}": text}, password)
    found = {left.path: left for left in left_out(made, ())}
    assert all(s.kind != BY_WORD[kind].name for s in assemble(made).services)
    return found[f"own/exporters/{kind}/{name}.toml"]


def test_without_a_file_nothing_of_them_is_there() -> None:
    plain = assemble(own({}))
    shown = json.dumps([service_body("s", s) for s in plain.services]) + str(
        [f.path for s in plain.services for f in (*s.files, *s.assets)]
    )
    assert "exporter" not in shown.replace("node_exporter", "").replace("node-exporter", "")
    boards = {board for kind in KINDS for board in BY_NAME[kind.name].dashboards}
    assert not [board for board in boards if f"dashboards/{board}.json" in shown]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.form.word)
def test_a_file_brings_a_container_a_job_rules_and_a_dashboard(kind: object) -> None:
    word, component = kind.form.word, kind.name  # type: ignore[attr-defined]
    made = stack({f"{word}/main": GOOD[word], f"{word}/second": GOOD[word]})
    services = [s for s in made.services if s.kind == component]
    assert [s.component for s in services] == [f"{component}-main", f"{component}-second"]
    files = {f.path: f.content for f in made.service("prometheus").files}
    (job,) = yaml.safe_load(files[f"scrape/{component}.yml"])["scrape_configs"]
    hosts = [f"{s.host}:{s.port}" for s in services]
    assert [t for group in job["static_configs"] for t in group["targets"]] == hosts
    assert [group["labels"]["instance"] for group in job["static_configs"]] == ["main", "second"]
    assert f"rules/+optional+{component}.yml" in files
    (board,) = BY_NAME[component].dashboards
    assert f"dashboards/{board}.json" in {f.path for f in made.service("grafana").files}


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_its_container_is_as_closed_as_others_and_told_no_password(kind: str) -> None:
    service = one(kind)
    assert service.user == "65534:65534" and service.published is None and not service.pid_host
    assert all(mount.read_only for mount in service.mounts)
    assert "geheim" not in json.dumps(service_body("s", service))
    for file in (f for f in service.files if f.secret):
        assert (file.mode, file.uid, file.secret) == (0o400, 65534, True)


def test_each_exporter_reads_its_password_from_a_file() -> None:
    postgres, redis, mysql = one("postgres"), one("redis"), one("mysql")
    assert dict(postgres.environment) == {
        "DATA_SOURCE_URI": "db.example:5432/postgres?sslmode=disable",
        "DATA_SOURCE_USER": "monitor",
        "DATA_SOURCE_PASS_FILE": "/etc/stack/current/secrets/password",
    }
    assert [f.content for f in postgres.files] == [b"geheim"]
    assert redis.command == (
        "--redis.addr=redis://cache:6379",
        "--redis.password-file=/etc/stack/current/secrets/passwords.json",
    )
    assert [json.loads(f.content) for f in redis.files] == [{"redis://cache:6379": "geheim"}]
    assert mysql.command == (
        "--config.my-cnf=/etc/stack/current/secrets/my.cnf",
        "--mysqld.address=db.example:3307",
    )
    assert [f.content for f in mysql.files] == [b"[client]\nuser = `monitor`\npassword = `geheim`\n"]


def test_a_user_of_redis_is_part_of_the_address_that_its_password_is_for() -> None:
    service = one("redis", f'address = "r:1"\n{LOGIN}[options]\ntls = "true"\n')
    assert service.command[:2] == ("--redis.addr=rediss://r:1", "--redis.user=monitor")
    (file,) = service.files
    assert set(json.loads(file.content)) == {"rediss://r:1", "rediss://monitor@r:1"}


def test_pages_and_programs_are_told_by_arguments() -> None:
    assert one("nginx").command == ("--nginx.scrape-uri=http://[fe80::1]:8080/stub_status",)
    assert one("memcached").command == ("--memcached.address=mc:11211", "--memcached.tls.enable")
    assert one("haproxy").command == ("--haproxy.scrape-uri=https://lb:8404/haproxy?stats;csv",)
    (file,) = one("process").files
    assert json.loads(file.content) == {"process_names": [{"comm": ["nginx", "postgres"]}]}


def test_a_new_password_makes_no_new_container() -> None:
    before, after = one("postgres"), one("postgres", password=b"other\n")
    assert before.digest() == after.digest() and before.files_digest() != after.files_digest()


def test_it_joins_the_networks_that_its_file_names_and_knows_the_machine() -> None:
    service = one("redis", 'address = "r"\nnetworks = ["shop_default"]\n')
    assert [(n.name, n.named_by) for n in service.networks] == [
        ("shop_default", "own/exporters/redis/main.toml")
    ]
    assert dict(service.extra_hosts) == {"host.docker.internal": "host-gateway"}


def test_what_is_only_looked_at_has_the_containers_that_are_there() -> None:
    files = {"redis/a": GOOD["redis"], "redis/b": GOOD["redis"]}
    made = assemble(own(files, only=frozenset({"redis_exporter-a"})))
    assert [s.component for s in made.services if s.kind == "redis_exporter"] == ["redis_exporter-a"]
    job = next(f for f in made.service("prometheus").files if f.path == "scrape/redis_exporter.yml")
    assert b"redis-exporter-b" not in job.content


def test_files_that_are_used_and_their_passwords_are_not_left_out() -> None:
    made = own({f"{kind}/main": text for kind, text in GOOD.items()})
    unused = {one.path for one in left_out(made, ())}
    assert not [path for path in unused if path.startswith("own/")]


FAULTS = {
    "no TOML": ("redis", "address = db\n", "it is no TOML", "correct the TOML"),
    "no address": ("redis", "", "address is missing", 'add address = "HOST:6379"'),
    "loopback": (
        "redis",
        'address = "127.0.0.1:6380"',
        "would be the exporter's own",
        "exporter add --host 6380",
    ),
    "no port": ("redis", 'address = "db:70000"', "70000 is no port", "1-65535"),
    "a password": (
        "redis",
        'address = "redis://me:ge/heim@db"',
        "address: 'redis://...@db' is no HOST",
        "like db",
    ),
    "another one": ("redis", 'address = "me:geheim@db"', "address: '...@db' is no HOST", "like db"),
    "a URL": ("redis", 'address = "redis://db"', "is no HOST or HOST:PORT", "like db.example:6379"),
    "unknown key": ("redis", 'adress = "db"', "unknown key adress", "known are address"),
    "another kind": ("redis", "address = 5", "address: 5 is no text", "correct"),
    "networks": ("redis", 'address = "a"\nnetworks = [1]', "is no list of texts", "correct"),
    "no user": ("postgres", 'address = "db"', "user is missing", "add user"),
    "no secret": ("postgres", 'address = "db"\nuser = "m"', "secret_file is missing", "add secret_file"),
    "no login": ("nginx", f'address = "n"\n{LOGIN}', "logs in nowhere", "remove user"),
    "elsewhere": (
        "redis",
        'address = "a"\nsecret_file = "/etc/x"',
        "does not lie in own/secrets/",
        "put it there",
    ),
    "gone": (
        "redis",
        'address = "a"\nsecret_file = "own/secrets/no"',
        "own/secrets/no is not there",
        "put it there",
    ),
    "option": ("redis", 'address = "a"\n[options]\nx = 1', "unknown option x", "known are tls"),
    "no option": ("mysql", f'address = "a"\n{LOGIN}[options]\nx = 1', "unknown option x", "remove"),
    "value": (
        "postgres",
        f'address = "a"\n{LOGIN}[options]\nsslmode = "on"',
        "must be one of disable",
        "encrypted",
    ),
    "no such host": ("haproxy", 'address = "a"\non = "web9"', "no host is called web9", "host add"),
    "an open page": ("redis", 'address = "a"\non = "web1"', "asks for no password", "beside the stack"),
    "port of no host": ("haproxy", 'address = "a"\non_port = 9300', "on a further host", "name the host"),
    "truth as port": ("haproxy", 'address = "a"\non_port = true', "on_port: True is no number", "correct"),
    "program": ("process", "", "programs: must be names", "ps -e"),
    "its address": ("process", 'address = "a"\n[options]\nprograms = "a"', "this kind has none", "remove"),
}


@pytest.mark.parametrize(("kind", "text", "said", "hint"), FAULTS.values(), ids=FAULTS)
def test_a_file_that_cannot_be_used_is_a_fault_with_its_remedy(
    kind: str, text: str, said: str, hint: str
) -> None:
    found = why(kind, text)
    assert found.weight == "fault"
    assert said in found.why and hint in found.hint


@pytest.mark.parametrize(
    ("password", "said"),
    [(b"", "is empty"), (b"a\nb\n", "more than one line"), (b"\xff", "no UTF-8"), (b"a b", "with a space")],
)
def test_a_password_that_cannot_be_used_is_never_shown(password: bytes, said: str) -> None:
    found = why("postgres", GOOD["postgres"], password=password)
    assert said in found.why and "own/secrets/password" in found.why
    assert "a b" not in found.why


def test_a_password_that_mysqld_exporter_cannot_read_is_refused() -> None:
    assert "with ` cannot be given" in why("mysql", GOOD["mysql"], password=b"a`b").why


@pytest.mark.parametrize("name", ["Main", "a_b", "-a", "next", "a-next", "a" * 31])
def test_a_name_that_no_container_can_have_is_refused(name: str) -> None:
    assert "cannot be called" in why("redis", GOOD["redis"], name).why


def test_other_files_beside_them_are_named() -> None:
    made = own({"redis/a": GOOD["redis"]})
    others = {
        "own/exporters/redis/a.yml": b"",
        "own/exporters/redis/team/b.toml": GOOD["redis"].encode(),
        "own/exporters/oracle/a.toml": b"",
    }
    found = {o.path: o for o in left_out(replace(made, tree={**made.tree, **others}), ())}
    assert "does not end with .toml" in found["own/exporters/redis/a.yml"].why
    assert "in a folder below" in found["own/exporters/redis/team/b.toml"].why
    assert "own/exporters/postgres/" in found["own/exporters/oracle/a.toml"].hint


def test_where_the_exporter_cannot_run_its_files_say_so() -> None:
    made = replace(own({"redis/a": GOOD["redis"]}), absent=(("redis_exporter", "no image"),))
    found = {o.path: o for o in left_out(made, ())}
    assert "redis_exporter, which does not run" in found["own/exporters/redis/a.toml"].why
    assert not faults(made, BY_WORD["redis"].form)


def test_docker_compose_gets_its_files_and_the_folders_of_the_machine() -> None:
    made = own({"postgres/main": GOOD["postgres"], "process/host": GOOD["process"]})
    spec, shipped = assemble(made), frozenset(build().settings.components)
    assert own_files(spec, made, shipped)["postgres_exporter-main/current/secrets/password"] == b"geheim"
    text = override(spec, made, "/own", shipped)
    services = yaml.safe_load(text)["services"]
    assert "geheim" not in text
    assert services["postgres_exporter-main"]["image"].startswith("${STACK_POSTGRES_EXPORTER_IMAGE:-")
    assert "/proc:/host/proc:ro" in services["process_exporter-host"]["volumes"]
    assert [v["target"] for v in services["postgres_exporter-main"]["volumes"]] == ["/etc/stack/current"]
