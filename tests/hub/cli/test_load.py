"""Reading what commands take from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.cli.load import read_text, token_of, yaml_files
from schema.errors import HubError


def test_a_folder_stands_for_its_yaml_files(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "notes.txt"):
        (tmp_path / name).write_text("hub: 1")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "c.yaml").write_text("hub: 1")
    found = yaml_files([tmp_path, tmp_path / "notes.txt"])
    assert [path.name for path in found] == ["a.yml", "b.yaml", "notes.txt"]
    with pytest.raises(HubError, match="no such file"):
        yaml_files([tmp_path / "absent"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(HubError, match="no YAML"):
        yaml_files([tmp_path / "empty"])


def test_text_must_be_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff")
    with pytest.raises(HubError, match="UTF-8"):
        read_text(tmp_path / "a.yaml")
    with pytest.raises(HubError, match="cannot be read"):
        read_text(tmp_path)


def test_tokens_of_personas(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.json"
    tokens.write_text('{"clerk": "t1", "officer": "t2"}')
    assert token_of("clerk", tokens) == "t1"
    with pytest.raises(HubError) as caught:
        token_of("nobody", tokens)
    assert caught.value.hint == "known: clerk, officer"
    for text in ("[]", "{", '{"nobody": 1}'):
        tokens.write_text(text)
        with pytest.raises(HubError):
            token_of("nobody", tokens)
