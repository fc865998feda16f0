"""The root file system: sorted, timeless, owned as told, and equal for equal packages."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import BinaryIO

import pytest

from stack.common.errors import BuildFailed
from stack.engine.interface import ImageConfig
from stack.images.recipes import Recipe
from stack.images.tree import open_deb, place, write_tree


def package(*entries: tuple[str, str | bytes | None], mtime: int = 7) -> bytes:
    """An archive as inside a package: bytes are a file, a string is a link, None is a folder, '=x' a hard link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, what in entries:
            header = tarfile.TarInfo(name)
            header.mtime, header.uid, header.uname = mtime, 0, "root"
            if what is None:
                header.type, header.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(what, str):
                header.type = tarfile.LNKTYPE if what.startswith("=") else tarfile.SYMTYPE
                header.linkname = what.removeprefix("=")
            else:
                header.size, header.mode = len(what), 0o755
            tar.addfile(header, io.BytesIO(what) if isinstance(what, bytes) else None)
    return out.getvalue()


def recipe(
    *,
    moves: tuple[tuple[str, str], ...] = (),
    folders: tuple[tuple[str, int], ...] = (),
    left_out: tuple[str, ...] = (),
) -> Recipe:
    return Recipe(("p",), "p", ImageConfig(), moves, folders, files=(), links=(), left_out=left_out)


def tree(made: Recipe, *packages: bytes) -> bytes:
    debs = {Path(f"{number}.deb"): content for number, content in enumerate(packages)}

    def opener(path: Path) -> BinaryIO:
        return io.BytesIO(debs[path])

    out = io.BytesIO()
    write_tree(debs, made, out, opener)
    return out.getvalue()


def members(content: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {m.name: m for m in tar}


def read(content: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        file = tar.extractfile(name)
        return file.read() if file else b""


def test_equal_packages_give_equal_bytes_whatever_their_order_and_age() -> None:
    one, two = package(("./usr/bin/a", b"A")), package(("./usr/bin/b", b"B"))
    assert tree(recipe(), one, two) == tree(recipe(), package(("./usr/bin/b", b"B"), mtime=9), one)


def test_parents_come_first_and_every_member_is_timeless() -> None:
    made = members(tree(recipe(folders=(("data/deep", 65534),)), package(("./usr/bin/a", b"A"))))
    assert list(made) == sorted(made)
    assert {"usr", "usr/bin", "data", "data/deep"} <= set(made)
    assert all(m.mtime == 0 and m.uname == "" for m in made.values())


def test_folders_belong_to_the_recipes_owner() -> None:
    made = members(tree(recipe(folders=(("data", 65534),)), package(("./data", None))))
    assert (made["data"].uid, made["data"].gid, made["data"].mode) == (65534, 65534, 0o755)


def test_old_paths_follow_the_usr_merge() -> None:
    assert [place(p) for p in ("./bin/x", "./lib64/l", "./bin", "./binary/x", "./usr/bin/x", ".")] == [
        "usr/bin/x",
        "usr/lib64/l",
        "bin",
        "binary/x",
        "usr/bin/x",
        ".",
    ]


def test_unwanted_paths_are_left_out_and_others_moved() -> None:
    made = recipe(left_out=("usr/share/man/*",), moves=(("usr/bin/long-name", "usr/bin/short"),))
    names = members(tree(made, package(("./usr/share/man/x", b""), ("./usr/bin/long-name", b"L"))))
    assert "usr/bin/short" in names
    assert not {"usr/share/man/x", "usr/bin/long-name"} & set(names)


def test_a_moved_path_that_is_not_there_is_said() -> None:
    with pytest.raises(BuildFailed, match="usr/bin/gone"):
        tree(recipe(moves=(("usr/bin/gone", "usr/bin/x"),)), package(("./a", b"")))


def test_a_hard_link_becomes_a_copy() -> None:
    content = tree(recipe(), package(("./usr/z", b"same"), ("./usr/a", "=./usr/z")))
    assert read(content, "usr/a") == read(content, "usr/z") == b"same"


def test_certificates_are_joined() -> None:
    folder = "./usr/share/ca-certificates/mozilla"
    content = tree(recipe(), package((f"{folder}/b.crt", b"B"), (f"{folder}/a.crt", b"A\n")))
    assert read(content, "etc/ssl/certs/ca-certificates.crt") == b"A\nB\n"


def test_a_broken_package_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "broken_1_amd64.deb"
    broken.write_bytes(b"not a package")
    with pytest.raises((BuildFailed, FileNotFoundError), match=r"broken_1_amd64\.deb|dpkg-deb"):
        open_deb(broken)
