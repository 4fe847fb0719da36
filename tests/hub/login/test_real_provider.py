"""People in a real browser at a real provider: npm's `oidc-provider`, and Chromium."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.hub.links.hubs import Site
from tests.hub.serve.live import free_port
from tests.npm import installed

SECRET = "a secret of a test"
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def chromium() -> str:
    """The browser of this machine."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        assert not os.environ.get("CI"), "no chromium: .ci/browser installs it"
        pytest.skip("NO BROWSER: install chromium (`sh .ci/browser`)")
    return found


@contextmanager
def provided(port: int, back: str) -> Iterator[str]:
    """The provider as a process; its issuer."""
    folder = installed(Path(__file__).with_name("oidc"), "oidc-provider", "serve.mjs")
    command = ["node", str(folder / "serve.mjs"), str(port), back, SECRET]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        told = child.stdout.readline()
        while told and not told.startswith("{"):
            told = child.stdout.readline()
        assert told, "the provider did not start"
        yield str(json.loads(told)["issuer"])
    finally:
        child.stdin.close()
        child.wait(15)
        child.stdout.close()


@contextmanager
def browsing() -> Iterator[BrowserContext]:
    """A browser without any cookie."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        try:
            yield browser.new_context()
        finally:
            browser.close()


def hub_at(home: Path, issuer: str) -> Site:
    """A hub whose people log in there."""
    site = Site(home, "hub", fragments=[], policies=[])
    file = site.home / "hub.yaml"
    whole: dict[str, Any] = yaml.safe_load(file.read_text())
    (site.home / "client.secret").write_text(SECRET)
    provider = {
        "name": "city", "issuer": issuer, "client_id": "hub-console", "user_info": True,
        "client_secret": "${file:client.secret}", "scopes": ["openid", "duties"],
        "claims": {"app": [], "user": ["sub"], "duties": ["duties"]},
    }  # fmt: skip
    login = {"url": f"http://127.0.0.1:{site.port}", "acr_s": {"card": 300}}
    whole["auth"] = {"login": {**login, "providers": [provider]}}
    file.write_text(yaml.safe_dump(whole))
    return site


def fetched(page: Page, path: str, **init: Any) -> Any:
    """What a script of the page gets: status and body."""
    script = """async ([path, init]) => {
      const got = await fetch(path, init); return [got.status, await got.json()] }"""
    return page.evaluate(script, [path, init])


def log_in(page: Page, address: str, name: str) -> None:
    page.goto(address)
    assert page.title() == "log in"
    page.fill("input[name=login]", name)
    page.click("button")
    page.wait_for_url("**/healthz")


def asked(page: Page, **headers: str) -> Any:
    """The status of a question of the page."""
    sent = {"content-type": "application/json", **headers}
    body = json.dumps({"query": "{ __typename }"})
    return fetched(page, "/graphql", method="POST", headers=sent, body=body)[0]


@pytest.mark.slow
def test_a_person_in_a_browser(tmp_path: Path) -> None:
    port = free_port()
    site = hub_at(tmp_path, f"http://localhost:{port}")
    hub = f"http://127.0.0.1:{site.port}"
    with (
        provided(port, f"{hub}/auth/callback") as issuer,
        site.serving(),
        browsing() as context,
    ):
        planted = "A" * 43
        context.add_cookies([{"name": "hub_session", "value": planted, "url": hub}])
        page = context.new_page()
        log_in(page, f"{hub}/auth/login?return_to=/healthz", "zhang")

        (cookie,) = [one for one in context.cookies(hub) if one["name"] == "hub_session"]
        first = cookie["value"]
        assert first != planted
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        assert "hub_session" not in page.evaluate("document.cookie")
        status, told = fetched(page, "/auth/session")
        assert (status, told["active"], told["user"]) == (200, True, "zhang")
        assert told["duties"] == ["security-officer"]
        assert asked(page, **{"hub-csrf": told["csrf"]}) == 200
        assert asked(page) == 403
        assert asked(page, **{"hub-csrf": "A" * 43}) == 403

        _elsewhere(context, issuer, hub)
        assert fetched(page, "/auth/session")[1]["active"]

        log_in(page, f"{hub}/auth/login?return_to=/healthz&acr=card", "zhang")
        (cookie,) = [one for one in context.cookies(hub) if one["name"] == "hub_session"]
        assert cookie["value"] != first
        told = fetched(page, "/auth/session")[1]
        assert (told["acr"], told["user"]) == ("card", "zhang")

        sent = {"hub-csrf": told["csrf"]}
        assert fetched(page, "/auth/logout", method="POST", headers=sent)[0] == 200
        assert not fetched(page, "/auth/session")[1]["active"]
        context.add_cookies([{"name": "hub_session", "value": cookie["value"], "url": hub}])
        assert not fetched(page, "/auth/session")[1]["active"]
        assert asked(page, **sent) == 401


def _elsewhere(context: BrowserContext, issuer: str, hub: str) -> None:
    """A page of another site can neither ask, nor log out, nor frame anything."""
    page = context.new_page()
    page.goto(f"{issuer}/elsewhere")
    script = """async (url) => {
      try { await fetch(url, {method: 'POST', credentials: 'include'}); return 'read' }
      catch { return 'refused' } }"""
    assert page.evaluate(script, f"{hub}/auth/logout") == "refused"
    for path in ("/auth/session", "/auth/login?provider=none", "/auth/callback"):
        page.evaluate("""(url) => { const frame = document.createElement('iframe');
          frame.src = url; document.body.append(frame) }""", f"{hub}{path}")  # fmt: skip
    page.wait_for_timeout(500)
    framed = [frame.url for frame in page.frames[1:]]
    assert len(framed) == 3
    assert all(url.startswith("chrome-error:") for url in framed), framed
    page.evaluate("""(url) => { const form = document.createElement('form');
      form.method = 'post'; form.action = url; document.body.append(form); form.submit() }""",
                  f"{hub}/auth/logout")  # fmt: skip
    page.wait_for_url(f"{hub}/auth/logout")
    page.close()
