"""conftest.py - fault tests use the end-to-end tests' gateway, zone and sink.

POSTHORN_FULL=1 (`./test full`) runs them at the size of the promise, otherwise small.
SPDX-License-Identifier: Apache-2.0"""
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))


@pytest.fixture
def full():
    return os.environ.get("POSTHORN_FULL") == "1"
