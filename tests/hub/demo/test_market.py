"""The market regulation bureau's service: a process of its own, asked over HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from hub.demo.generate import make_city, write_files

CITY = make_city(4000, 1)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("market")
    write_files(CITY, folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "hub.demo.market", "--db", str(folder / "market.sqlite"),
               "--port", str(port)]  # fmt: skip
    child = subprocess.Popen(command, env={**os.environ, "MARKET_KEY": "k"})
    base = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=base, trust_env=False, headers={"X-Api-Key": "k"}) as asking:
        try:
            until = time.monotonic() + 30
            while not _up(asking) and child.poll() is None and time.monotonic() < until:
                time.sleep(0.05)
            yield asking
        finally:
            child.terminate()
            child.wait(15)


def _up(client: httpx.Client) -> bool:
    try:
        return client.get("/openapi.json").status_code == 200
    except httpx.TransportError:
        return False


def _get(client: httpx.Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("path", ["", "/none", "/batch?codes=a"])
def test_it_wants_its_key(client: httpx.Client, path: str) -> None:
    for key in ("", "K", "kk"):
        answer = client.get(f"/v1/enterprises{path}", headers={"X-Api-Key": key})
        assert answer.status_code == 401


def test_pages_hold_every_enterprise_once(client: httpx.Client) -> None:
    codes: list[str] = []
    page = 1
    while True:
        found = _get(client, f"/v1/enterprises?size=70&page={page}")
        assert found["total"] == len(CITY.enterprises)
        codes += [item["code"] for item in found["items"]]
        if found["next"] is None:
            break
        page += 1
        assert found["next"] == page
    assert codes == sorted(row[0] for row in CITY.enterprises)


def test_filters_are_combined(client: httpx.Client) -> None:
    wanted = {
        row[0]
        for row in CITY.enterprises
        if row[2] == "C" and row[7] == "active" and row[6].startswith("3301")
    }
    path = "/v1/enterprises?industry=C&status=active&district_prefix=3301&size=200"
    assert {item["code"] for item in _get(client, path)["items"]} == wanted
    assert wanted
    assert _get(client, "/v1/enterprises?district_prefix=%25")["total"] == 0


def test_one_and_many_by_code(client: httpx.Client) -> None:
    row = CITY.enterprises[0]
    found = _get(client, f"/v1/enterprises/{row[0]}")
    assert found["code"] == row[0]
    assert found["registeredCapital"] == row[4]
    assert found["legalRepresentative"] == {"idNumber": row[8]}
    assert client.get("/v1/enterprises/none").status_code == 404
    codes = [row[0] for row in CITY.enterprises[:100]]
    batch = _get(client, f"/v1/enterprises/batch?codes={','.join([*codes[1:], 'none'])}")
    assert {item["code"] for item in batch["items"]} == set(codes[1:])


def test_what_it_cannot_answer_is_refused(client: httpx.Client) -> None:
    many = ",".join(row[0] for row in CITY.enterprises[:101])
    assert client.get(f"/v1/enterprises/batch?codes={many}").status_code == 400
    assert client.get("/v1/enterprises?page=one").status_code == 400


def test_its_document_tells_every_path(client: httpx.Client) -> None:
    document = _get(client, "/openapi.json")
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {
        "/v1/enterprises",
        "/v1/enterprises/batch",
        "/v1/enterprises/{code}",
    }
