"""Warnings by e-mail: one message for one receiver, over TLS unless to this machine."""

from __future__ import annotations

import ipaddress
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from hub.registry.secret import resolve
from hub.settings.watching import Mail
from policies.positions import shown
from schema.errors import HubError


class Post:
    """The server that takes e-mail. Raises, when made: `HubError` CONFIG_INVALID."""

    def __init__(self, mail: Mail, environ: Mapping[str, str]) -> None:
        if mail.security == "none" and not _here(mail.host):
            # fails closed: names and numbers of a warning are nobody else's on the way
            raise HubError(
                "CONFIG_INVALID", "e-mail goes without TLS to this machine only",
                where="warnings.mail.security", hint="write `starttls` or `tls`",
            )  # fmt: skip
        if (mail.user is None) != (mail.password is None):
            hint = "give both `user` and `password`, or neither"
            raise HubError(
                "CONFIG_INVALID", "a mail server's user needs a password",
                where="warnings.mail", hint=hint,
            )  # fmt: skip
        self._mail = mail
        self._environ = environ
        self._context = None if mail.security == "none" else _context(mail)

    def send(
        self, id: str, to: Sequence[str], subject: str, lines: Sequence[str], *, now: float
    ) -> None:
        """One try, blocking. `id` stays the same, so that a message that comes twice is seen.

        Raises: ``smtplib.SMTPException``, ``OSError``, `HubError` without its password.
        """
        mail = self._mail
        message = EmailMessage(policy=SMTP)
        message["From"] = mail.sender
        message["To"] = ", ".join(to)
        # one line, whatever a rule is called: nothing of it becomes another header
        message["Subject"] = shown(subject)
        message["Date"] = formatdate(now)
        message["Message-ID"] = f"<{id}@{mail.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content("\n".join(lines) + "\n")
        with self._connected() as server:
            if mail.user is not None and mail.password is not None:
                server.login(mail.user, resolve(mail.password, self._environ))
            server.send_message(message)

    def _connected(self) -> smtplib.SMTP:
        mail = self._mail
        if mail.security == "tls":
            return smtplib.SMTP_SSL(
                mail.host, mail.port, timeout=mail.timeout_s, context=self._context
            )
        server = smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout_s)
        if mail.security == "starttls":
            try:
                # fails closed: a server that does not offer it is refused by an exception
                server.starttls(context=self._context)
            except BaseException:
                server.close()
                raise
        return server


def _context(mail: Mail) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=mail.authority)
    except (OSError, ssl.SSLError) as error:
        raise HubError(
            "CONFIG_INVALID", "the mail server's authority cannot be read",
            where=mail.authority, hint="give its certificate as PEM", cause=error,
        ) from error  # fmt: skip


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
