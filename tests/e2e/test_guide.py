"""docs/guide.md does what it says: its lines are run as they stand, in order, on a gateway as ./run makes it.

SPDX-License-Identifier: Apache-2.0"""
import re
import shlex
import shutil
import subprocess

import pytest

import npm
from gateway import POSTHORN, ROOT, Gateway, free_port

TEXT = (ROOT / "docs/guide.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", TEXT, re.M | re.S)


@pytest.fixture
def made():
    """The account, domain and key of ./run, its SMTP ports and its [mail] from."""
    smtp, smtps = (f"127.0.0.1:{free_port()}" for _ in range(2))
    with Gateway(mail__from="posthorn@sandbox.test", smtp__listen=smtp, smtp__listen_tls=smtps) as gateway:
        owner = gateway.cli_json("account", "create", "--email", "you@sandbox.test", "--password-stdin", stdin="any password")["APIKey"]
        gateway.cli("domain", "add", "sandbox.test")
        gateway.cli("domain", "enable", "sandbox.test")
        yield gateway, owner, gateway.cli_json("key", "add", "--domain", "sandbox.test")["APIKey"]["Key"]


def test_every_line_of_the_guide(made, tmp_path):
    gateway, owner, key = made
    assert TEXT.count("```sh setup") == 1 and len(BLOCKS) > 12
    for program, package in (("swaks", "swaks"), ("php", "php-cli")):
        if not shutil.which(program):
            pytest.skip(f"lacks the package {package}")
    prepare = f"""set -eu
api=http://127.0.0.1:{gateway.port}; key={key}; owner={owner}; json='Content-Type: application/json'
posthorn() {{ {shlex.join([POSTHORN])} "$@" {shlex.join(gateway.arguments())}; }}
export smtp={gateway.options["smtp.listen"]} smtps={gateway.options["smtp.listen_tls"]} certificate={gateway.folder}/data/smtp-cert.pem
export NODE_PATH={npm.npm()}/node_modules
curl() {{ command curl --fail-with-body "$@" && echo; }}
"""
    script = prepare + "".join(f"echo '# block {i}'\n{block}" for i, block in enumerate(BLOCKS))
    result = subprocess.run(["bash", "-o", "pipefail", "-c", script], capture_output=True, timeout=100, cwd=tmp_path)
    out = result.stdout.decode()
    assert result.returncode == 0, f"{out[-3000:]}\n{result.stderr.decode()[-3000:]}"
    assert out.count("# block") == len(BLOCKS) and '"Success":false' not in out and '"Errors"' not in out
    ids = re.findall(r'^\{"MessageID":"([^"]+)"', out, re.M)
    assert len(ids) == 5 and ids[1] == ids[2] != ids[0], "the idempotency key"
    queued = re.findall(r"queued as (\S+)", out)
    assert len(queued) == 4 and queued[2] == queued[3] != queued[1], "the idempotency key"
    for said in ("is in use in version 2", "Hello Ann, your code is <b>1234</b>", "asked by phone", "2 added", "whsec_", "otpauth://", "RateLimit-Remaining",
                 "joe.test", "Delivered", "550 5.7.1"):
        assert said in out, said
    assert gateway.api("User.Login", Username="joe@example.com", Password="better horse battery")["Success"] is True


def test_the_readme_names_what_there_is():
    readme = (ROOT / "README.md").read_text()
    for path in re.findall(r"\]\(([a-z/._]+\.md)\)", readme + TEXT.replace("](", "](docs/")):
        assert (ROOT / path).exists(), path
