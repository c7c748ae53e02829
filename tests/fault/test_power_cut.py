"""A power cut at the k-th sync of any thread: the data folder lies on a loop-mounted ext4 that is shut down without flushing (P1, P7).

SPDX-License-Identifier: Apache-2.0"""
import fcntl
import http.client
import os
import shutil
import sqlite3
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

from gateway import Gateway, wait_for

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
MESSAGES = 12


class Disk:
    """A small ext4 in a file, mounted; cut() is the power going away."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="posthorn-disk-"))
        self.image, self.mount = self.folder / "image", self.folder / "mount"
        self.mount.mkdir()
        subprocess.run(["truncate", "-s", "480M", self.image], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True, capture_output=True)
        self.attach()

    def attach(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.mount], check=True, capture_output=True)

    def detach(self):
        subprocess.run(["umount", self.mount], check=True, capture_output=True)

    def cut(self):
        fd = os.open(self.mount, os.O_RDONLY)
        fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(fd)
        self.detach()
        self.attach()


def can_mount():
    if os.getuid() != 0 or not shutil.which("mkfs.ext4") or not shutil.which("strace"):
        return False
    try:
        disk = Disk()
    except (subprocess.CalledProcessError, OSError):
        return False
    disk.detach()
    shutil.rmtree(disk.folder)
    return True


@pytest.mark.skipif(not can_mount(), reason="needs root, a loop device, mkfs.ext4 and strace")
def test_p1_a_power_cut_at_each_sync_loses_nothing_acknowledged(full, monkeypatch):
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")
    disk = Disk()
    gateway = Gateway(**{"data.dir": disk.mount / "data", "keys.master": disk.folder / "master.key", "delivery.mode": "live",
                         "delivery.hostname": "mx.test", "dns.servers": "127.0.0.1@9", "log.level": "warn", "store.disk_free": 1})
    gateway.database = lambda: disk.mount / "data" / "posthorn.db"
    with gateway:
        tenant = gateway.tenant("shop.test")
    acknowledged, cuts, k = [], 0, 1
    while True:
        gateway.wrapper = ["strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", f"inject=fsync,fdatasync:signal=SIGKILL:when={k}"]
        gateway.start(ready=False)
        wait_for(lambda: gateway.is_ready() or gateway.process.poll() is not None, what="a start or a cut")
        for i in range(MESSAGES):
            if gateway.process.poll() is not None:
                break
            try:
                status, answer = gateway.send(tenant.key, to=f"u{k}-{i}@example.org")
            except (OSError, http.client.HTTPException):
                gateway.process.wait(60)
                break
            assert status == 200, (status, answer)
            acknowledged.append(answer["MessageID"].replace("-", ""))
        reached = gateway.process.poll() is not None
        gateway.process.kill()
        gateway.process.wait(60)
        gateway.process = None
        disk.cut()
        cuts += 1
        database = sqlite3.connect(gateway.database())
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        stored = {row[0] for row in database.execute("select lower(hex(uuid)) from messages")}
        database.close()
        missing = [m for m in acknowledged if m not in stored]
        assert not missing, f"cut at sync {k}: {len(missing)} of {len(acknowledged)} acknowledged are gone"
        if not reached:
            break
        k += 1 if full else 4
    print(f"{cuts} cuts, {len(acknowledged)} acknowledged, none lost")
    assert cuts >= 3
    gateway.wrapper = []
    with gateway:
        gateway.sent(tenant.key, to="after@example.org")
    disk.detach()
    shutil.rmtree(disk.folder, ignore_errors=True)
    shutil.rmtree(gateway.folder, ignore_errors=True)
