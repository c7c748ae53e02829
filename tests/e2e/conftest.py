"""conftest.py - what the end-to-end tests share: a sandbox gateway, and a live one with its own DNS and its own recipients' servers.

With --database pgsql the same tests run on PostgreSQL (`./test full` does both).
SPDX-License-Identifier: Apache-2.0"""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from gateway import Gateway, free_port
from postgres import Postgres
from sink import Sink, certificate
from zone import Zone


def pytest_addoption(parser):
    parser.addoption("--database", choices=["sqlite", "pgsql"], default="sqlite")


@pytest.fixture(scope="session")
def postgres():
    server = Postgres()
    yield server
    server.close()


def fresh_database(request):
    """A fresh database's URL, or None for SQLite in the data folder."""
    if request.config.getoption("--database") == "sqlite":
        return None
    return request.getfixturevalue("postgres").fresh()


@pytest.fixture
def database(request):
    return fresh_database(request)


@pytest.fixture
def sandbox(database):
    with Gateway(database=database) as gateway:
        yield gateway
    shutil.rmtree(gateway.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def shared(request):
    """A sandbox gateway for all tests of a file; they keep apart by tenants of their own."""
    with Gateway(database=fresh_database(request)) as gateway:
        yield gateway
    shutil.rmtree(gateway.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def throwaway_certificate():
    return certificate()


class World:
    """A zone, a port on which all recipients' servers listen (each on its own loopback address), and a live gateway."""

    def __init__(self, database):
        self.zone, self.port, self.sinks, self.database = Zone(), free_port(), [], database
        self.gateway = None

    def sink(self, host="127.0.0.1", **more):
        sink = Sink(self.port, host, **more)
        self.sinks.append(sink)
        return sink

    def start(self, **options):
        settings = {"delivery.mode": "live", "delivery.port": self.port, "delivery.allow_private": "yes", "dns.servers": self.zone.server,
                    "delivery.retry": "1s,2s"}
        settings.update({k.replace("__", "."): v for k, v in options.items()})
        self.gateway = Gateway(database=self.database, **settings).start()
        return self.gateway

    def close(self):
        try:
            if self.gateway:
                self.gateway.__exit__(None, None, None)
        finally:
            for sink in self.sinks:
                sink.close()
            self.zone.close()
        if self.gateway:
            shutil.rmtree(self.gateway.folder, ignore_errors=True)


@pytest.fixture
def world(database):
    world = World(database)
    yield world
    world.close()
