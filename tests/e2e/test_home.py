"""The data folder: dropping root inside a folder whose parents the unprivileged user cannot search, and a clean stop.

SPDX-License-Identifier: Apache-2.0"""
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys

import pytest

from gateway import Gateway, wait_for


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to drop it")
def test_root_is_dropped_in_a_folder_below_one_of_root_s(tmp_path):
    """/root/posthorn/data with /root 0700: after the drop the process sees nothing but the folder it stands in."""
    parent = tmp_path / "private"
    parent.mkdir(mode=0o700)
    nobody = pwd.getpwnam("nobody").pw_uid
    with Gateway(folder=parent, **{"data.user": "nobody"}) as gateway:
        tenant = gateway.tenant("shop.test")
        gateway.sent(tenant.key, to="one@example.org")
        status = dict(line.split(":\t", 1) for line in open(f"/proc/{gateway.process.pid}/status") if ":\t" in line)
        assert status["Uid"].split() == [str(nobody)] * 4
        folder = parent / "data"
        assert {(f.name, f.stat().st_uid, f.stat().st_mode & 0o077) for f in folder.iterdir()} == {
            (name, nobody, 0) for name in ("posthorn.db", "posthorn.db-wal", "posthorn.db-shm", "control.sock", "lock")}
        gateway.kill()
        gateway.start()  # recovery of the WAL and the check of the file, as the unprivileged user
        gateway.sent(tenant.key, to="two@example.org")
        wait_for(lambda: gateway.cli_json("queue", "list")["Queue"] == [], what="both deliveries")
        gateway.stop()
        assert gateway.cli_json("queue", "list")["Queue"] == []  # without a server the command line does the same
        gateway.start()


def test_a_folder_open_to_others_is_closed():
    """P10: one that somebody made by hand, with an easy umask."""
    gateway = Gateway()
    folder = gateway.folder / "data"
    folder.mkdir()
    folder.chmod(0o775)
    try:
        with gateway:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        folder.chmod(0o1777)  # a place like /tmp: to close it would lock out others
        gateway.start(ready=False)
        assert gateway.process.wait(timeout=60) == 1
        assert stat.S_IMODE(folder.stat().st_mode) == 0o1777 and "is open to others" in gateway.log.read_text()
    finally:
        shutil.rmtree(gateway.folder, ignore_errors=True)


ASK = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
body = b'{"Command":"EmailGateway.GetAPIs","Domain":"shop.test"}'
s.sendall(b"POST /control HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
while data := s.recv(65536):
    sys.stdout.write(data.decode())
"""


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be somebody else")
def test_p10_the_control_socket_knows_who_is_there():
    """Even when the folder and the socket were opened to all: only root and the user who serves are operators."""
    def ask(gateway, user):
        socket_ = str(gateway.folder / "data" / "control.sock")
        return subprocess.run([sys.executable, "-c", ASK, socket_], user=user, capture_output=True, text=True, cwd="/", check=True).stdout

    with Gateway(**{"data.user": "nobody"}) as gateway:
        tenant = gateway.tenant("shop.test")
        for path in gateway.folder, gateway.folder / "data", gateway.folder / "data" / "control.sock":
            path.chmod(0o777)
        for user in "root", "nobody":
            assert tenant.key in ask(gateway, user)
        stranger = ask(gateway, "daemon")
        assert stranger.startswith("HTTP/1.1 403 ") and tenant.key not in stranger
    shutil.rmtree(gateway.folder, ignore_errors=True)


def test_a_clean_stop_leaves_no_wal():
    """So the next start need not read the whole file."""
    gateway = Gateway()
    try:
        with gateway:
            tenant = gateway.tenant("shop.test")
            gateway.sent(tenant.key)
        gateway.cli("queue", "list")
        assert not (gateway.folder / "data" / "posthorn.db-wal").exists()
        gateway.start()
        gateway.stop(signal.SIGKILL)
        assert (gateway.folder / "data" / "posthorn.db-wal").exists()
        with gateway:
            gateway.sent(tenant.key)
    finally:
        shutil.rmtree(gateway.folder, ignore_errors=True)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to hand a folder over")
def test_a_folder_of_somebody_else_is_not_handed_over(tmp_path):
    """[data] dir=/var/lib by mistake: root must not give it away."""
    (tmp_path / "somebody").mkdir()
    before = tmp_path.stat()
    gateway = Gateway(**{"data.dir": tmp_path, "data.user": "nobody"})
    refused = gateway.cli("init", check=False)
    assert refused.returncode == 1 and b"holds other folders" in refused.stderr
    after = tmp_path.stat()
    assert (after.st_uid, after.st_mode) == (before.st_uid, before.st_mode)
    shutil.rmtree(gateway.folder, ignore_errors=True)
