"""The page of the command line: ``python -m tests.cli_page > docs/cli.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from hub.cli.main import cli

HEAD = """\
# The command line

`hub COMMAND --help` shows the same with an example. Every command exits with 0 only when it
succeeded; errors are one clear message on stderr, without a traceback (`HUB_DEBUG=1` shows it).
Status 1: refused, with a code; 2: wrong usage; 70: an internal error; 130: stopped.
"""


def commands(
    group: click.Group, words: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


def render() -> str:
    """The whole page."""
    parts = [part for name, command in commands(cli) for part in _part(name, command)]
    return "\n".join([HEAD, *parts])


def _part(name: str, command: click.Command) -> Iterator[str]:
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    shown = "".join(f" {a.human_readable_name}{'…' if a.nargs == -1 else ''}" for a in arguments)
    yield f"## `hub {name}{shown}`\n"
    for paragraph in (command.help or "").split("\n\n"):
        if "\b" not in paragraph:
            yield " ".join(paragraph.split()) + "\n"
    options = [p for p in command.params if isinstance(p, click.Option)]
    if options:
        yield "| Option | Meaning |\n|---|---|"
        yield "\n".join(_row(option) for option in options) + "\n"


def _row(option: click.Option) -> str:
    default = f" (`{option.default}`)" if option.show_default else ""
    return f"| `{option.opts[0]}` | {option.help}{default} |"


if __name__ == "__main__":
    sys.stdout.write(render())
