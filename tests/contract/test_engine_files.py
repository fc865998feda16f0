"""Files in volumes as an engine tells of them: quickly from outside, and all of them to the byte."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stack.common.wait import CLOCK
from stack.deploy.actions import Actions
from stack.deploy.links import versioned
from stack.deploy.volumes import LOOKED_AT, Drift, drift, examined
from stack.model.found import FileFound
from stack.model.plan import Step, Verb
from stack.model.spec import (
    APPLIED,
    CONFIG_ROOT,
    CURRENT,
    ConfigFile,
    LinkFolder,
    ServiceSpec,
    StackSpec,
    config_volume,
)
from tests.contract.engine_bench import Bench, make, service, write

SECOND = 1.1
"""Times of change are told in seconds at least."""
FILES = (ConfigFile("main.yml", b"one"), ConfigFile("rules/a.yml", b"rule"))
ASSETS = (
    ConfigFile("page/index.html", b"<p>"),
    ConfigFile("secret", b"s", mode=0o400, uid=65534, secret=True),
)


def test_files_are_told_from_outside(bench: Bench) -> None:
    container = make(bench, service(bench), start=False)
    write(bench, ConfigFile("v1/a/x.yml", b"one", mode=0o440), links=((CURRENT, "v1"), ("l", "v1/a/x.yml")))
    paths = ("v1", "v1/a", "v1/a/x.yml", "l", "nothing", "v1/nothing")
    told = bench.engine.stat(container, tuple(f"{CONFIG_ROOT}/{path}" for path in paths))
    version, folder, file, link, *nothing = told
    assert version and folder and file and link and nothing == [None, None]
    assert [one.kind for one in (version, folder, file, link)] == ["folder", "folder", "file", "link"]
    assert (version.mode, file.mode, file.size) == (0o755, 0o440, 3)
    assert link.target == f"{CONFIG_ROOT}/v1/a/x.yml"
    assert version.changed == folder.changed == file.changed == link.changed
    CLOCK.sleep(SECOND)
    bench.tamper(ConfigFile("v1/a/x.yml", b"two"))
    changed, untouched = bench.engine.stat(container, (f"{CONFIG_ROOT}/v1/a/x.yml", f"{CONFIG_ROOT}/v1"))
    assert changed and untouched
    assert changed.changed != file.changed and untouched.changed == version.changed


def test_a_folder_is_read_whole(bench: Bench) -> None:
    container = make(bench, service(bench), start=False)
    write(bench, ConfigFile("v1/a/x.yml", b"one", mode=0o440, uid=7), links=(("v1/l", "a/x.yml"),))
    assert bench.engine.read_folder(container, f"{CONFIG_ROOT}/v1") == {
        "a": FileFound("folder", 0o755, 0),
        "a/x.yml": FileFound("file", 0o440, 7, b"one"),
        "l": FileFound("link", 0o777, 0, b"", "a/x.yml"),
    }
    assert set(bench.engine.read_folder(container, CONFIG_ROOT)) == {"v1", "v1/a", "v1/a/x.yml", "v1/l"}
    assert bench.engine.read_folder(container, f"{CONFIG_ROOT}/v2") == {}


def test_a_folder_holds_nothing_but_what_is_written_where_that_is_asked(bench: Bench) -> None:
    container = make(bench, service(bench), start=False)
    others = (ConfigFile("v1/a/more.yml", b""), ConfigFile("v1/b/c/d", b""), ConfigFile("v2/a", b""))
    write(bench, ConfigFile("v1/a/x.yml", b"one"), *others)
    volume = config_volume(bench.stack, "web_app")
    files = (ConfigFile("v1/a/x.yml", b"two"),)
    image = service(bench).image
    bench.engine.write_volume(volume, bench.stack, image, files, (), only="v1")
    assert {
        p: f.content for p, f in bench.engine.read_folder(container, CONFIG_ROOT).items() if f.content
    } == {"v1/a/x.yml": b"two"}
    assert set(bench.engine.read_folder(container, CONFIG_ROOT)) == {"v1", "v1/a", "v1/a/x.yml", "v2", "v2/a"}
    assert bench.engine.observe(bench.stack).leftovers == ()


def described(bench: Bench, assets: tuple[ConfigFile, ...] = ASSETS) -> tuple[ServiceSpec, Actions]:
    """A running service with versioned files, others and links, as a finished start leaves it."""
    links = LinkFolder("boards", (("a.json", "main.yml"), ("below/b.json", "rules/a.yml")))
    wanted = replace(service(bench), files=FILES, assets=assets, linked=links, exact=("page", "empty"))
    make(bench, wanted)
    actions = Actions(bench.engine, StackSpec(bench.stack, (wanted,)))
    volume = config_volume(bench.stack, "web_app")
    actions(Step(Verb.WRITE, volume, "", "web_app"))
    actions(Step(Verb.RECORD, volume, "", "web_app"))
    return wanted, actions


def found(bench: Bench, wanted: ServiceSpec, *, thorough: bool = False) -> tuple[str, ...]:
    spec = StackSpec(bench.stack, (wanted,))
    (seen,) = examined(bench.engine, spec, bench.engine.observe(bench.stack), thorough=thorough).containers
    return seen.drift


def test_what_was_written_is_as_it_was_written(bench: Bench) -> None:
    wanted, _ = described(bench)
    assert found(bench, wanted) == found(bench, wanted, thorough=True) == ()
    assert drift(bench.engine, StackSpec(bench.stack, (wanted,))) == ()


@pytest.mark.parametrize(
    ("path", "content", "mode", "words"),
    [
        ("V/main.yml", b"two", 0o444, "main.yml was changed"),
        ("V/rules/a.yml", b"rule", 0o666, "rules/a.yml has permissions 666 instead of 444"),
        ("V/rules/own.yml", b"more", 0o444, "rules/own.yml was added"),
        ("secret", b"other", 0o400, "secret was changed"),
        ("page/index.html", b"<h1>", 0o444, "page/index.html was changed"),
    ],
)
def test_a_file_changed_by_hand_is_seen_named_and_written_anew(
    bench: Bench, path: str, content: bytes, mode: int, words: str
) -> None:
    wanted, actions = described(bench)
    CLOCK.sleep(SECOND)
    version = wanted.files_digest()
    uid = 65534 if path == "secret" else 0
    bench.tamper(ConfigFile(path.replace("V/", f"{version}/"), content, mode, uid))
    assert found(bench, wanted) == (words,)
    name, _, what = words.partition(" ")
    assert drift(bench.engine, StackSpec(bench.stack, (wanted,))) == (Drift("web_app", name, what),)
    actions(Step(Verb.WRITE, config_volume(bench.stack, "web_app"), "", "web_app"))
    assert found(bench, wanted) == found(bench, wanted, thorough=True) == ()


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("", f"{CONFIG_ROOT} has permissions 700 instead of 755"),
        ("V", "the folder of the version in use has permissions 700 instead of 755"),
        ("V/rules", "rules has permissions 700 instead of 755"),
        ("page", "page has permissions 700 instead of 755"),
    ],
)
def test_a_folder_that_was_closed_is_seen_named_and_opened(bench: Bench, folder: str, words: str) -> None:
    wanted, actions = described(bench)
    bench.close(folder.replace("V", wanted.files_digest()))
    assert found(bench, wanted) == found(bench, wanted, thorough=True) == (words,)
    actions(Step(Verb.WRITE, config_volume(bench.stack, "web_app"), "", "web_app"))
    assert found(bench, wanted) == found(bench, wanted, thorough=True) == ()
    assert bench.engine.observe(bench.stack).leftovers == ()


@pytest.mark.parametrize("secrets", [ASSETS, ASSETS[:1]])
def test_a_file_added_to_a_folder_of_exactly_these_is_seen_and_goes(
    bench: Bench, secrets: tuple[ConfigFile, ...]
) -> None:
    more = tuple(ConfigFile(f"page/{n}", b"") for n in range(LOOKED_AT))
    wanted, actions = described(bench, (*secrets, *more))
    CLOCK.sleep(SECOND)
    write(bench, ConfigFile("page/more.html", b"<p>"))
    assert found(bench, wanted) == found(bench, wanted, thorough=True) == ("page/more.html was added",)
    actions(Step(Verb.WRITE, config_volume(bench.stack, "web_app"), "", "web_app"))
    assert found(bench, wanted) == found(bench, wanted, thorough=True) == ()


def test_an_owner_counts_where_others_may_not_read(bench: Bench) -> None:
    wanted, actions = described(bench)
    version = wanted.files_digest()
    bench.tamper(ConfigFile(f"{version}/main.yml", b"one", 0o444, 1234))
    bench.tamper(ConfigFile("secret", b"s", 0o400, 1234))
    assert found(bench, wanted, thorough=True) == ("secret belongs to user 1234 instead of 65534",)
    actions(Step(Verb.WRITE, config_volume(bench.stack, "web_app"), "", "web_app"))
    assert found(bench, wanted, thorough=True) == ()


@pytest.mark.parametrize("path", [CURRENT, APPLIED, "boards/a.json"])
def test_a_link_in_a_circle_is_seen_and_made_anew(bench: Bench, path: str) -> None:
    wanted, actions = described(bench)
    volume = config_volume(bench.stack, "web_app")
    bench.engine.remove_from_volume(volume, bench.stack, wanted.image, (path,))
    write(bench, links=((path, path.rpartition("/")[2]),))
    (seen,) = bench.engine.observe(bench.stack).containers
    assert (seen.applied.digest != wanted.files_digest()) == (path != "boards/a.json")
    if path == "boards/a.json":
        assert found(bench, wanted) == ("boards/a.json leads elsewhere",)
    actions(Step(Verb.WRITE, volume, "", "web_app"))
    actions(Step(Verb.RECORD, volume, "", "web_app"))
    (seen,) = bench.engine.observe(bench.stack).containers
    assert seen.applied.digest == wanted.files_digest() and found(bench, wanted) == ()


def test_a_file_a_folder_and_a_link_that_were_removed(bench: Bench) -> None:
    wanted, actions = described(bench)
    volume, version = config_volume(bench.stack, "web_app"), wanted.files_digest()
    bench.engine.remove_from_volume(volume, bench.stack, wanted.image, (f"{version}/rules", "boards/a.json"))
    assert found(bench, wanted) == ("rules/a.yml is missing", "boards/a.json is missing")
    actions(Step(Verb.WRITE, volume, "", "web_app"))
    assert found(bench, wanted) == ()
    write(bench, links=(("boards/a.json", "../elsewhere"),))
    assert found(bench, wanted) == ("boards/a.json leads elsewhere",)
    actions(Step(Verb.WRITE, volume, "", "web_app"))
    assert found(bench, wanted) == ()


def test_only_a_thorough_look_sees_an_owner_and_a_dashboard_too_many(bench: Bench) -> None:
    wanted, _ = described(bench)
    file = next(f for f in versioned(wanted) if f.path.endswith("/main.yml"))
    seen = bench.engine.stat(
        bench.engine.observe(bench.stack).containers[0].id, (f"{CONFIG_ROOT}/{file.path}",)
    )
    assert seen[0] is not None
    write(bench, links=(("boards/more.json", "../current/main.yml"),))
    assert found(bench, wanted) == ()
    assert found(bench, wanted, thorough=True) == ("boards/more.json was added",)


def test_what_has_ended_by_itself_is_looked_at(bench: Bench) -> None:
    wanted, _ = described(bench)
    bench.tamper(ConfigFile(f"{wanted.files_digest()}/more", b""))
    bench.end(bench.engine.observe(bench.stack).containers[0].id)
    assert found(bench, wanted) == ("more was added",)


def test_what_does_not_run_as_described_is_not_looked_at(bench: Bench) -> None:
    wanted, _ = described(bench)
    bench.tamper(ConfigFile(f"{wanted.files_digest()}/more", b""))
    write(bench, links=((CURRENT, "other"),))
    assert found(bench, wanted) == ()
    write(bench, links=((CURRENT, wanted.files_digest()),))
    bench.engine.stop(bench.engine.observe(bench.stack).containers[0].id)
    assert found(bench, wanted) == ()
