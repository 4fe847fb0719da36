"""`hub policy seal`: sign what the control door states, away from the hub."""

from __future__ import annotations

import time
from pathlib import Path
from typing import get_args

import click

from hub.cli.desk import KEY, passphrase, write_beside
from hub.cli.load import read_text
from hub.rollout.signature import Part, Purpose


@click.command()
@click.argument("statement", type=click.Path(path_type=Path, dir_okay=False))
@KEY
@click.option(
    "--typ", required=True, type=click.Choice(get_args(Purpose)), help="As the hub states it."
)
@click.option("--part", required=True, type=click.Choice(get_args(Part)), help="As stated too.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="A new file."
)
def seal(statement: Path, key_file: Path, typ: Purpose, part: Part, out: Path) -> None:
    """Sign STATEMENT, the exact text that a hub's control door states, or add a signature.

    Needs neither the hub nor its configuration. If STATEMENT is an envelope with signatures, as a
    proposal's, one is added. Read what you sign first.

    \b
    Example:
      hub policy seal statement.json --typ hub-release+json --part author --key li.pem --out r.json
    """
    from hub.rollout.signature import envelope_in, payload_of, signed
    from hub.rollout.signer import private_key

    text = read_text(statement)
    key = private_key(key_file, passphrase)
    others = envelope_in(text)
    payload = text.encode() if others is None else payload_of(others)
    made = signed(payload, key, purpose=typ, part=part, at=int(time.time()), others=others)
    write_beside(out, made.text().encode())
    click.echo(f"sealed {len(payload)} bytes as {part}; {len(made.signatures)} signatures")
