"""The data folder: dropping root inside a folder whose parents the unprivileged user cannot search, and a clean stop.

SPDX-License-Identifier: Apache-2.0"""
import os
import pwd
import shutil
import signal

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
