"""Rows, archives and the digest lock."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from stack.common.errors import ImageError
from stack.components import CATALOG
from stack.images.decide import Source
from stack.images.inventory import load, lock, rows, save
from stack.images.lock import checksum, read_layers, read_lock
from stack.images.resolved import Resolved
from tests.unit.images.image_doubles import Shelf, image

OFFICIAL = "prom/prometheus:v3.13.5"
LOCAL = "monitoring-stack/prometheus:local"


def resolved(ref: str, component: str = "prometheus", *, there: bool = True) -> Resolved:
    return Resolved(component, ref, f"id of {ref}" if there else "", Source.PRESENT, "because")


@pytest.mark.parametrize(
    ("ref", "labels", "version", "differs"),
    [
        (OFFICIAL, {}, "3.13.5", False),
        (LOCAL, {"version": "3.13.5"}, "3.13.5", False),
        (LOCAL, {"version": "3.14.0"}, "3.14.0", True),
    ],
)
def test_a_row_shows_the_real_version_beside_the_pin(
    ref: str, labels: dict[str, str], version: str, differs: bool
) -> None:
    (row,) = rows(Shelf({ref: image(ref, **labels)}), [resolved(ref)], CATALOG.pins)
    assert (row.version, row.pin, row.differs) == (version, "3.13.5", differs)


def test_any_patch_release_satisfies_a_pinned_minor_one() -> None:
    ref = "monitoring-stack/python:local"
    (row,) = rows(Shelf({ref: image(ref, version="3.14.8")}), [resolved(ref, "python")], CATALOG.pins)
    assert not row.differs


def test_a_missing_image_has_a_row_with_its_reason() -> None:
    (row,) = rows(Shelf(), [resolved("grafana/grafana:12.4.12", "grafana", there=False)], CATALOG.pins)
    assert (row.version, row.size, row.differs, row.why) == ("", 0, False, "because")


def test_what_is_saved_can_be_loaded(tmp_path: Path) -> None:
    archive = tmp_path / "images.tar"
    shelf = Shelf({ref: image(ref) for ref in (OFFICIAL, LOCAL)})
    saved = save(shelf, [resolved(OFFICIAL), resolved(LOCAL), resolved("gone", there=False)], archive)
    other = Shelf()
    assert load(other, archive) == saved == (OFFICIAL, LOCAL)
    assert set(other.held) == {OFFICIAL, LOCAL}
    assert [p.name for p in tmp_path.iterdir()] == ["images.tar"]


def test_an_archive_of_an_older_version_is_taken(tmp_path: Path) -> None:
    archive, shelf = tmp_path / "images.tar", Shelf({ref: image(ref) for ref in (OFFICIAL, LOCAL)})
    with tarfile.open(archive, "w") as bundle:
        for number, ref in enumerate((OFFICIAL, LOCAL)):
            one = b"".join(shelf.save((ref,)))
            header = tarfile.TarInfo(f"{number}.tar")
            header.size = len(one)
            bundle.addfile(header, io.BytesIO(one))
    assert load(Shelf(), archive) == (OFFICIAL, LOCAL)


def test_one_of_our_own_goes_with_the_name_of_the_last_one_built(tmp_path: Path) -> None:
    ref, latest = "monitoring-stack/app:1f3a", "monitoring-stack/app:local"
    made = image(ref)
    app = Resolved("app", ref, made.id, Source.PRESENT, "because")
    assert save(Shelf({ref: made, latest: made}), [app], tmp_path / "a.tar") == (ref, latest)
    assert save(Shelf({ref: made, latest: image("x")}), [app], tmp_path / "b.tar") == (ref,), "another one's"
    mine = Resolved("app", "mine/app:1", "id", Source.PRESENT, "because")
    assert save(Shelf({"mine/app:1": made, latest: made}), [mine], tmp_path / "c.tar") == ("mine/app:1",)


def test_nothing_to_save_and_nothing_to_load_are_said(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no image to save"):
        save(Shelf(), [], tmp_path / "images.tar")
    with pytest.raises(ImageError, match=r"gone\.tar cannot be read"):
        load(Shelf(), tmp_path / "gone.tar")


def test_digests_are_locked_for_exactly_the_pinned_images(tmp_path: Path) -> None:
    held = replace(image(OFFICIAL), digests=("prom/prometheus@sha256:abc",))
    assert lock(Shelf({OFFICIAL: held}), tmp_path, CATALOG.pins) == {"prometheus": "sha256:abc"}
    assert read_lock(tmp_path, CATALOG.pins) == {"prometheus": "sha256:abc"}
    path = tmp_path / "images.lock.json"
    path.write_text(path.read_text().replace("v3.13.5", "v3.13.4"))
    assert read_lock(tmp_path, CATALOG.pins) == {}


def test_a_lock_has_the_layers_that_an_archive_brings(tmp_path: Path) -> None:
    held = replace(image(OFFICIAL), digests=("prom/prometheus@sha256:abc",), layers=("sha256:1", "sha256:2"))
    lock(Shelf({OFFICIAL: held}), tmp_path, CATALOG.pins)
    assert read_layers(tmp_path, CATALOG.pins) == {"prometheus": checksum(held.layers)}
    lock(Shelf(), tmp_path, CATALOG.pins)
    assert read_layers(tmp_path, CATALOG.pins) == {"prometheus": checksum(held.layers)}, "kept"
    (tmp_path / "images.lock.json").write_text(
        f'{{"prometheus": {{"image": "{OFFICIAL}", "digest": "sha256:abc"}}}}'
    )
    assert read_layers(tmp_path, CATALOG.pins) == {}, "of an older version"
    assert read_lock(tmp_path, CATALOG.pins) == {"prometheus": "sha256:abc"}


def test_a_locked_image_is_saved_by_its_tag(tmp_path: Path) -> None:
    """An archive carries no digest: what is saved by it alone has no name where it is loaded."""
    ref = f"{OFFICIAL}@sha256:abc"
    shelf = Shelf({ref: image(ref)})
    locked = Resolved("prometheus", ref, image(ref).id, Source.PRESENT, "because")
    assert save(shelf, [locked], tmp_path / "a.tar") == (OFFICIAL,)
    assert shelf.held[OFFICIAL].id == image(ref).id
    bare = "prom/prometheus@sha256:abc"
    named = Resolved("prometheus", bare, "id", Source.PRESENT, "because")
    assert save(shelf, [named], tmp_path / "b.tar") == (bare,)


def test_a_lock_without_any_official_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no official image"):
        lock(Shelf(), tmp_path, CATALOG.pins)
