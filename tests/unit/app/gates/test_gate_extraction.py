"""extraction_gate: what comes out of an accepted archive, and that nothing comes out of a refused one.

Each case runs through ``inspect`` and ``extract``: both must decide alike.
"""

from __future__ import annotations

import gzip
import stat
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from stack.app.gates.extraction import Entry, extract, inspect
from stack.app.gates.policy import DEFAULT_POLICY
from stack.app.gates.types import Rejected
from tests.unit.app.gates.gate_support import (
    NOISE,
    PLAIN,
    decide,
    make_tar,
    make_zip,
    rejection,
    save,
    tar_member,
)

ZIPS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
TARS = [
    (m, f)
    for m in ("w", "w:gz", "w:bz2", "w:xz")
    for f in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
]
ORDINARY = [make_zip(PLAIN, method) for method in ZIPS] + [make_tar(PLAIN, mode, form) for mode, form in TARS]


@pytest.mark.parametrize("data", ORDINARY)
def test_an_ordinary_archive_is_unpacked_as_it_is(tmp_path: Path, data: bytearray) -> None:
    archive = save(tmp_path, data)
    accepted = extract(archive, tmp_path / "out", DEFAULT_POLICY.archive, DEFAULT_POLICY.path)
    assert accepted.gate == "extraction_gate"
    assert accepted.value.entries == tuple(Entry(name, len(content)) for name, content in PLAIN)
    assert accepted.value.total_bytes == 300_005
    assert {name: (tmp_path / "out" / name).read_bytes() for name, _ in PLAIN} == dict(PLAIN)
    assert inspect(archive, DEFAULT_POLICY.archive, DEFAULT_POLICY.path) == accepted


def test_permissions_owners_and_times_are_not_taken_over(tmp_path: Path) -> None:
    data = make_tar([(tar_member("bin/deep/run.sh", mode=0o6777, uid=0, mtime=1), b"#!/bin/sh")])
    assert decide(tmp_path, data) == "ok"
    made = [tmp_path / "out" / path for path in ("bin/deep/run.sh", "bin/deep", "bin", "")]
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o600, 0o700, 0o700, 0o700]
    assert made[0].stat().st_mtime > 1


def test_folders_dots_and_old_tars(tmp_path: Path) -> None:
    members = [(tar_member("./", type=tarfile.DIRTYPE), b""), (tar_member("./d/", type=tarfile.DIRTYPE), b"")]
    assert decide(tmp_path, make_tar([*members, ("./d/x", b"1")])) == "ok"
    assert (tmp_path / "out" / "d" / "x").read_bytes() == b"1"


def test_an_empty_zip(tmp_path: Path) -> None:
    assert decide(tmp_path, make_zip([])) == "ok"


def test_a_gzip_of_two_members(tmp_path: Path) -> None:
    plain = bytes(make_tar(PLAIN))
    assert decide(tmp_path, gzip.compress(plain[:1000]) + gzip.compress(plain[1000:])) == "ok"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../x", "E_TRAVERSAL"),
        ("a/../../x", "E_TRAVERSAL"),
        ("/etc/passwd", "E_TRAVERSAL"),
        ("..\\x", "E_TRAVERSAL"),
        ("C:/x", "E_TRAVERSAL"),
        ("%2e%2e/x", "E_TRAVERSAL"),
        ("NUL", "E_PORTABILITY"),
        ("a\u202eb", "E_PORTABILITY"),
        ("/".join("a" * 40), "E_DEPTH"),
        ("x" * 300, "E_SEGMENT_LEN"),
        ("/".join(["y" * 200] * 6), "E_PATH_LEN"),
    ],
)
def test_names_are_decided_by_filesystem_gate(tmp_path: Path, name: str, code: str) -> None:
    for data in (make_zip([("ok", b"1"), (name, b"2")]), make_tar([("ok", b"1"), (name, b"2")])):
        archive = save(tmp_path, data)
        refused = rejection(extract, archive, tmp_path / "out", DEFAULT_POLICY.archive, DEFAULT_POLICY.path)
        assert (refused.gate, refused.error_code) == ("filesystem_gate", code)
        assert decide(tmp_path, data) == code


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["a", "a"], "E_SPECIAL_TYPE"),
        (["a", "./a"], "E_SPECIAL_TYPE"),
        (["a", "a/b"], "E_SPECIAL_TYPE"),
        (["a/b", "a"], "E_SPECIAL_TYPE"),
        (["Readme", "README"], "E_CASEFOLD_COLLISION"),
        (["Docs/a", "docs/b"], "E_CASEFOLD_COLLISION"),
        (["\xe9", "e\u0301"], "E_CASEFOLD_COLLISION"),
        (["e\u0301", "\xe9"], "E_CASEFOLD_COLLISION"),
        (["a/x", "a/y", "b/x"], "ok"),
    ],
)
def test_each_place_is_taken_once(tmp_path: Path, names: list[str], code: str) -> None:
    items = [(name, b"1") for name in names]
    assert decide(tmp_path, make_zip(items)) == code
    (tmp_path / "tar").mkdir()
    assert decide(tmp_path / "tar", make_tar(items)) == code


def test_budgets_are_exact(tmp_path: Path) -> None:
    policy = replace(DEFAULT_POLICY.archive, max_entries=4, max_file_bytes=1000, max_total_bytes=2000)
    cases = {
        "ok": [("a/1", NOISE[:1000]), ("a/2", NOISE[1000:2000]), ("3", b"")],
        "E_ENTRY_BUDGET": [("1", b""), ("2", b""), ("3", b""), ("4", b""), ("5", b"")],
        "E_FILE_SIZE": [("1", NOISE[:1001])],
    }
    for code, items in cases.items():
        for make in (make_zip, make_tar):
            folder = tmp_path / code / make.__name__
            folder.mkdir(parents=True)
            assert decide(folder, make(items), policy) == code


def test_the_bytes_in_all_are_bounded(tmp_path: Path) -> None:
    policy = replace(DEFAULT_POLICY.archive, max_file_bytes=1000, max_total_bytes=2000)
    items = [(str(i), NOISE[:700]) for i in range(3)]
    assert [decide(tmp_path, make_zip(items), policy), decide(tmp_path, make_tar(items), policy)] == [
        "E_ENTRY_BUDGET"
    ] * 2


def test_implied_folders_count_as_entries(tmp_path: Path) -> None:
    policy = replace(DEFAULT_POLICY.archive, max_entries=10)
    assert decide(tmp_path, make_zip([("a/b/c/d/e/f/g/h/i/j", b"")]), policy) == "ok"
    (tmp_path / "deep").mkdir()
    assert decide(tmp_path / "deep", make_zip([("a/b/c/d/e/f/g/h/i/j/k", b"")]), policy) == "E_ENTRY_BUDGET"


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 512, b"PK\3\4", NOISE, b"Rar!\x1a\7\0", b"7z\xbc\xaf\x27\x1c", b"%PDF-1.7"]
)
def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    assert decide(tmp_path, data) == "E_SPECIAL_TYPE"


@pytest.mark.parametrize("data", ORDINARY)
def test_an_archive_cut_off_anywhere_is_refused(tmp_path: Path, data: bytearray) -> None:
    for size in (len(data) * part // 7 for part in range(1, 7)):
        assert decide(tmp_path, data[:size]) in ("E_SPECIAL_TYPE", "E_FILE_SIZE_STREAM")


def test_a_target_that_exists_is_never_touched(tmp_path: Path) -> None:
    archive = save(tmp_path, make_zip(PLAIN))
    target = tmp_path / "out"
    target.mkdir()
    (target / "mine").touch()
    with pytest.raises(FileExistsError, match="choose a new folder"):
        extract(archive, target, DEFAULT_POLICY.archive, DEFAULT_POLICY.path)
    assert [path.name for path in target.iterdir()] == ["mine"]


def test_a_refusal_takes_the_folders_above_the_target_away_too(tmp_path: Path) -> None:
    archive = save(tmp_path, make_zip([("../x", b"1")]))
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "new" / "deep"
    assert rejection(extract, archive, target, DEFAULT_POLICY.archive, DEFAULT_POLICY.path)
    assert list((tmp_path / "there").iterdir()) == []
    archive.write_bytes(make_zip(PLAIN))
    extract(archive, target, DEFAULT_POLICY.archive, DEFAULT_POLICY.path)
    assert (target / "empty").is_file()


def test_the_check_of_names_can_be_a_measured_one(tmp_path: Path) -> None:
    asked: list[str] = []

    def check(path: str, *rest: object) -> object:
        asked.append(path)
        raise Rejected("filesystem_gate", "E_DEPTH", path, "no")

    archive = save(tmp_path, make_zip(PLAIN))
    refused = rejection(inspect, archive, DEFAULT_POLICY.archive, DEFAULT_POLICY.path, check)
    assert (refused.error_code, asked) == ("E_DEPTH", ["docs/a.txt"])
