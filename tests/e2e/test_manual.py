"""The manual pages say what the program says of itself, and render without a warning.

SPDX-License-Identifier: Apache-2.0"""
import re
import shutil
import subprocess

import pytest

from gateway import POSTHORN, ROOT

PAGE = ROOT / "docs/posthorn.8"


def say(*arguments):
    return subprocess.run([POSTHORN, *arguments], capture_output=True, check=True, cwd="/").stdout.decode()


def plain(roff):
    return roff.replace("\\-", "-")


def test_every_verb_is_in_the_manual():
    verbs = re.findall(r"^  ([a-z][a-z -]*?)  +[A-Z]", say("--help"), re.M)
    assert len(verbs) > 10 and "serve" in verbs and "queue list" in verbs
    heads = [line for line in plain(PAGE.read_text()).splitlines() if re.match(r"\.BI? ", line)]
    for verb in verbs:
        assert any(re.match(rf'\.BI? "?{verb}\b', line) for line in heads), f"{verb} is not in posthorn.8"


def test_every_exit_code_is_in_the_manual():
    for code in (0, 1, 64, 78):
        assert re.search(rf"^\.B {code}$", PAGE.read_text(), re.M)


def test_every_key_is_in_the_manual():
    page, section = plain(say("man-config")), None
    for line in say("check-config").splitlines():
        if line.startswith("["):
            section = page.partition(f".SS {line}\n")[2].partition("\n.S")[0]
            assert section, line
        elif line and not line.startswith(";"):
            assert f".TP\n.B {line.partition(' =')[0]}\n" in section, line
    assert page.isascii()


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
@pytest.mark.parametrize("page", ["posthorn.8", "posthorn.conf.5"])
def test_the_pages_render(page):
    text = say("man-config") if page == "posthorn.conf.5" else PAGE.read_text()
    result = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-z"], input=text.encode(), capture_output=True)
    assert (result.returncode, result.stderr.decode()) == (0, "")
    shown = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou"], input=text.encode(), capture_output=True, check=True).stdout.decode()
    assert all(head in shown for head in ("NAME", "DESCRIPTION", "SEE ALSO"))
