"""Warnings reach who wants to know: as signed events and as e-mail over TLS, again until taken."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import ipaddress
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default
from pathlib import Path

import orjson
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hub.registry.webhook import WAITS_S
from hub.settings.watching import Mail
from hub.store.warnings import Warnings
from hub.warning.mail import Post
from hub.warning.telling import MEDIA
from schema.errors import HubError
from tests.hub.registry.test_webhook import KEY, receiver
from tests.hub.serve.live import free_port
from tests.hub.warning.outlook import OFFICER, Outlook, outlook

__all__ = ["outlook"]

RULE = (
    f"warning: guesses\ntitle: {{en: Many guesses, zh: 频繁试探}}\nkind: probing\n{OFFICER}\n"
    "severity: high\nwindow: 5 minutes\nleast: 2\ntell: [soc]\n"
)


class Inbox:
    """What a mail server took."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.to: list[list[str]] = []
        self.refuse = 0

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:
        if self.refuse:
            self.refuse -= 1
            return "451 later, secret text"
        assert isinstance(envelope.content, bytes)
        self.taken.append(message_from_bytes(envelope.content, policy=default))
        self.to.append(envelope.rcpt_tos)
        return "250 OK"


def certificate(home: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    (home / "mail.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (home / "mail.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return home / "mail.pem", home / "mail.key"


@contextmanager
def mail_server(home: Path, *, starttls: bool = True) -> Iterator[tuple[Inbox, int]]:
    """A server that takes e-mail from `hub` with its password, after STARTTLS."""
    inbox = Inbox()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate(home))

    def known(_: object, __: object, ___: object, ____: object, given: object) -> AuthResult:
        good = isinstance(given, LoginPassword) and given.password == b"pass word"
        return AuthResult(success=good, handled=False)

    more = {"tls_context": context, "require_starttls": True} if starttls else {}
    port = free_port()
    controller = Controller(
        inbox, hostname="127.0.0.1", port=port, authenticator=known, auth_require_tls=starttls,
        auth_required=starttls, **more,
    )  # fmt: skip
    controller.start()
    try:
        yield inbox, port
    finally:
        controller.stop()


def mailed(home: Path, port: int, word: str = "pass word") -> str:
    (home / "smtp").write_text(word + "\n")
    return (
        "  receivers: [{name: soc, email: [soc@city.example, li@city.example], language: zh}]\n"
        f"  mail: {{host: 127.0.0.1, port: {port}, sender: hub@city.example, user: hub,\n"
        f"    password: '${{file:{home}/smtp}}', authority: {home}/mail.pem}}\n"
    )


async def found(at: Outlook) -> None:
    at.watch = at.worker()
    at.rule(RULE)
    await at.begin()
    at.asked(2, outcome="refused", code="USE_FORBIDDEN")
    await at.turn(400)


def outcomes(at: Outlook) -> list[tuple[str, str, int, str]]:
    held = Warnings(at.engine)
    return [
        (row.receiver, row.state, row.tries, row.outcome)
        for told in at.told
        for row in held.deliveries(told.id)
    ]


@pytest.mark.asyncio
async def test_by_e_mail(outlook: Outlook) -> None:
    with mail_server(outlook.home) as (inbox, port):
        outlook.configure(mailed(outlook.home, port))
        await found(outlook)
    (message,), (to,) = inbox.taken, inbox.to
    (told,) = outlook.told
    assert to == ["soc@city.example", "li@city.example"]
    assert message["subject"] == "[high] 频繁试探"
    assert message["message-id"] == f"<{told.id}.soc@city.example>"
    assert message["auto-submitted"] == "auto-generated"
    text = message.get_content()  # type: ignore[attr-defined]
    assert "应用: benefits" in text
    assert "计数: 2" in text
    assert outcomes(outlook) == [("soc/mail", "sent", 1, "sent")]


@pytest.mark.asyncio
async def test_e_mail_that_is_not_taken_is_tried_again_over_restarts(outlook: Outlook) -> None:
    with mail_server(outlook.home) as (inbox, port):
        inbox.refuse = 2
        outlook.configure(mailed(outlook.home, port))
        await found(outlook)
        assert outcomes(outlook) == [("soc/mail", "waiting", 1, "SMTPDataError")]
        await outlook.turn(1)
        assert outcomes(outlook)[0][2] == 1, "not yet"
        outlook.watch._give_back()
        outlook.watch = outlook.worker()
        await outlook.turn(10)
        await outlook.turn(40)
        await outlook.turn(4_000)
    assert len(inbox.taken) == 1
    assert outcomes(outlook) == [("soc/mail", "sent", 3, "sent")]


@pytest.mark.asyncio
async def test_a_wrong_password_and_tries_that_end(outlook: Outlook) -> None:
    with mail_server(outlook.home) as (inbox, port):
        outlook.configure(mailed(outlook.home, port, "wrong"))
        await found(outlook)
        for _ in range(len(WAITS_S) + 2):
            await outlook.turn(5_000)
    assert inbox.taken == []
    tries = len(WAITS_S) + 1
    assert outcomes(outlook) == [("soc/mail", "failed", tries, "SMTPAuthenticationError")]


def test_a_server_without_tls_is_sent_nothing(tmp_path: Path) -> None:
    with mail_server(tmp_path, starttls=False) as (inbox, port):
        mail = Mail(host="127.0.0.1", port=port, sender="hub@city.example")
        with pytest.raises(Exception, match="STARTTLS"):
            Post(mail, {}).send("1", ["a@b.example"], "s", ["t"], now=1.0)
    assert inbox.taken == []


def test_a_certificate_that_nobody_signed_is_not_taken(tmp_path: Path) -> None:
    with mail_server(tmp_path) as (inbox, port):
        mail = Mail(host="127.0.0.1", port=port, sender="hub@city.example")
        with pytest.raises((OSError, smtplib.SMTPException)) as refused:
            Post(mail, {}).send("1", ["a@b.example"], "s", ["t"], now=1.0)
    assert isinstance(refused.value, ssl.SSLError)
    assert inbox.taken == []


def test_a_subject_is_one_line(tmp_path: Path) -> None:
    with mail_server(tmp_path, starttls=False) as (inbox, port):
        mail = Mail(host="127.0.0.1", port=port, sender="hub@city.example", security="none")
        Post(mail, {}).send(
            "1", ["a@b.example"], "a\r\nBcc: x@evil.example\r\n\r\nbody\u2028", ["t"], now=1.0
        )
    (message,), (to,) = inbox.taken, inbox.to
    assert message["bcc"] is None
    assert to == ["a@b.example"]
    assert message["subject"] == "a Bcc: x@evil.example body"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"host": "mail.example", "security": "none"}, "this machine only"),
        ({"host": "127.0.0.1", "user": "hub"}, "needs a password"),
        ({"host": "127.0.0.1", "authority": "/nowhere.pem"}, "authority cannot be read"),
    ],
)
def test_servers_that_are_refused(more: dict[str, str], told: str) -> None:
    with pytest.raises(HubError, match=told) as refused:
        Post(Mail(sender="hub@city.example", **more), {})  # type: ignore[arg-type]
    assert refused.value.code == "CONFIG_INVALID"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("  receivers: [{name: soc, email: [a@b.example]}]\n", "there is no server"),
        ("  receivers: [{name: soc}, {name: soc}]\n", "declared twice"),
    ],
)
def test_receivers_that_are_refused(outlook: Outlook, more: str, told: str) -> None:
    outlook.configure(more)
    with pytest.raises(HubError, match=told) as refused:
        outlook.worker()
    assert refused.value.code == "CONFIG_INVALID"


@pytest.mark.asyncio
async def test_by_webhook(outlook: Outlook) -> None:
    secret = outlook.home / "hook"
    secret.write_text("whsec_" + base64.b64encode(KEY).decode())
    with receiver(500, 302) as told:
        outlook.configure(
            f"  receivers: [{{name: soc, webhook: {{url: '{told.url}', secret: {secret}}}}}]\n"
        )
        await found(outlook)
        await outlook.turn(10)
        await outlook.turn(60)
    bodies = {body for _, body in told.taken}
    assert len(told.taken) == 3, "two refusals, a redirect among them, which is not followed"
    assert len({headers["webhook-id"] for headers, _ in told.taken}) == 1
    headers, body = told.taken[-1]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert headers["content-type"] == MEDIA
    assert len(bodies) == 1
    (warned,) = outlook.told
    assert orjson.loads(body) == {
        "specversion": "1.0",
        "id": warned.id,
        "source": "/hubs/hub/warnings",
        "type": "hub.warning.opened",
        "subject": "guesses",
        "time": "2026-06-29T00:35:00Z",
        "datacontenttype": "application/json",
        "data": {
            "kind": "probing", "severity": "high", "app": "benefits", "department": "civil",
            "title": {"en": "Many guesses", "zh": "频繁试探"}, "source": None, "what": None,
            "since": "2026-06-29T00:30:00Z", "count": 2, "expected": 2.0,
        },
    }  # fmt: skip
    assert outcomes(outlook) == [("soc/webhook", "sent", 3, "204")]
