"""namespace.py - a network of a test's own, in which every address there is leads to this machine: so whatever is dialled, public or
not, is seen, and nothing leaves.

SPDX-License-Identifier: Apache-2.0"""
import ctypes
import os
import subprocess
from contextlib import contextmanager

import pytest

CLONE_NEWNET = 0x40000000
HAS_IPV6 = os.path.exists("/proc/sys/net/ipv6")


@contextmanager
def network():
    """For this thread, and the threads and processes that it starts meanwhile. Their sockets stay in it."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(CLONE_NEWNET) != 0:
            pytest.skip("needs root, for a network namespace")
        for command in "link set lo up", "route add local 0.0.0.0/0 dev lo", *(("-6 route add local ::/0 dev lo",) if HAS_IPV6 else ()):
            subprocess.run(["ip", *command.split()], check=True)
        yield
    finally:
        libc.setns(before, CLONE_NEWNET)
        os.close(before)
