"""`hub`: the command line. Commands are imported when they are asked for, so help is quick."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import click

from schema.errors import HubError, ManyErrors

_COMMANDS: dict[str, tuple[str, str]] = {
    "audit": ("hub.cli.audit:audit", "Verify the audit log, or follow it."),
    "catalogue": ("hub.cli.catalogue:catalogue", "Tell which facts are collected twice."),
    "check": ("hub.cli.check:check", "Check fragments and policies without any source."),
    "connector": ("hub.cli.connector:connector", "List kinds of sources; begin a new one."),
    "correction": ("hub.cli.correction:correction", "Report doubts about values; settle them."),
    "demo": ("hub.cli.demo:demo", "Start the demonstration city."),
    "directory": ("hub.cli.directory:directory", "Departments, applications, persons, duty items."),
    "share": ("hub.cli.share:share", "Ask for shares, answer them, manage grants."),
    "emergency": ("hub.cli.emergency:emergency", "Declare emergencies; break and review glass."),
    "gateway": ("hub.cli.gateway:gateway", "Serve federated subgraphs as one endpoint."),
    "keys": ("hub.cli.keys:keys", "Make and revoke keys."),
    "plan": ("hub.cli.plan:plan", "Show the plan of an operation."),
    "policy": ("hub.cli.policy:policy", "Test, prove, simulate and release policy bundles."),
    "schema": ("hub.cli.schema:schema", "Print the GraphQL schema; compare two catalogues."),
    "scorecard": ("hub.cli.scorecard:scorecard", "Scorecards of departments and applications."),
    "serve": ("hub.cli.serve:serve", "Serve the one endpoint."),
    "source": ("hub.cli.source:source", "Draft, register and publish sources; check values."),
    "warning": ("hub.cli.warning:warning", "Early warnings: look, close, check and try rules."),
}


class _Commands(click.Group):
    """A group that knows its commands' names and first lines before importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        entry = _COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry[0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in self.list_commands(ctx)])


def _version() -> str:
    try:
        return version("governed-data-hub")
    except PackageNotFoundError:
        return "unreleased"


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), prog_name="hub", message="%(prog)s %(version)s")
def cli() -> None:
    """One governed GraphQL endpoint over many departments' systems.

    \b
    Example:
      hub demo                        a city of five departments, on this machine
      hub serve --config hub.yaml     your own departments
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit; every failure is one clear message on stderr."""
    from hub.telemetry.log import configure_logging

    configure_logging("warning", "console")  # what a command prints is for the next one to read
    sys.exit(run(args))


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    try:
        outcome = cli.main(args=args, prog_name="hub", standalone_mode=False)
        return outcome if isinstance(outcome, int) else 0
    except click.exceptions.Abort:
        click.echo("hub: stopped", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ManyErrors as error:
        for problem in error.problems:
            click.echo(describe(problem), err=True)
        count = len(error.problems)
        click.echo(f"hub: {count} problem{'s' * (count != 1)} [{error.code}]", err=True)
        return 1
    except HubError as error:
        if os.environ.get("HUB_DEBUG") == "1":
            raise
        click.echo(f"hub: {describe(error)}", err=True)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141
    except Exception as error:
        # The last resort of a program, not of a room: one line instead of a traceback.
        if os.environ.get("HUB_DEBUG") == "1":
            raise
        click.echo(
            f"hub: an internal error: {type(error).__name__} (HUB_DEBUG=1 shows where)", err=True
        )
        return 70


def describe(error: HubError) -> str:
    """One line: where, what, how to mend it, the code."""
    return f"{error} [{error.code}]"
