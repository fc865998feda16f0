"""kubectl as it is asked: what it answers, what it refuses, and ports that are open only while they are needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stack.cli.kubectl import Kubectl
from stack.common.errors import SmokeFailed, StackError
from stack.engine.interface import Ran
from tests.fakes.kubectl import FakeKubectl


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeKubectl:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return FakeKubectl(tmp_path)


def test_objects_and_secrets_are_those_of_the_namespace(fake: FakeKubectl) -> None:
    fake.has("mine", "app")
    fake.secret("mine", "app-secrets", key="value")
    assert len(Kubectl("mine").objects("statefulsets,daemonsets", "a=b")) == 1
    assert Kubectl("mine").secret("app-secrets") == {"key": "dmFsdWU="}
    assert Kubectl("mine").secret("others") == {}
    assert fake.asked[0] == "-n mine get statefulsets,daemonsets -l a=b -o json"


def test_what_cannot_be_read_is_said_with_the_way_on(fake: FakeKubectl) -> None:
    with pytest.raises(SmokeFailed, match="-n other: Error from server: nothing") as error:
        Kubectl("other").objects("statefulsets,daemonsets", "a=b")
    assert "config current-context" in error.value.hint


def test_a_command_runs_in_a_pod_and_its_log_is_read(fake: FakeKubectl) -> None:
    assert Kubectl("mine").execute("statefulset/app", ("echo", "x")) == Ran(0, "ran echo x\n")
    assert Kubectl("mine").log("statefulset/app", 2) == ["one", "two"]


def test_ports_are_forwarded_and_closed(fake: FakeKubectl) -> None:
    with Kubectl("mine").forwarded({"app": ("app", 8000), "prometheus": ("prometheus", 9090)}) as addresses:
        assert addresses == {"app": "http://127.0.0.1:48000", "prometheus": "http://127.0.0.1:49090"}
    assert sorted(fake.asked) == [
        "-n mine port-forward --address 127.0.0.1 service/app :8000",
        "-n mine port-forward --address 127.0.0.1 service/prometheus :9090",
    ]


def test_a_port_that_is_not_forwarded_is_named(fake: FakeKubectl) -> None:
    fake.refuse_ports()
    with (
        pytest.raises(SmokeFailed, match="port-forward service/app: error: unable to forward port"),
        Kubectl("mine").forwarded({"app": ("app", 8000)}),
    ):
        pass


def test_without_kubectl_its_absence_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StackError, match="there is no kubectl here"):
        Kubectl("mine").log("app", 1)
