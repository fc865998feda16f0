"""What ssh, the docker command and TLS say when an engine cannot be had: texts of real ones, cause and remedy."""

from __future__ import annotations

import pytest

from stack.engine import ssh_words, tls_words
from stack.engine.address import Tls

URL = "ssh://me@web1:2222"
CERTIFICATES = Tls("/c/ca.pem", "/c/cert.pem", "/c/key.pem", verify=True)
CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
Host key for [web1]:2222 has changed and you have requested strict checking.
Host key verification failed.
"""


@pytest.mark.parametrize(
    ("said", "code", "cause", "remedy"),
    [
        (
            "No ED25519 host key is known for [web1]:2222 and you have requested strict checking.\r\n"
            "Host key verification failed.\r\n",
            255,
            "the host key of web1 is not known here",
            "unasked: ssh -o StrictHostKeyChecking=accept-new -p 2222 me@web1 true",
        ),
        (CHANGED, 255, "the host key of web1 is another than before", "ssh-keygen -R '[web1]:2222'"),
        (
            'Load key "/k": bad permissions\r\nme@web1: Permission denied (publickey).',
            255,
            "ssh does not use a key that others can read",
            "chmod 600",
        ),
        (
            "me@web1: Permission denied (publickey,password).",
            255,
            "web1 refuses the login of me",
            "ssh-copy-id",
        ),
        (
            "Received disconnect from 10.0.0.7 port 2222:2: Too many authentication failures",
            255,
            "web1 closed the login after too many keys",
            "IdentitiesOnly yes",
        ),
        (
            "ssh: Could not resolve hostname web1: Name or service not known",
            255,
            "the name web1 is not known here",
            "HostName ADDRESS",
        ),
        (
            "ssh: connect to host web1 port 2222: Connection refused",
            255,
            "no SSH server listens on web1:2222",
            "ssh://USER@HOST:PORT",
        ),
        (
            "ssh: connect to host web1 port 2222: Connection timed out",
            255,
            "web1:2222 cannot be reached",
            "firewall",
        ),
        ("Connection timed out during banner exchange", 255, "web1:2222 cannot be reached", "firewall"),
        (
            "kex_exchange_identification: Connection closed by remote host",
            255,
            "closed the connection",
            "fail2ban",
        ),
        (
            "failed to open the raw stream connection: dial unix /var/run/docker.sock: connect: permission denied",
            1,
            "me may not use Docker on web1",
            "usermod -aG docker me",
        ),
        (
            "failed to open the raw stream connection: dial unix /var/run/docker.sock: connect: connection refused",
            1,
            "no Docker engine runs on web1",
            "systemctl start docker",
        ),
        (
            "bash: line 1: docker: command not found",
            127,
            "there is no docker command on web1",
            "install Docker there",
        ),
        ("docker: Command not found.", 1, "there is no docker command on web1", "install Docker there"),
        ("nu: no such program", 127, "there is no docker command on web1", "install Docker there"),
        ("docker: 'system' is not a docker command.", 1, "older than 18.09", "20.10"),
        (
            "This account is currently not available.",
            1,
            "me may run no command on web1",
            "a user with a shell",
        ),
        ("something\nnew", 255, "something new", f"try: docker -H {URL} version"),
        ("", None, "", f"try: docker -H {URL} version"),
    ],
)
def test_words_of_ssh_have_a_cause_and_a_remedy(said: str, code: int | None, cause: str, remedy: str) -> None:
    found, way = ssh_words.meaning(said, code, URL)
    assert cause in found and remedy in way
    assert bool(cause) == bool(found) and "\n" not in found


def test_what_a_login_prints_is_no_answer() -> None:
    chdir = "Could not chdir to home directory /nonexistent: No such file or directory"
    gone = ssh_words.meaning(chdir, 1, URL, "This account is currently not available.")
    assert gone[0] == "me may run no command on web1"
    chatty = ssh_words.meaning("", None, URL, "Welcome to web1!")
    assert (
        chatty[0] == "what a login to web1 prints comes before the engine's answer" and ".bashrc" in chatty[1]
    )


def test_each_meaning_can_be_told_for_each_url() -> None:
    for url in (URL, "ssh://web1", "ssh://me@[fd00::7]", "ssh://me@[fd00::7]:22"):
        for one in (*ssh_words.MEANINGS, ssh_words.CHATTY):
            told = ssh_words.told(one, url)
            assert all(part and "{" not in part for part in told)
    unnamed = ssh_words.meaning("dial unix /s: connect: permission denied", 1, "ssh://web1")
    assert unnamed == ("the user may not use Docker on web1", "there: sudo usermod -aG docker USER")
    assert "[fd00::7]:22" in ssh_words.told(ssh_words.MEANINGS[0], "ssh://me@[fd00::7]:22")[1]


@pytest.mark.parametrize(
    ("said", "cause", "remedy"),
    [
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate",
            "its certificate is signed by nobody known here",
            "/c/ca.pem must be the certificate of the authority",
        ),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: IP address mismatch, certificate is not "
            "valid for '10.0.0.7'.",
            "its certificate is for another name than tcp://10.0.0.7:2376",
            "one of its names",
        ),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired",
            "its certificate has expired",
            "renew it",
        ),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate is not yet valid",
            "its certificate is not valid yet",
            "clocks",
        ),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "it speaks no TLS", "--tlsverify"),
        ("[SSL] record layer failure (_ssl.c:1006)", "it speaks no TLS", "--tlsverify"),
        (
            "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required (_ssl.c:2580)",
            "it does not accept the certificate of /c",
            "cert.pem and key.pem",
        ),
        (
            "[SSL: SSLV3_ALERT_BAD_CERTIFICATE] sslv3 alert bad certificate",
            "it does not accept",
            "--tlscacert",
        ),
        ("[Errno 111] Connection refused", "", ""),
        ("read timed out after a name mismatch", "", ""),
    ],
)
def test_words_of_tls_have_a_cause_and_a_remedy(said: str, cause: str, remedy: str) -> None:
    found, way = tls_words.meaning(said, CERTIFICATES, "tcp://10.0.0.7:2376")
    assert cause in found and remedy in way
    assert bool(cause) == bool(found) and bool(remedy) == bool(way)


def test_without_certificates_it_is_said_where_they_are_named() -> None:
    said = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"
    assert "--cert-path DIR" in tls_words.meaning(said, None, "https://web1:2376")[1]
