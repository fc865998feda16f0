"""Links in folders of a volume, as a process sees them: placed, replaced, removed; one suite for both engines."""

from __future__ import annotations

from msgspec.structs import replace

from stack.deploy.actions import Actions
from stack.model.plan import Step, Verb
from stack.model.spec import CONFIG_ROOT, ConfigFile, LinkFolder, ServiceSpec, StackSpec
from tests.contract.engine_bench import TINY, Bench, make, service


def use(bench: Bench, base: ServiceSpec, **links: str) -> ServiceSpec:
    """Writes a version with these links (underscores in names stand for slashes) to files of that content."""
    files = tuple(ConfigFile(f"d/{text}", text.encode()) for text in sorted(set(links.values())))
    named = tuple((f"{name.replace('_', '/')}.json", f"d/{text}") for name, text in links.items())
    made = replace(base, image=TINY, files=files, linked=LinkFolder("boards", named))
    act = Actions(bench.engine, StackSpec(bench.stack, (made,)))
    act(Step(Verb.WRITE, "volume", "test", made.component))
    return made


def read(bench: Bench, container: str, **names: bytes | None) -> None:
    """What is read behind each link."""
    for name, content in names.items():
        path = f"{CONFIG_ROOT}/boards/{name.replace('_', '/')}.json"
        assert bench.engine.read_file(container, path) == content, path


def names(bench: Bench, container: str, folder: str) -> tuple[str, ...]:
    """What lies directly in a folder."""
    return tuple(sorted(p for p in bench.engine.read_folder(container, folder) if "/" not in p))


def test_links_in_deeper_folders_lead_to_the_version_in_use_and_go_with_their_files(bench: Bench) -> None:
    base = service(bench)
    container = make(bench, base, start=False)
    use(bench, base, a="one", x_y_b="two", x_c="three")
    read(bench, container, a=b"one", x_y_b=b"two", x_c=b"three")
    use(bench, base, a="one again", x_c="four", z_d="five")
    read(bench, container, a=b"one again", x_c=b"four", z_d=b"five", x_y_b=None)
    assert names(bench, container, f"{CONFIG_ROOT}/boards") == ("a.json", "x", "z")
    assert names(bench, container, f"{CONFIG_ROOT}/boards/x") == ("c.json",)
    use(bench, base)
    assert names(bench, container, f"{CONFIG_ROOT}/boards") == ()
    assert bench.engine.observe(bench.stack).leftovers == ()
