"""The command line: help, exit status, one clear message instead of a traceback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from hub.cli import main as program
from hub.cli.main import cli, run
from schema.errors import HubError, ManyErrors

HEAVY = ("strawberry", "sqlalchemy", "duckdb", "starlette", "granian", "graphql", "pyarrow")


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command's words, groups included."""
    yield path
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def test_every_command_explains_itself_with_an_example(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words in commands(cli):
        assert run([*words, "--help"]) == 0
        shown = capsys.readouterr().out
        assert "Example:\n" in shown, words
        assert f"  hub {' '.join(words)}".rstrip() in shown, words


def test_help_of_the_program_imports_no_command() -> None:
    code = (
        "import sys; from hub.cli.main import run; run(['--help']);"
        f"found = sorted(set({HEAVY!r}) & set(sys.modules)); sys.exit(', '.join(found) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "demo" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["nothing"],
        ["--nothing"],
        ["serve", "--config", "absent.yaml", "--port", "0"],
        ["plan"],
        ["plan", "absent.graphql", "--as", "x"],
        ["check"],
        ["check", "absent"],
        ["schema", "diff", "absent", "absent"],
        ["source", "draft", "absent.sqlite"],
        ["source", "draft", "what-is-this"],
        ["source", "draft", "${env:HUB_TEST_UNSET}"],
        ["keys", "new", "nothing"],
    ],
)
def test_failures_are_one_message_and_a_status(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) not in (0, 70)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err
    assert "Traceback" not in shown.err
    assert len(shown.err.splitlines()) <= 4


def raising(error: Exception) -> object:
    """A command line whose only command fails."""

    @click.command()
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (HubError("NOT_FOUND", "no such thing", where="a.yaml:3:5", hint="look again"), 1,
         "hub: a.yaml:3:5: no such thing (look again) [NOT_FOUND]\n"),
        (ManyErrors("FRAGMENT_INVALID", [HubError("FRAGMENT_INVALID", "one"),
                                         HubError("FRAGMENT_INVALID", "two", where="b:1:1")]), 1,
         "one [FRAGMENT_INVALID]\nb:1:1: two [FRAGMENT_INVALID]\nhub: 2 problems"
         " [FRAGMENT_INVALID]\n"),
        (KeyError("secret"), 70, "hub: an internal error: KeyError (HUB_DEBUG=1 shows where)\n"),
        (click.exceptions.Abort(), 130, "hub: stopped\n"),
    ],
)  # fmt: skip
def test_errors_on_stderr(
    error: Exception,
    status: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(program, "cli", raising(error))
    assert run([]) == status
    assert capsys.readouterr().err == message


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_DEBUG", "1")
    monkeypatch.setattr(program, "cli", raising(KeyError("where")))
    with pytest.raises(KeyError):
        run([])


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("hub ")
