"""Identity of a service and order of a stack."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stack.common.errors import SettingsError
from stack.model.spec import ConfigFile, Health, Limits, ServiceSpec, StackSpec, config_volume, container_name


def service(component: str = "app", **changes: object) -> ServiceSpec:
    made = ServiceSpec(component, "image:1", "sha256:1", 80, "/", Limits(1, 1.0), Health(("CMD", "true")))
    return replace(made, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"image_id": "sha256:2"},
        {"command": ("--flag",)},
        {"environment": (("A", "1"),)},
        {"user": "1:1"},
        {"limits": Limits(2, 1.0)},
        {"needs": ("other",)},
    ],
)
def test_whatever_the_engine_is_told_changes_the_digest(changes: dict[str, object]) -> None:
    assert service().digest() != replace(service(), **changes).digest()


def test_files_change_their_own_digest_only() -> None:
    one, other = (service(files=(ConfigFile("a.yml", text),)) for text in (b"1", b"2"))
    assert one.digest() == other.digest() == service().digest()
    assert one.files_digest() != other.files_digest()
    assert service().files_digest() == ""


@pytest.mark.parametrize("change", [{"mode": 0o400}, {"uid": 472}, {"path": "b.yml"}])
def test_owner_mode_and_path_are_part_of_a_file(change: dict[str, object]) -> None:
    file = ConfigFile("a.yml", b"1")
    changed = replace(file, **change)
    assert service(files=(file,)).files_digest() != service(files=(changed,)).files_digest()


def test_the_order_of_files_does_not_matter() -> None:
    a, b = ConfigFile("a", b"1"), ConfigFile("b", b"2")
    assert service(files=(a, b)).files_digest() == service(files=(b, a)).files_digest()
    assert service(files=(a, b)).files_digest() != service(files=(a,), assets=(b,)).files_digest()


def test_services_come_in_the_order_of_their_needs() -> None:
    stack = StackSpec("s", (service("c", needs=("b",)), service("b", needs=("a", "absent")), service("a")))
    assert stack.ordered().components == ("a", "b", "c")


def test_a_circle_is_named() -> None:
    stack = StackSpec("s", (service("a", needs=("b",)), service("b", needs=("a",))))
    with pytest.raises(SettingsError, match=r"need each other in a circle: .* > "):
        stack.ordered()


def test_names_are_valid_host_names() -> None:
    assert container_name("s", "node_exporter") == "s-node-exporter"
    assert config_volume("s", "node_exporter") == "s-node-exporter-config"
    assert service("node_exporter").host == "node-exporter"


def test_an_unknown_service_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        StackSpec("s").service("nothing")
