"""The example of a stack.toml is one that the program takes, and it changes what it says it changes."""

from __future__ import annotations

from pathlib import Path

from stack.components import load

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "stack.toml"


def test_the_example_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "stack.toml").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    settings = load({}, environ={"STACK_HOME": str(tmp_path)})
    assert (settings.name, settings.port("grafana"), settings.port("app")) == ("staging", 4000, 4003)
    assert settings.switch("grafana") == "on"
    assert settings["prometheus.retention_size"] == "10GB"
    assert (settings["app.load"], settings["app.faults"]) == ("off", True)
    assert "postgres" in settings.components
