"""Certificates and keys that a job names: what Prometheus would start with all the same, and then not scrape."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import trustme

from stack.common.errors import ConfigurationInvalid
from stack.components import BY_NAME, assemble
from stack.validation.syntax import check_syntax
from tests.unit.components.test_own import SCRAPE, own

AUTHORITY = trustme.CA()
ISSUED, OTHER = AUTHORITY.issue_cert("shop"), AUTHORITY.issue_cert("bar")
CA = AUTHORITY.cert_pem.bytes()
CERT, KEY = ISSUED.cert_chain_pems[0].bytes(), ISSUED.private_key_pem.bytes()
JOB = b"""scrape_configs:
- job_name: shop
  scheme: https
  static_configs: [{targets: [shop]}]
  tls_config:
    ca_file: own/secrets/ca.pem
    cert_file: own/secrets/cert.pem
    key_file: own/secrets/key.pem
"""


def check(**content: bytes) -> None:
    given = {"ca": CA, "cert": CERT, "key": KEY} | content
    build = own(
        {f"{SCRAPE}shop.yml": JOB, **{f"own/secrets/{name}.pem": told for name, told in given.items()}}
    )
    check_syntax(BY_NAME, *((s.component, s.judged) for s in assemble(build).services))


def test_a_pair_and_its_authority_are_fine() -> None:
    check()
    check(ca="Wurzel von Köln\n".encode() + CA + CA, cert=CERT + CA)
    check(ca=b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + CA)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"ca": b"hello"}, ":6: ca_file: own/secrets/ca.pem holds no certificate: it must be in PEM format"),
        ({"ca": b""}, ":6: ca_file: own/secrets/ca.pem holds no certificate"),
        (
            {"ca": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
            ":6: ca_file: own/secrets/ca.pem holds no certificate",
        ),
        ({"cert": KEY}, ":7: cert_file: own/secrets/cert.pem holds no certificate"),
        ({"key": CERT}, ":8: key_file: own/secrets/key.pem holds no private key"),
        (
            {"key": OTHER.private_key_pem.bytes()},
            ":8: key_file: own/secrets/key.pem does not belong to own/secrets/cert.pem: key values mismatch",
        ),
    ],
)
def test_what_is_none_is_named_with_its_place(content: dict[str, bytes], message: str) -> None:
    with pytest.raises(ConfigurationInvalid) as error:
        check(**content)
    assert str(error.value).startswith(f"{SCRAPE}shop.yml{message}")


def test_an_encrypted_key_asks_nobody_for_its_password(tmp_path: Path) -> None:
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.write_bytes(KEY)
    command = ("openssl", "pkey", "-aes256", "-passout", "pass:x", "-in", str(plain), "-out", str(sealed))
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(ConfigurationInvalid, match=r":8: key_file: own/secrets/key.pem is encrypted"):
        check(key=sealed.read_bytes())
