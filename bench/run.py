"""`make bench`: W1 to W5 against the hand-written limit and plain Strawberry, interleaved.

Servers run pinned to one core, PostgreSQL and the load on the other. Every figure is the median
over rounds; ratios are taken round by round, so that a drift of the machine cancels.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from bench import hub_config, load, world
from hub.demo.postgres import LocalPostgres

ROOT = Path(__file__).resolve().parent.parent
HUBS = {"hub": (False, False), "policy": (True, False), "audit": (False, True)}


def _server_command(module: str, port: int) -> list[str]:
    return [sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--no-ws",
            "--port", str(port), "--log-level", "warning", f"{module}:app"]  # fmt: skip


class Servers:
    """The servers under measurement, each a process of its own on the first core."""

    def __init__(self, urls: dict[str, str], directory: Path) -> None:
        self.env = {**os.environ, **{f"BENCH_{k.upper()}": v for k, v in urls.items()}}
        self.processes: list[subprocess.Popen[bytes]] = []
        self.ports: dict[str, int] = {}
        self.headers: dict[str, dict[str, str]] = {}
        for number, name in enumerate(("limit", "plain")):
            self.ports[name] = 9101 + number
            self.headers[name] = {}
            self._start(_server_command(f"bench.{name}", self.ports[name]))
        for number, (name, (full, audit)) in enumerate(HUBS.items()):
            self.ports[name] = port = 9111 + number
            config = hub_config.write_config(directory / name, port=port, full=full, audit=audit)
            token = self._token(config)
            self.headers[name] = {
                "Authorization": f"Bearer {token}", "Hub-Purpose": hub_config.PURPOSE,
            }  # fmt: skip
            self._start([sys.executable, "-m", "hub", "serve", "--config", str(config)])

    def _token(self, config: Path) -> str:
        from auth.devissuer import DevIssuer
        from hub.settings import read_settings

        settings = read_settings(config)
        declared = settings.auth.development_issuer
        assert declared is not None
        issuer = DevIssuer(declared, mode="development", host="127.0.0.1")
        return issuer.sign(hub_config.CLAIMS)

    def _start(self, command: list[str]) -> None:
        self.processes.append(
            subprocess.Popen(command, cwd=ROOT, env=self.env, preexec_fn=_first_core)
        )

    def wait(self) -> None:
        """Until every server answers."""
        for port in self.ports.values():
            for _ in range(150):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1)
                except urllib.error.HTTPError:
                    break
                except OSError:
                    time.sleep(0.2)
                else:
                    break

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(10)


def _first_core() -> None:
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _other_core() -> None:
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


async def _measure(
    servers: Servers, rounds: int, seconds: float
) -> dict[str, dict[str, list[float]]]:
    rates: dict[str, dict[str, list[float]]] = {}
    for workload, query in world.QUERIES.items():
        held: dict[str, list[float]] = {name: [] for name in servers.ports}
        requests = {
            name: [
                load.encode(port, query, world.variables(workload, n), servers.headers[name])
                for n in range(200)
            ]
            for name, port in servers.ports.items()
        }
        for name, port in servers.ports.items():
            await load.drive(port, requests[name], seconds=0.5)
        for _ in range(rounds):
            for name, port in servers.ports.items():
                rate, _, failures = await load.drive(port, requests[name], seconds=seconds)
                if failures:
                    raise SystemExit(f"{workload} {name}: {failures} failed answers")
                held[name].append(rate)
        rates[workload] = held
        print(workload, {name: round(statistics.median(v)) for name, v in held.items()}, flush=True)
    return rates


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def _results(rates: dict[str, dict[str, list[float]]]) -> dict[str, object]:
    results: dict[str, object] = {}
    policy, audit = [], []
    for workload, held in rates.items():
        results[workload] = {
            "hub": round(statistics.median(held["hub"]), 1),
            "limit": round(statistics.median(held["limit"]), 1),
            "ratio": round(_ratio(held["hub"], held["limit"]), 3),
            "strawberry": round(statistics.median(held["plain"]), 1),
            "times_strawberry": round(_ratio(held["hub"], held["plain"]), 1),
            "policy": round(_ratio(held["policy"], held["hub"]), 3),
            "audit": round(_ratio(held["audit"], held["hub"]), 3),
        }
        policy.append(_ratio(held["policy"], held["hub"]))
        audit.append(_ratio(held["audit"], held["hub"]))
    results["policy"] = round(statistics.median(policy), 3)
    results["audit"] = round(statistics.median(audit), 3)
    return results


def _table(results: dict[str, object]) -> str:
    lines = ["| | hub | limit | of the limit | Strawberry | times | policies | audit on |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for name, row in results.items():
        if isinstance(row, dict) and "ratio" in row:
            lines.append(
                f"| {name} | {row['hub']:.0f} | {row['limit']:.0f} | {row['ratio']:.2f} | "
                f"{row['strawberry']:.0f} | {row['times_strawberry']:.1f} | "
                f"{row['policy']:.2f} | {row['audit']:.2f} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results.json")
    given = parser.parse_args()
    from bench import proofs, rulings, scale

    results: dict[str, object] = {
        "compose": scale.measure(),
        "rulings": rulings.measure(),
        "proofs": proofs.measure(),
    }
    _other_core()
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder:
        postgres = LocalPostgres()
        urls = asyncio.run(world.load(postgres.start(Path(folder) / "postgres")))
        servers = Servers(urls, Path(folder))
        try:
            servers.wait()
            results = {
                **_results(asyncio.run(_measure(servers, given.rounds, given.seconds))),
                **results,
            }
        finally:
            servers.stop()
            postgres.stop()
    given.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(_table(results))
    print(json.dumps(results["compose"]))
    print(json.dumps(results["rulings"]))
    print(json.dumps(results["proofs"]))


if __name__ == "__main__":
    main()
