"""images env --write: the images that are here go into .env, and what a person wrote there stays."""

from __future__ import annotations

from tests.scenarios.commands import Client


def test_a_persons_dotenv_is_kept(client: Client) -> None:
    shown = client.run("images", "env")[1].documents[-1]
    name, image = next(iter(shown.items()))
    dotenv = client.home / ".env"
    mine = f"# mine\nSTACK_GRAFANA_PORT=3333\nexport {name}='{image}'\nTOKEN=\"a b\"\n"
    dotenv.write_text(mine)
    dotenv.chmod(0o640)
    assert client("images", "env") == 0
    assert dotenv.read_text() == mine
    for _ in range(2):
        assert client("images", "env", "--write") == 0
        written = dotenv.read_text()
        assert written.startswith(mine.replace(f"'{image}'", image))
        assert all(f"{key}={value}\n" in written for key, value in shown.items())
        assert len(written.splitlines()) == 3 + len(shown)
        assert dotenv.stat().st_mode & 0o777 == 0o640
