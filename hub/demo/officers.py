"""The demonstration's officers: two invented ones who sign the sample rules at the first start."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import click

from hub.demo.place import city_dir
from hub.loading import load_files
from hub.rollout.desk import open_desk
from hub.rollout.gate import Draft, Gate
from hub.rollout.lifecycle import Wish, activate, approve, build
from hub.rollout.signer import new_key, private_key
from hub.settings import read_settings
from hub.settings.read import ASSERTIONS
from schema.errors import HubError

OFFICERS = ("li", "wang")
_FOLDERS = ("fragments", "policies", "policy-tests")
_SECONDS = 60.0
_DAYS = 1


def lay_out(folder: Path) -> None:
    """Copies of the sample fragments and rules to edit, and the officers' keys; what is there
    already stays, unless the samples have changed."""
    marker = folder / "policies" / ".sample"
    digest = _digest(city_dir())
    if not marker.exists() or marker.read_text(encoding="utf-8") != digest:
        for name in _FOLDERS:
            shutil.rmtree(folder / name, ignore_errors=True)
            shutil.copytree(city_dir() / name, folder / name)
        marker.write_text(digest, encoding="utf-8")
    keys = folder / "officers"
    keys.mkdir(exist_ok=True)
    for officer in OFFICERS:
        file = keys / f"{officer}.pem"
        if not file.exists():
            pem, public = new_key(None)
            (keys / f"{officer}.pub.json").write_bytes(public)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
                out.write(pem)


def release_sample(config: Path, environment: Mapping[str, str]) -> None:
    """Put the sample rules in force, signed by both officers, unless they were once.

    Raises: `HubError` where the gate finds something against them.
    """
    os.environ.update(environment)
    settings = read_settings(config)
    folder = config.parent
    name = f"sample-{_digest(city_dir())[:12]}"
    with open_desk(settings) as desk:
        if any(desk.release_of(row).name == name for row in desk.rows()):
            return
        click.echo("Proving the sample rules; the officers li and wang sign them ...")
        gate = Gate(
            load_files(settings, rules=False), settings, seconds=_SECONDS, begin=time.time()
        )
        keys = [private_key(folder / "officers" / f"{one}.pem", _locked) for one in OFFICERS]
        wish = Wish(name=name, draft=_draft(city_dir()), days=_DAYS)
        _, made = build(desk, gate, wish, keys[0])
        _, made = approve(desk, gate, made, keys[1])
        activate(desk, gate, made, None)


def _draft(city: Path) -> Draft:
    bundles = {file.name: _text(file) for file in sorted((city / "policies").glob("*.yaml"))}
    assertions = {name: text for name, text in bundles.items() if name.endswith(ASSERTIONS)}
    tests = {file.name: _text(file) for file in sorted((city / "policy-tests").glob("*.yaml"))}
    return Draft(
        bundles={name: text for name, text in bundles.items() if name not in assertions},
        assertions=assertions,
        tests=tests,
    )


def _digest(city: Path) -> str:
    found = hashlib.sha256()
    for name in _FOLDERS:
        for file in sorted((city / name).glob("*.yaml")):
            found.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _locked() -> str:
    raise HubError("CONFIG_INVALID", "an officer's key of the demonstration is locked")
