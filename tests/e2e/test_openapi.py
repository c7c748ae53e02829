"""/openapi.json: a linter finds nothing, a client generated from it sends a mail, and the page /docs works in a browser that is told to
load nothing from elsewhere. (That live answers fit the document, gateway.py checks in every test.)

SPDX-License-Identifier: Apache-2.0"""
import json
import shutil
import subprocess

import pytest

import npm
from gateway import POSTHORN, ROOT


@pytest.fixture(scope="module")
def shop(shared):
    return shared.tenant("shop.test")


@pytest.fixture(scope="module")
def document(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("openapi")
    (folder / "openapi.json").write_text(json.dumps(shared.request("GET", "/openapi.json")[2]))
    return folder / "openapi.json"


def test_a_linter_finds_no_error(document):
    folder = npm.npm()
    said = npm.run(npm.tool("redocly"), "lint", "--config", folder / "redocly.yaml", "--format", "json", document, cwd=document.parent,
                   env={"PATH": "/usr/local/bin:/usr/bin:/bin", "REDOCLY_TELEMETRY": "off", "CI": "1", "HOME": str(document.parent)})
    totals = json.loads(said[said.index("{"):])["totals"]
    assert totals["errors"] == 0 and totals["warnings"] == 0, said[:4000]


def test_a_generated_client_sends_a_mail(document, shared, shop):
    folder, place = npm.npm(), document.parent
    npm.run(npm.tool("oazapfts"), document, place / "client.ts", cwd=folder)
    shutil.copy(folder / "send.ts", place)
    (place / "node_modules").symlink_to(folder / "node_modules")
    npm.run(npm.tool("esbuild"), "send.ts", "--bundle", "--platform=node", "--outfile=send.js", "--log-level=error", cwd=place)
    said = npm.run_json("node", "send.js", f"http://127.0.0.1:{shared.port}", shop.key, cwd=place)
    message_id = said["sent"]["data"]["MessageID"]
    assert said["sent"]["status"] == 200 and said["events"]["status"] == 200
    assert "send" in shared.event_types(shop.key, message_id)


def test_the_page_works_and_asks_nobody_else(shared, shop, tmp_path):
    folder = npm.npm()
    if not shutil.which("chromium"):
        pytest.skip("lacks the package chromium")
    base = f"http://127.0.0.1:{shared.port}"
    said = npm.run_json("node", folder / "docs.js", base, shop.key, tmp_path / "docs.png", cwd=folder)
    assert said["complaints"] == [], "the policy or the page complained"
    assert said["operations"] > 10 and said["status"] == "200"
    assert all(url.startswith((base, "data:")) for url in said["requests"]), said["requests"]


def test_every_command_and_path_is_in_the_document(document):
    paths = json.loads(document.read_text())["paths"]
    for op in json.loads((ROOT / "tests/e2e/contract.json").read_text()):
        if op["name"].startswith("EmailGateway."):
            assert f"/api.php/{op['name']}" in paths
        else:
            method, path = op["name"].split()
            assert method.lower() in paths[path]
    for path, methods in paths.items():
        for operation in methods.values():
            answer = next(a for status, a in operation["responses"].items() if status.startswith("2"))
            if path.startswith("/api") and not path.endswith("/raw"):
                kind = "text/csv" if path.endswith("/export") else "application/json"
                assert kind in answer.get("content", {}), f"{path} documents no answer"


def test_the_reference_page_is_what_the_program_says():
    said = subprocess.run([POSTHORN, "man-api"], capture_output=True, check=True).stdout.decode()
    assert (ROOT / "docs/api.md").read_text() == said, "docs/api.md is old: posthorn man-api > docs/api.md"


@pytest.mark.parametrize("coding", ["gzip", "identity", "gzip;q=0", ""])
def test_the_page_comes_packed_or_not(shared, coding):
    status, headers, _ = shared.raw("GET", "/docs/swagger-ui.css", {"Accept-Encoding": coding} if coding else {})
    assert status == 200 and (headers["Content-Encoding"] == "gzip") == (coding == "gzip")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    status, _, body = shared.raw("GET", "/docs/swagger-ui.css", {"If-None-Match": headers["ETag"]})
    assert status == 304 and body == b""
    assert shared.raw("GET", "/docs/../../etc/passwd", {})[0] in (400, 404) and shared.raw("GET", "/docs/nothing.js", {})[0] == 404
