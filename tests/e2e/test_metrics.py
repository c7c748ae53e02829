"""Health and metrics, for machines that watch.

SPDX-License-Identifier: Apache-2.0"""
import re
import shutil
import subprocess

import pytest

from gateway import wait_for


@pytest.mark.parametrize("path", ["/healthz", "/healthz/live", "/healthz/ready"])
def test_health(shared, path):
    status, headers, answer = shared.request("GET", path)
    assert (status, answer) == (200, {"Status": "ok"}) and headers.get_content_type() == "application/json"
    status, headers, answer = shared.request("HEAD", path)
    assert status == 200 and answer == ""
    assert shared.request("POST", path)[0] == 405


def numbers(gateway):
    text = gateway.request("GET", "/metrics")[2]
    return {m[1]: float(m[2]) for m in re.finditer(r"^([a-z_]+(?:\{[^}]*\})?) ([0-9.e+]+)$", text, re.M)}


def test_metrics_please_promtool(shared):
    status, headers, text = shared.request("GET", "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    result = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True)
    assert result.returncode == 0 and not result.stdout and not result.stderr, result.stdout + result.stderr


def test_metrics_count_what_happens(shared):
    tenant = shared.tenant("count.test")
    before = numbers(shared)
    for i in range(3):
        shared.sent(tenant.key, to=[{"email": f"{c}{i}@example.org", "name": ""} for c in "ab"], sender="a@count.test")
    wait_for(lambda: shared.events_total(tenant.key, Event="delivery") == 6, what="deliveries")

    def grown(word):
        after = numbers(shared)
        return {k: after[k] - before.get(k, 0) for k in after if word in k}
    assert 3 in grown("messages_accepted").values() and 6 in grown("recipients_accepted").values()
    assert 6 in grown("deliver").values(), grown("")
    wait_for(lambda: numbers(shared)["posthorn_queue_waiting"] == 0, what="an empty queue")


def test_metrics_hold_nothing_of_tenants(shared):
    """TN14, P10."""
    tenant = shared.tenant("hidden.test")
    text = shared.request("GET", "/metrics")[2]
    assert "hidden" not in text and tenant.key not in text and tenant.api_key not in text
