"""What must never leave a process: keys and passphrases. And what the service offers by default."""

import json
import os
import socket
import subprocess
import sys
from contextlib import closing

import pytest
from eth_account import Account

from ape_v2v.metering.equipment import Equipment
from ape_v2v.session.link.guard import Bounds
from ape_v2v.session.settings import ServeSettings
from ape_v2v.session.terms import Limits
from tests.helpers.processes import project_folder
from tests.session.attacking import PATIENCE, attacking
from tests.session.pairs import SESSION_WH, settled

PASSPHRASE = "a passphrase that nobody else has"
LONG = 120  # seconds
AT_DEBUG_LEVEL = """
import logging, sys
logging.basicConfig(level=logging.DEBUG)
from ape.logging import logger
logger.set_level("DEBUG")
from ape._cli import cli
cli(sys.argv[1:])
"""


@pytest.fixture
def keyfile(tmp_path, monkeypatch, consumer, accounts):
    """The consumer's key in one of Ape's keyfiles, in a home of its own; the environment."""
    key = "0x" + bytes.fromhex(accounts[1].private_key.removeprefix("0x")).hex()
    home = tmp_path / "home"
    folder = home / ".ape" / "accounts"
    folder.mkdir(parents=True)
    content = Account.encrypt(bytes.fromhex(key[2:]), PASSPHRASE, kdf="pbkdf2", iterations=2)
    (folder / "alice.json").write_text(json.dumps(content))
    return key, {
        "HOME": str(home),
        "APE_ACCOUNTS_alice_PASSPHRASE": PASSPHRASE,
    }


def forms(key):
    """A secret as it may be written down."""
    data = bytes.fromhex(key.removeprefix("0x"))
    return [
        data,
        data.hex().encode(),
        data.hex().upper().encode(),
        str(int.from_bytes(data)).encode(),
    ]


def test_no_key_and_no_passphrase_is_ever_said_or_stored(pair, keyfile, tmp_path):
    key, environment = keyfile
    both = pair()
    both.provider.start()
    assert both.provider.await_message() == both.url
    folder = tmp_path / "project"
    folder.mkdir()
    project_folder(folder)
    command = [
        sys.executable, "-c", AT_DEBUG_LEVEL, "v2v", "session", "charge", both.url,
        "--account", "alice",
        "--market", str(both.market.address),
        "--cable", str(both.provider.plan.settings.equipment.cable),
        "--store", str(both.consumer.plan.store),
        "--network", "ethereum:local:foundry",
    ]  # fmt: skip
    answer = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment | {"APE_FOUNDRY_HOST": both.provider.plan.node},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LONG,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr.decode()[-2_000:]
    assert b"DEBUG:" in answer.stderr
    assert both.provider.await_exit() == 0
    assert settled(both) == SESSION_WH
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "alice.json"]
    assert both.consumer.plan.store in written
    said = {"stdout": answer.stdout, "stderr": answer.stderr} | {
        str(path): path.read_bytes() for path in written
    }
    for where, content in said.items():
        for secret in [*forms(key), PASSPHRASE.encode()]:
            assert secret not in content, f"a secret is in {where}"
    # The search does find what is there: the address, which is no secret.
    address = Account.from_key(key).address
    assert any(address.encode() in content for content in said.values())


def test_the_service_listens_on_loopback_unless_told_otherwise(admission):
    there = admission()
    assert ServeSettings(equipment=Equipment(meter_id="m")).host == "127.0.0.1"
    with attacking(there) as client:
        port = client.http.base_url.port
        client.admitted()
        outside = [
            str(entry[4][0])
            for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
            if not str(entry[4][0]).startswith("127.")
        ]
        for host in outside:
            with closing(socket.socket()) as probe:
                probe.settimeout(PATIENCE)
                assert probe.connect_ex((host, port)) != 0, f"it listens on {host} too"


def test_sizes_times_and_sessions_are_limited_by_default():
    bounds, limits = Bounds(), Limits()
    assert bounds.body_bytes <= 64 * 1024
    assert bounds.body_seconds <= 30
    assert bounds.requests <= 256
    assert limits.sessions_per_token <= 256
    assert limits.pending_setups <= 64
    assert limits.setup_lifetime <= 300


def test_a_refusal_at_debug_level_does_not_repeat_signatures(admission, caplog):
    there = admission()
    caplog.set_level("DEBUG")
    with attacking(there) as client:
        setup, answer = client.set_up()
        authorization = there.authorization(setup, answer, there.impostor)
        refused = client.send("authorization", authorization)
        assert refused.status_code == 403
        client.admitted()
    signature = authorization.signature.hex()
    assert signature not in refused.text
    assert signature not in caplog.text
