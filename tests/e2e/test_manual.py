"""The manual pages say what the program says of itself, and render without a warning.

SPDX-License-Identifier: Apache-2.0"""
import re
import shutil
import subprocess

import pytest

from gateway import POSTHORN

PAGES = {"posthorn.8": "man", "posthorn.conf.5": "man-config"}


def say(*arguments):
    return subprocess.run([POSTHORN, *arguments], capture_output=True, check=True, cwd="/").stdout.decode()


def plain(roff):
    return roff.replace("\\-", "-")


def all_verbs():
    """What posthorn --help lists: "serve", "account create" ..."""
    verbs = []
    for section in say("--help").partition("\nOptions:")[0].split("\n\n"):
        is_local = section.startswith("The gateway:")
        for word, rest in re.findall(r"^  ([a-z][a-z-]*) +(.+)$", section, re.M):
            of_group = rest.partition(": ")[2]
            verbs += [word] if is_local or not of_group else [f"{word} {verb}" for verb in of_group.split(", ")]
    return verbs


def test_every_verb_is_in_the_manual():
    page, verbs = plain(say("man")), all_verbs()
    assert len(verbs) > 75
    for verb in verbs:
        assert re.search(rf"^\.TP\n\.B {verb}( [A-Z\[-].*)?\n[A-Z]", page, re.M), f"{verb} is not in posthorn.8"


def test_every_exit_code_is_in_the_manual():
    for code in (0, 1, 64, 78):
        assert re.search(rf"^\.B {code}$", say("man"), re.M)


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
@pytest.mark.parametrize("page", PAGES)
def test_the_pages_render(page):
    text = say(PAGES[page])
    assert text.isascii()
    result = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-z"], input=text.encode(), capture_output=True)
    assert (result.returncode, result.stderr.decode()) == (0, "")
    shown = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou"], input=text.encode(), capture_output=True, check=True).stdout.decode()
    assert all(head in shown for head in ("NAME", "DESCRIPTION", "SEE ALSO"))
