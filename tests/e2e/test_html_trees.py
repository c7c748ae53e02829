"""What a parser of the HTML standard (parse5) makes of tests/html before and after our edits is the same tree but for the links (MI14, MI16).

SPDX-License-Identifier: Apache-2.0"""
import npm
from gateway import ROOT


def test_parse5_sees_the_same_trees():
    folder = npm.npm()
    said = npm.run_json("node", folder / "html_trees.js", ROOT / "tests/html", cwd=folder)
    assert said["complaints"] == []
    assert said["fixtures"] >= 120
