"""npm.py - what the tests take from npm (tests/npm), fetched once into tests/npm/node_modules.

SPDX-License-Identifier: Apache-2.0"""
import json
import shutil
import subprocess

import pytest

from gateway import ROOT

FOLDER = ROOT / "tests/npm"


def npm():
    """The folder, with its packages; skips the test where there is no npm."""
    if not shutil.which("npm"):
        pytest.skip("lacks the package npm")
    marker = FOLDER / "node_modules/.package-lock.json"
    lock = FOLDER / "package-lock.json"
    if not marker.exists() or marker.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=FOLDER, check=True, capture_output=True, timeout=600)
    return FOLDER


def run(*command, cwd, **more):
    out = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, timeout=300, **more)
    assert out.returncode == 0, out.stdout[-4000:] + out.stderr[-4000:]
    return out.stdout


def tool(name):
    return FOLDER / "node_modules/.bin" / name


def run_json(*command, cwd):
    return json.loads(run(*command, cwd=cwd).splitlines()[-1])
