"""The demonstration: a city on embedded defaults, ready to be asked."""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
import httpx
import orjson
import yaml

from auth.devissuer import DevIssuer
from auth.issuer import DevelopmentIssuer
from hub.demo.checks import problems
from hub.demo.generate import load_civil, make_city, write_files
from hub.demo.officers import lay_out, release_sample
from hub.demo.place import city_dir
from hub.demo.postgres import LocalPostgres
from schema.errors import HubError

SEED = 1
START_S = 60.0
_CONFIG = """# Written by `hub demo`; safe to delete with its folder.
fragments: [fragments/*.yaml]
policies: [policies/*.yaml]
release:
  required: true
  officers:
    - {{id: li, keys: [officers/li.pub.json]}}
    - {{id: wang, keys: [officers/wang.pub.json]}}
packs: [cn]
ceiling: {{cn-gbt43697: IMPORTANT}}
instance: {{name: demo, mode: development, department: data-bureau}}
listen: {{host: 127.0.0.1, port: {port}}}
state: {{directory: state}}
auth: {{development_issuer: {{directory: issuer}}}}
audit: {{head: audit-head.json}}
telemetry: {{log_level: warning, log_format: console}}
"""


def run_demo(*, port: int, dir: Path, scale: int, check: bool) -> bool:
    """Start everything, then wait for Ctrl-C, or check and stop.

    Gives whether anything failed. Raises: `HubError` when something does not start.
    """
    folder = Path(dir).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(_ended_by_signals())
        environment = _departments(stack, folder, scale)
        config = _configure(folder, port, environment)
        release_sample(config, environment)
        tokens = _tokens(folder)
        stack.enter_context(_serving(config, port, environment))
        click.echo(f"Hub ready at http://127.0.0.1:{port}")
        if check:
            return _check(port, tokens)
        _tell(port, folder)
        while True:
            time.sleep(3600)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Stopping.")
    finally:
        signal.signal(signal.SIGTERM, before)


def _departments(stack: ExitStack, folder: Path, scale: int) -> dict[str, str]:
    """The five departments' systems; gives the environment that fragments refer to."""
    postgres = LocalPostgres()
    url = postgres.start(folder / "postgres")
    stack.callback(postgres.stop)
    data = folder / "data"
    marker = data / "made.json"
    made = {"scale": scale, "seed": SEED, "format": 2}
    if not marker.exists() or orjson.loads(marker.read_bytes()) != made:
        click.echo(f"Inventing a city of {scale:,} persons ...")
        city = make_city(scale, SEED)
        write_files(city, data)
        asyncio.run(load_civil(url, city))
        marker.write_bytes(orjson.dumps(made))
    key, port = secrets.token_urlsafe(24), _free_port()
    command = [sys.executable, "-m", "hub.demo.market", "--db", str(data / "market.sqlite"),
               "--port", str(port)]  # fmt: skip
    stack.enter_context(
        _process(command, {"MARKET_KEY": key}, f"http://127.0.0.1:{port}/openapi.json")
    )
    return {
        "CITY_CIVIL_URL": url,
        "CITY_HRSS_URL": f"sqlite:///{data / 'hrss.sqlite'}",
        "CITY_MARKET_URL": f"http://127.0.0.1:{port}",
        "CITY_MARKET_KEY": key,
        "CITY_DATA": str(data),
    }


def _configure(folder: Path, port: int, environment: Mapping[str, str]) -> Path:
    lay_out(folder)
    lines = [f"{name}={value}" for name, value in environment.items()]
    secret = folder / "hub.env"
    secret.touch(mode=0o600)
    secret.write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = folder / "hub.yaml"
    config.write_text(_CONFIG.format(port=port), encoding="utf-8")
    return config


def _personas() -> list[dict[str, Any]]:
    held = yaml.safe_load((city_dir() / "personas.yaml").read_text(encoding="utf-8"))
    return list(held)


def _tokens(folder: Path) -> dict[str, str]:
    issuer = DevIssuer(
        DevelopmentIssuer(directory=str(folder / "issuer")), mode="development", host="127.0.0.1"
    )
    tokens = {str(p["name"]): issuer.sign(p["claims"]) for p in _personas()}
    file = folder / "tokens.json"
    file.touch(mode=0o600)
    file.write_bytes(orjson.dumps(tokens, option=orjson.OPT_INDENT_2))
    return tokens


@contextmanager
def _serving(config: Path, port: int, environment: Mapping[str, str]) -> Iterator[None]:
    from hub.serve.runner import check_address

    check_address("127.0.0.1", port)
    command = [sys.executable, "-m", "hub", "serve", "--config", str(config)]
    with _process(command, environment, f"http://127.0.0.1:{port}/readyz"):
        yield


@contextmanager
def _process(command: list[str], environment: Mapping[str, str], url: str) -> Iterator[None]:
    """A child process that answers at `url`; terminated at the end."""
    child = subprocess.Popen(command, env={**os.environ, **environment}, start_new_session=True)  # noqa: S603
    try:
        _wait(child, url)
        yield
    finally:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait(child: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + START_S
    with httpx.Client(trust_env=False, timeout=2.0) as client:
        while time.monotonic() < until:
            if child.poll() is not None:
                raise HubError("CONFIG_INVALID", "a part of the demonstration did not start")
            try:
                if client.get(url).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                time.sleep(0.05)
    raise HubError("CONFIG_INVALID", "a part of the demonstration did not start in time")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_FIRST = r"""A first question:
  TOKEN=$({python} -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' \
    {tokens} {persona})
  curl -s {url} -H "Authorization: Bearer $TOKEN" -H 'Hub-Purpose: {purpose}' \
    -H 'Content-Type: application/json' \
    -d '{{"query": "{{ persons(first: 3) {{ nodes {{ idNumber name phone }} }} }}"}}'"""


def first_question(port: int, folder: Path) -> str:
    """A shell command that asks the hub as the first persona."""
    persona = _personas()[0]
    return _FIRST.format(
        url=f"http://127.0.0.1:{port}/graphql",
        purpose=persona["claims"]["purposes"][0],
        python=shlex.quote(sys.executable),
        tokens=shlex.quote(str(folder / "tokens.json")),
        persona=persona["name"],
    )


def _tell(port: int, folder: Path) -> None:
    names = ", ".join(str(persona["name"]) for persona in _personas())
    click.echo(f"Personas: {names}; their tokens are in {folder / 'tokens.json'}")
    click.echo(first_question(port, folder))
    click.echo("Open the address with /graphql in a browser for GraphiQL.")
    click.echo("`hub demo --check` runs every persona's sample operations and compares.")
    sys.stdout.flush()


def _check(port: int, tokens: Mapping[str, str]) -> bool:
    """Run every persona's sample operations over HTTP and compare."""
    passed = failed = 0
    url = f"http://127.0.0.1:{port}/graphql"
    with httpx.Client(trust_env=False, timeout=30.0) as client:
        for file in sorted((city_dir() / "operations").glob("*/*.graphql")):
            persona = file.parent.name
            expectation = yaml.safe_load(file.with_suffix(".yaml").read_text(encoding="utf-8"))
            headers = {"Authorization": f"Bearer {tokens[persona]}"}
            if expectation.get("purpose"):
                headers["Hub-Purpose"] = expectation["purpose"]
            body = {
                "query": file.read_text(encoding="utf-8"),
                "variables": expectation.get("variables") or {},
            }
            answer = client.post(url, json=body, headers=headers).json()
            found = problems(answer, expectation.get("expect") or {})
            passed, failed = passed + (not found), failed + bool(found)
            click.echo(f"{'ok  ' if not found else 'FAIL'} {persona}: {file.stem}")
            for problem in found:
                click.echo(f"       {problem}")
            if found:
                click.echo(f"       {str(answer.get('errors'))[:400]}")
    click.echo(f"{passed} passed, {failed} failed")
    return failed > 0
