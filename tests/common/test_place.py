"""Where settings lie and what is typed depends on how it was installed, and on nothing else."""

from __future__ import annotations

from pathlib import Path

from common.place import COMMAND, ENTRYPOINT, ENV_FILE, ROOT, command, env_file


def test_this_is_a_checkout() -> None:
    assert ENTRYPOINT.is_file()
    assert ENV_FILE == ROOT / ".env"
    assert COMMAND == "python alpaca_mcp_server.py"


def test_what_is_replaced_by_the_next_version_keeps_no_settings(tmp_path: Path) -> None:
    own = Path("~/.zero-dte-desk/.env").expanduser()
    assert env_file(tmp_path) == own
    (tmp_path / ".env.example").write_text("")
    assert env_file(tmp_path) == tmp_path / ".env"


def test_a_terminal_is_told_what_starts_this_installation(tmp_path: Path) -> None:
    assert command(tmp_path / "site-packages", "/x/python") == "zero-dte-desk"
    assert command(tmp_path, "/x/python") == "python alpaca_mcp_server.py"  # the image's folder
    (tmp_path / "manifest.json").write_text("{}")
    assert command(tmp_path, "/x/python") == f'"/x/python" "{tmp_path}/alpaca_mcp_server.py"'
