"""A MariaDB server for tests: found or fetched, started once per test process, thrown away.

Where no server is installed, Debian's package is downloaded and unpacked below `.venv-tools`,
which changes nothing of the system. Where that cannot be done the tests are skipped, and the end
of the run says how many.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pymysql
import pytest

TOOLS = Path(__file__).parent.parent / ".venv-tools" / "mariadb"
MISSING = "no MariaDB server is installed, and none could be fetched"
_PACKAGE = "mariadb-server-core"
_FETCH_S = 25
"""For each of at most three steps, which together stay below the limit of a test."""
_START_S = 60.0
_SYSTEM = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")
_LEAN = (
    "--no-defaults", "--skip-log-bin", "--innodb-buffer-pool-size=24M", "--innodb-log-file-size=4M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-use-native-aio=0", "--key-buffer-size=1M", "--aria-pagecache-buffer-size=1M",
)  # fmt: skip


class Binary:
    """The server's program, with what it needs beside it."""

    def __init__(self, root: Path) -> None:
        self.program = root / "usr/sbin/mariadbd"
        self.share = root / "usr/share/mysql"
        self.environment = {**os.environ, "LC_ALL": "C"}
        if root != Path("/"):
            libraries = ":".join(str(folder) for folder in root.glob("usr/lib/*-linux-gnu*"))
            self.environment["LD_LIBRARY_PATH"] = libraries

    def command(self, data: Path, *further: str) -> list[str]:
        made = [str(self.program), *_LEAN, f"--datadir={data}", f"--lc-messages-dir={self.share}"]
        made.append(f"--character-sets-dir={self.share / 'charsets'}")
        if os.geteuid() == 0:
            made.append("--user=root")
        return [*made, *further]


def _found() -> Binary | None:
    """The server of the system, or one that was fetched before."""
    for root in (Path("/"), TOOLS / "root"):
        made = Binary(root)
        if made.program.is_file() and (made.share / _SYSTEM[0]).is_file():
            return made
    return None


def _fetched() -> Binary | None:
    """The server out of Debian's package; one process fetches for all."""
    apt, dpkg = shutil.which("apt-get"), shutil.which("dpkg")
    if apt is None or dpkg is None:
        return None
    TOOLS.mkdir(parents=True, exist_ok=True)
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    with (TOOLS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        failed = TOOLS / "failed"
        if failed.is_file() and failed.read_text() == run:
            return None
        if _found() is None and not _unpacked(apt, dpkg):
            failed.write_text(run)
    return _found()


def _unpacked(apt: str, dpkg: str) -> bool:
    archives = TOOLS / "archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    download = [
        apt, "install", "-y", "-qq", "--no-install-recommends", "--download-only", "--reinstall",
        "-o", f"Dir::Cache::archives={archives}", "-o", "Debug::NoLocking=true",
        "-o", "APT::Sandbox::User=root", _PACKAGE,
    ]  # fmt: skip
    done = _quietly(download)
    if not done and os.geteuid() == 0:
        done = _quietly([apt, "update", "-qq"]) and _quietly(download)
    files = sorted(archives.glob("*.deb"))
    made = TOOLS / "unpacked"
    shutil.rmtree(made, ignore_errors=True)
    if not done or not all(_quietly([dpkg, "-x", str(file), str(made)]) for file in files):
        return False
    made.rename(TOOLS / "root")
    return True


def _quietly(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_FETCH_S,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


class LocalMariadb:
    """One server over a directory of its own."""

    def __init__(self, binary: Binary, *options: str) -> None:
        self._binary = binary
        self._options = options
        self._home = Path(tempfile.mkdtemp(prefix="hub-mariadb-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.password = secrets.token_urlsafe(12)
        self.port = 0

    def start(self) -> None:
        """Make the system tables and an account that may do anything, then serve."""
        data, share = self._home / "data", self._binary.share
        data.mkdir()
        script = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
        script += "\n".join((share / name).read_text() for name in _SYSTEM)
        with (self._home / "log").open("ab") as log:
            subprocess.run(
                self._binary.command(data, "--bootstrap", "--log-warnings=0"),
                input=script.encode(),
                stdout=log,
                stderr=log,
                env=self._binary.environment,
                check=True,
                timeout=_START_S,
            )
        account = f"'tester'@'127.0.0.1' IDENTIFIED BY '{self.password}'"
        first = self._home / "first.sql"
        first.write_text(f"GRANT ALL ON *.* TO {account} WITH GRANT OPTION;\n")
        for _ in range(3):
            self.port = _free_port()
            if self._serves(data, first):
                return
        raise AssertionError((self._home / "log").read_text()[-2000:])

    def _serves(self, data: Path, first: Path) -> bool:
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._binary.command(
                    data,
                    f"--port={self.port}",
                    "--bind-address=127.0.0.1",
                    f"--socket={self._home / 's'}",
                    f"--init-file={first}",
                    "--skip-name-resolve",
                    "--character-set-server=utf8mb4",
                    "--max-connections=200",
                    f"--pid-file={self._home / 'pid'}",
                    *self._options,
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._binary.environment,
                start_new_session=True,
            )
        end = time.monotonic() + _START_S
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(pymysql.err.OperationalError):
                self.connect().close()
                return True
            time.sleep(0.02)
        self._halt()
        return False

    def connect(self, database: str | None = None) -> pymysql.Connection:
        """A connection that may write."""
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="tester",
            password=self.password,
            database=database,
            charset="utf8mb4",
            autocommit=True,
        )

    def url(self, database: str) -> str:
        """The URL of a database."""
        return f"mysql://tester:{self.password}@127.0.0.1:{self.port}/{database}"

    def database(self, statements: str | list[str], *, collate: str = "utf8mb4_general_ci") -> str:
        """A database of its own, with what the statements make; its name."""
        name = f"d{secrets.token_hex(8)}"
        listed = statements.split(";\n") if isinstance(statements, str) else statements
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE {collate}")
            cursor.execute(f"USE {name}")
            cursor.execute("SET SESSION sql_mode='', time_zone='+00:00'")
            for statement in filter(str.strip, listed):
                cursor.execute(statement)
        return name

    def _halt(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(_START_S)
            self._process = None

    def stop(self) -> None:
        """Nothing is kept, so nothing is written out."""
        self._halt()
        shutil.rmtree(self._home, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def mariadb() -> Iterator[LocalMariadb]:
    """A server with an account that may do anything."""
    with running() as server:
        yield server


@contextlib.contextmanager
def running(*options: str) -> Iterator[LocalMariadb]:
    """A server with further options; skips the test where none can be had."""
    binary = _found() or _fetched()
    if binary is None:
        pytest.skip(MISSING)
    server = LocalMariadb(binary, *options)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def missed(skipped: Mapping[str, int]) -> str | None:
    """What the end of a run says of tests that had no server."""
    count = sum(number for reason, number in skipped.items() if MISSING in reason)
    return f"NOT RUN: {count} tests, for {MISSING}" if count else None
