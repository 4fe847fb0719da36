"""TLS to MariaDB is checked: the authority, and the name."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.spi import Call
from connectors.sql.statement import Layout, Output, Statement
from schema.errors import SourceError
from tests.connectors.sql.test_mysql_failures import NAP, naps, until
from tests.connectors.sql.test_sql_failures import made
from tests.mariadb import LocalMariadb, running

CIPHER = Statement(
    text="SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS "
    "WHERE VARIABLE_NAME = 'Ssl_cipher'",
    layout=Layout(outputs=(Output("cipher", 0),)),
)
DAY = dt.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, by: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    authority = name == issuer
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False
        )
    )
    if authority:
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        made = made.add_extension(usage, critical=True)
    else:
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        made = made.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return made.sign(by, hashes.SHA256())


def _authority(folder: Path, name: str) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    made = _signed(name, key, name, key)
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return key


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities, and the server's certificate of the first one."""
    made = tmp_path_factory.mktemp("tls")
    ours = _authority(made, "ours")
    _authority(made, "others")
    key = ec.generate_private_key(ec.SECP256R1())
    server = _signed("server", key, "ours", ours)
    (made / "server.pem").write_bytes(server.public_bytes(serialization.Encoding.PEM))
    (made / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


@pytest.fixture(scope="module")
def secure(folder: Path) -> Iterator[LocalMariadb]:
    """A server that has a certificate for its address."""
    with running(
        f"--ssl-cert={folder / 'server.pem'}", f"--ssl-key={folder / 'server.key'}"
    ) as server:
        yield server


@pytest.mark.asyncio
async def test_the_server_is_checked(secure: LocalMariadb, folder: Path) -> None:
    source = made(f"{secure.url('mysql')}?ssl_ca={folder / 'ours.pem'}", statement_timeout=300)
    await source.open()
    assert list((await source.fetch_all(CIPHER, Call())).columns["cipher"]) != [""]
    task = asyncio.create_task(source.fetch_all(NAP, Call()))
    await until(lambda: naps(secure) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: naps(secure) == 0)
    await source.close()


@pytest.mark.asyncio
async def test_who_is_not_known_is_not_asked(secure: LocalMariadb, folder: Path) -> None:
    here, there = f"ssl_ca={folder / 'ours.pem'}", f"ssl_ca={folder / 'others.pem'}"
    by_address = secure.url("mysql")
    by_name = by_address.replace("127.0.0.1", "localhost")
    unchecked = made(by_name)
    await unchecked.open()
    await unchecked.close()
    for url in (
        f"{by_address}?{there}",
        f"{by_address}?ssl=true",
        f"{by_name}?{here}",
    ):
        source = made(url)
        with pytest.raises(SourceError) as caught:
            await source.open()
        assert caught.value.code == "SOURCE_UNAVAILABLE"
        await source.close()


@pytest.mark.asyncio
async def test_a_server_without_tls_is_refused_where_it_is_asked_for(
    mariadb: LocalMariadb, folder: Path
) -> None:
    source = made(f"{mariadb.url('mysql')}?ssl_ca={folder / 'ours.pem'}")
    with pytest.raises(SourceError) as caught:
        await source.open()
    assert caught.value.code == "SOURCE_UNAVAILABLE"
    await source.close()
