"""A portal without OpenID Connect, as it is declared; and mistakes in what is declared."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from hub.settings import read_settings
from schema.errors import HubError
from tests.hub.login.desk import desk
from tests.hub.login.providing import providing
from tests.hub.registration.bureau import Captured

PORTAL = """\
      - name: portal
        client_id: app-1
        client_secret: "${{file:client.secret}}"
        prefix: "portal:"
        portal:
          authorize: "{url}/portal/auth?lang=zh"
          token: "{url}/portal/token"
          user_info: "{url}/portal/me"
          names:
            client_id: clientId
            client_secret: clientSecret
            grant_type: grantType
            code_verifier: ""
            code_challenge: ""
            code_challenge_method: ""
          authorize_more: {{prompt: consent}}
          code: authCode
          token_body: json
          access_token: /accessToken
          user_info_header: x-acs-dingtalk-access-token
          user_info_scheme: ""
          attributes: {{sub: /content/id, user: /content/account, department: /content/unit/0/code}}
"""


@pytest.mark.asyncio
async def test_a_portal_s_people(tmp_path: Path, capsys: Captured) -> None:
    with providing() as provider:
        further = PORTAL.format(url=provider.url)
        async with desk(tmp_path, capsys, provider, further=further) as at:
            got = await at.client.get("/auth/login", params={"provider": "portal"})
            where = urlsplit(got.headers["location"])
            asked = dict(parse_qsl(where.query))
            assert where.path == "/portal/auth"
            assert (asked["lang"], asked["prompt"]) == ("zh", "consent")
            assert (asked["clientId"], "client_id" in asked) == ("app-1", False)
            assert "code_challenge" not in asked
            provider.info = {
                "content": {"id": 4711, "account": "wang", "unit": [{"code": "civil-affairs"}]}
            }
            got = await at.land(authCode="portal-code", state=asked["state"])
            assert got.status_code == 303
            told = await at.session()
            assert (told["user"], told["department"]) == ("portal:wang", "civil-affairs")
            sent = json.loads(next(body for path, _, body in provider.asked if "token" in path))
            assert set(sent) == {"clientId", "clientSecret", "grantType", "code", "redirect_uri"}
            for info in ({}, {"content": {"account": "wang"}}, {"content": {"id": True}}):
                provider.info = info
                asked = await at.begin(provider="portal")
                got = await at.land(authCode="portal-code", state=asked["state"])
                assert got.status_code == 400
            wrong = {"provider": "portal", "acr": "card"}
            assert (await at.client.get("/auth/login", params=wrong)).status_code == 400


CITY = "{name: city, issuer: https://login.example, client_id: c}"
WRONG = {
    "no address of the hub": f"login: {{providers: [{CITY}]}}",
    "an address in the clear": f"login: {{url: 'http://hub.example', providers: [{CITY}]}}",
    "an address with a path": f"login: {{url: 'https://hub.example/x', providers: [{CITY}]}}",
    "twice": f"login: {{url: 'https://h.example', providers: [{CITY}, {CITY}]}}",
    "one name for two people": "login: {url: 'https://h.example', providers: ["
    + CITY
    + ", {name: b, issuer: https://b.example, client_id: c, prefix: 'b:'}]}",
    "neither issuer nor portal": "login: {url: 'https://h.example', providers: [{name: a,"
    " client_id: c}]}",
    "a provider in the clear": "login: {url: 'https://h.example', providers: [{name: a,"
    " client_id: c, issuer: 'http://login.example'}]}",
    "no scope openid": "login: {url: 'https://h.example', providers: [{name: a, client_id: c,"
    " issuer: 'https://login.example', scopes: [email]}]}",
    "a secret as it is": "login: {url: 'https://h.example', providers: [{name: a, client_id: c,"
    " issuer: 'https://login.example', client_secret: hunter2}]}",
    "ID tokens as access tokens": "issuers: [{issuer: https://login.example, audience: [c]}]\n"
    f"  login: {{url: 'https://h.example', providers: [{CITY}]}}",
}


def test_mistakes_in_settings(tmp_path: Path) -> None:
    file = tmp_path / "hub.yaml"
    for name, text in WRONG.items():
        file.write_text(f"auth:\n  {text}\n")
        with pytest.raises(HubError) as refused:
            read_settings(file, {})
        assert refused.value.code == "CONFIG_INVALID", name
        assert "hunter2" not in str(refused.value)
    file.write_text(f"auth:\n  login: {{url: 'https://h.example', providers: [{CITY}]}}\n")
    assert read_settings(file, {}).auth.login.idle_s == 1_800
