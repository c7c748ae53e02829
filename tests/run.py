"""run.py - runs the suites that ./test names, adds up what they counted, and ends with "N passed, N failed".

A suite is a function that returns (passed, failed, skipped). Suites that need a program build it themselves, in their own folder:
build-asan (gcc, ASan + UBSan: everything runs on it), build-clang (compiles only), build-tsan (the concurrent parts), build-fuzz.
SPDX-License-Identifier: Apache-2.0"""
import json
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASAN = ["-Db_sanitize=address,undefined", "-Db_lundef=false"]
# What runs on several threads, by names of meson tests; these run under ThreadSanitizer as well, and `full` runs the whole program so
# through what has most threads at work: a list send beside an import, deliveries and kills, a queue cleared beside a slow host.
CONCURRENT = ["net-executor", "net-loop", "net-stream", "net-resolver", "http_loops", "api-http", "limits", "http_limits"]
WORLDS = ["mta_days", "mta_outage", "hook_driver"]
TSAN = ["-Db_sanitize=thread", "-Db_lundef=false"]
RELEASE = ["--buildtype=release", "-Dtests=disabled"]
ENVIRONMENT = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_leaks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


class Outcome:
    def __init__(self):
        self.passed, self.failed, self.skipped, self.words = 0, 0, 0, []

    def count(self, ok, name):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            self.words.append(name)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.words += other.words

    def line(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def run(command, quiet=True, **more):
    """Run to the end; on failure print what it said (all of it when not quiet)."""
    environment = {**os.environ, **ENVIRONMENT, **more.pop("env", {})}
    result = subprocess.run(command, cwd=ROOT, env=environment, text=True, errors="replace", stdout=subprocess.PIPE if quiet else None,
                            stderr=subprocess.STDOUT if quiet else None, **more)
    if quiet and result.returncode != 0:
        print("$", " ".join(map(str, command)))
        print(result.stdout[-12000:])
    return result.returncode == 0


def build(folder, options, targets=(), env=None):
    if not (ROOT / folder / "build.ninja").exists() and not run(["meson", "setup", folder, *options], env=env or {}):
        return False
    return run(["ninja", "-C", folder, *targets])


def meson_suite(folder, suite, arguments, outcome):
    return meson_tests(folder, ["--suite", suite, *arguments], outcome)


def meson_tests(folder, which, outcome):
    """`meson test`; counts cmocka's own tests, not executables."""
    log = ROOT / folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    ok = run(["meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs", *which])
    if not log.exists():
        outcome.count(False, f"{folder}: no test ran")
        return outcome
    for line in log.read_text().splitlines():
        test = json.loads(line)
        said = test.get("stdout", "") + test.get("stderr", "")
        passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", said))
        failed = sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", said))
        if test["result"] == "OK":
            outcome.passed += max(passed, 1)
        elif test["result"] == "SKIP":
            outcome.skipped += 1
        else:
            outcome.passed += passed
            outcome.failed += max(failed, 1)
            outcome.words.append(f"{folder}: {test['name']} ({test['result']})")
    if not ok and not outcome.failed:
        outcome.count(False, f"{folder}: meson test failed")
    return outcome


def pytest_suite(folder, arguments=(), env=None):
    outcome = Outcome()
    report = ROOT / "build-asan" / f"{folder}.xml"
    report.unlink(missing_ok=True)
    run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", f"tests/{folder}", *arguments],
        quiet=False, env={"POSTHORN": str(ROOT / "build-asan/posthorn"), "PYTHONDONTWRITEBYTECODE": "1", **(env or {})})
    if not report.exists():
        outcome.count(False, f"{folder}: pytest ended without a report")
        return outcome
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is not None:
            outcome.skipped += 1
        else:
            outcome.count(case.find("failure") is None and case.find("error") is None, f"{folder}: {case.get('name')}")
    return outcome


def need(folder, options, outcome, targets=()):
    ok = build(folder, options, targets)
    if not ok:
        outcome.count(False, folder)
    return ok


def need_asan(outcome):
    return need("build-asan", ASAN, outcome)


def suite_check(full, arguments):
    outcome = Outcome()
    for tool in ("layers", "size", "format", "banned"):
        result = subprocess.run([f"tools/{tool}"], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(result.stdout.strip(), flush=True)
        if result.returncode == 77:
            outcome.skipped += 1
        else:
            outcome.count(result.returncode == 0, f"tools/{tool}")
    clang = {"CC": "clang"}
    outcome.count(build("build-clang", ["-Dtests=enabled"], env=clang), "build with clang")
    if full:
        outcome.count(build("build-release", RELEASE), "release build, warnings as errors")
    return outcome


def suite_unit(full, arguments):
    outcome = Outcome()
    if need_asan(outcome):
        meson_suite("build-asan", "unit", arguments, outcome)
    if build("build-tsan", TSAN, [*(f"tests/unit/test-{name}" for name in CONCURRENT), "tests/store/test-store"]):
        meson_tests("build-tsan", [*CONCURRENT, "store-sqlite"], outcome)
    else:
        outcome.count(False, "build-tsan")
    if full:
        clang = ["-Db_sanitize=address,undefined", "-Db_lundef=false"]
        if build("build-clang-asan", clang, env={"CC": "clang"}):
            meson_suite("build-clang-asan", "unit", [], outcome)
        else:
            outcome.count(False, "build-clang-asan")
        # Simulated days of a whole town, and what comes back after an outage: at full size only without sanitizers.
        if need("build-world", ["--buildtype=release", "-Dtests=enabled"], outcome, [f"tests/unit/test-{name}" for name in WORLDS]):
            for name in WORLDS:
                outcome.count(run([f"build-world/tests/unit/test-{name}"], quiet=False, env={"POSTHORN_FULL": "1"}), f"{name} at full size")
    return outcome


def suite_store(full, arguments):
    outcome = Outcome()
    if need_asan(outcome):
        meson_suite("build-asan", "store", arguments, outcome)
    return outcome


def suite_fuzz(full, arguments):
    """Replay the corpus; with a number of minutes, fuzz for real."""
    outcome = Outcome()
    if not arguments:
        if need_asan(outcome):
            meson_suite("build-asan", "fuzz", [], outcome)
        return outcome
    if not build("build-fuzz", ["-Dfuzz=true", "-Dtests=enabled", "-Db_lundef=false"], env={"CC": "clang"}):
        outcome.count(False, "build-fuzz")
        return outcome
    targets = sorted((ROOT / "build-fuzz/tests/fuzz").glob("fuzz-*"))
    targets = [t for t in targets if t.is_file() and os.access(t, os.X_OK)]
    seconds = max(5, int(float(arguments[0]) * 60 / max(len(targets), 1)))
    for target in targets:
        name = target.name.removeprefix("fuzz-")
        found = ROOT / "build-fuzz" / "found" / name
        found.mkdir(parents=True, exist_ok=True)
        outcome.count(run([target, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", f"-artifact_prefix={found}/",
                           found, ROOT / "tests/fuzz/corpus" / name]), f"fuzz {name}")
    return outcome


def suite_e2e(full, arguments):
    outcome = Outcome()
    if need_asan(outcome):
        more = {"POSTHORN_FULL": "1"} if full else {}
        outcome.add(pytest_suite("e2e", arguments, more))
        # The same tests on the other store: all of them, or at working size what sends and delivers.
        pgsql = ["--database", "pgsql", *([] if full else ["-k", "delivery or signature"])]
        if full or not arguments:
            outcome.add(pytest_suite("e2e", [*arguments, *pgsql], more))
    return outcome


def suite_fault(full, arguments):
    outcome = Outcome()
    if need_asan(outcome):
        outcome.add(pytest_suite("fault", arguments, {"POSTHORN_FULL": "1"} if full else {}))
    # How much memory it takes can only be told of a program without sanitizers, races only with the one that looks for them.
    if full and need("build-release", RELEASE, outcome, ["posthorn"]):
        release = {"POSTHORN_FULL": "1", "POSTHORN": str(ROOT / "build-release/posthorn")}
        outcome.add(pytest_suite("fault", ["-k", "p8_bodies or p8_many"], release))
    if full and need("build-tsan", TSAN, outcome, ["posthorn"]):
        tsan = {"POSTHORN": str(ROOT / "build-tsan/posthorn")}
        outcome.add(pytest_suite("e2e", ["-k", "lists or clear"], tsan))
        outcome.add(pytest_suite("fault", ["-k", "list_is_worked_off"], tsan))
    return outcome


SUITES = {"check": suite_check, "unit": suite_unit, "store": suite_store, "fuzz": suite_fuzz, "e2e": suite_e2e, "fault": suite_fault}


def main(arguments):
    full = bool(arguments) and arguments[0] == "full"
    if full:
        arguments = arguments[1:]
    if arguments and arguments[0] not in SUITES:
        sys.exit(f"test: no suite {arguments[0]!r}; there are: {', '.join(SUITES)}, full")
    names = [arguments[0]] if arguments else list(SUITES)
    total = Outcome()
    for name in names:
        start = time.monotonic()
        outcome = SUITES[name](full, arguments[1:])
        print(f"{name}: {outcome.line()} in {time.monotonic() - start:.0f} s", flush=True)
        total.add(outcome)
    for word in total.words:
        print("failed:", word)
    print(total.line())
    sys.exit(1 if total.failed or not total.passed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
