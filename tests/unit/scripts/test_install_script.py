"""scripts/install beside an environment that is there already: what of the caller's reaches pip, and what is marked."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
LAUNCHER = "DEPLOY_MONITORING_STACK.sh"
HOSTILE = {
    "PIP_TARGET": "/nonexistent",
    "PIP_PREFIX": "/nonexistent",
    "PIP_DRY_RUN": "1",
    "PIP_USER": "1",
    "PIP_CONSTRAINT": "/nonexistent",
    "PYTHONHOME": "/nonexistent",
    "PYTHONPATH": "/nonexistent",
}


@pytest.fixture
def locked() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts/locked.py"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The scripts, and the running Python as the environment's; its folder's name has a space and an umlaut."""
    folder = tmp_path / "a földer"
    (folder / ".venv/bin").mkdir(parents=True)
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    shutil.copy(ROOT / LAUNCHER, folder)
    python = folder / ".venv/bin/python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (folder / "stack").mkdir()
    return folder


def install(checkout: Path, lock: str, **variables: str) -> tuple[int, str]:
    (checkout / "requirements.lock").write_text(lock)
    plain = {name: value for name, value in os.environ.items() if name not in ("HOME", "PYTHONPATH")}
    ran = subprocess.run(
        ["sh", str(checkout / "scripts/install"), "runtime"],
        env={**plain, **variables},
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ran.returncode, ran.stderr


def test_of_the_callers_configuration_only_the_source_of_packages_counts(
    locked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://file.example/simple\nproxy = http://proxy.example\n"
        "[install]\ntarget = /nonexistent\nno-deps = true\n"
    )
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    for name, value in {**HOSTILE, "PIP_CONFIG_FILE": str(file), "HOME": ""}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PIP_INDEX_URL", "https://variable.example/simple")
    monkeypatch.setenv("PIP_CERT", "/etc/ca.pem")
    found = locked["environment"]()
    assert {name: value for name, value in found.items() if name.startswith("PIP_")} == {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_INDEX_URL": "https://variable.example/simple",
        "PIP_PROXY": "http://proxy.example",
        "PIP_CERT": "/etc/ca.pem",
        "PIP_NO_CACHE_DIR": "1",
    }
    assert not {"PYTHONHOME", "PYTHONPATH"} & found.keys()


@pytest.mark.parametrize(
    ("lock", "told"),
    [
        ("pip==0.0.1 \\\n    --hash=sha256:00\n", r"pip is .* instead of 0\.0\.1"),
        ("no-such-package==1 \\\n", "no-such-package is not there"),
        ("no-such-package==1 ; sys_platform == 'win32' \\\n", ""),
    ],
)
def test_what_is_not_there_after_all_is_named(
    locked: dict[str, Any], tmp_path: Path, lock: str, told: str
) -> None:
    file = tmp_path / "requirements.lock"
    file.write_text(lock)
    assert re.fullmatch(told, locked["missing"](file))


def test_every_package_of_the_lock_files_is_looked_at(locked: dict[str, Any]) -> None:
    for lock in ROOT.glob("requirements*.lock"):
        named = re.findall(r"(?m)^[a-zA-Z0-9]\S+==", lock.read_text())
        assert named
        assert len(locked["PINNED"].findall(lock.read_text())) == len(named)


def test_a_hostile_environment_changes_nothing(checkout: Path) -> None:
    assert install(checkout, (ROOT / "requirements.lock").read_text(), **HOSTILE)[0] == 0
    assert (checkout / ".venv/.complete").exists()
    assert not (checkout / "~").exists()


def test_what_cannot_be_installed_is_not_marked_as_complete(checkout: Path) -> None:
    code, said = install(checkout, "no-such-package==1 --hash=sha256:" + "0" * 64 + "\n", PIP_NO_INDEX="1")
    assert code == 2
    assert said.splitlines()[-1].startswith(
        "install: pip could not install requirements.lock: is a package index"
    )
    assert not (checkout / ".venv/.complete").exists()


def test_a_checkout_that_cannot_be_written_is_one_line(checkout: Path) -> None:
    (checkout / ".venv.lock").mkdir()
    code, said = install(checkout, "")
    assert (code, said.splitlines()[1:]) == (
        2,
        [f"install: {checkout} cannot be written: use a copy of it in a folder of yours"],
    )


def test_another_shell_hands_the_launcher_to_bash(checkout: Path) -> None:
    (checkout / "requirements.lock").touch()
    (checkout / ".venv/.complete").touch()
    python = checkout / ".venv/bin/python"
    python.write_text('#!/bin/sh\necho "$PYTHONPATH" "${PYTHONHOME-none}" "$@"\n')
    ran = subprocess.run(
        ["sh", f"./{LAUNCHER}", "--version"],
        cwd=checkout,
        env={**os.environ, **HOSTILE},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout) == (0, f"{checkout} none -m stack --version\n")
