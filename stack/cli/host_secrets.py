"""What guards the exporter of a further host: a password and its hash, a certificate of its own and the key of it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import bcrypt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

PASSWORD_BYTES = 18
ROUNDS = 10
"""Of bcrypt; the exporter remembers whom it has let in."""
DAYS = 3650


class Guard(Struct, frozen=True):
    """All of it as text; the certificate and the key in PEM format."""

    password: str
    password_hash: str
    crt: str
    key: str


def made(name: str) -> Guard:
    """A new one for the host of that name, by which its certificate is checked."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks of hosts differ
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Guard(
        password,
        bcrypt.hashpw(password.encode(), bcrypt.gensalt(ROUNDS)).decode(),
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        pem.decode(),
    )
