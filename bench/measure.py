"""measure.py - what a process tree used: CPU seconds and memory, read from /proc; and medians of rounds.

SPDX-License-Identifier: Apache-2.0"""
import os
import statistics
import threading

TICKS = os.sysconf("SC_CLK_TCK")


def stats():
    """{pid: (parent, own ticks, ticks of children that ended and were waited for)} of every process."""
    table = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as f:
                fields = f.read().rpartition(")")[2].split()
        except OSError:
            continue  # it ended
        table[int(name)] = (int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14]))
    return table


def tree(roots, table):
    """The roots and their descendants."""
    members, grown = set(roots), True
    while grown:
        more = {pid for pid, (parent, _, _) in table.items() if parent in members} - members
        members |= more
        grown = bool(more)
    return [pid for pid in members if pid in table]


def cpu_seconds(roots):
    """Of the living and of those their parents have waited for, so that workers that come and go are counted."""
    table = stats()
    return sum(table[pid][1] + table[pid][2] for pid in tree(roots, table)) / TICKS


def pss_mib(roots):
    """Memory of the tree, shared pages divided among those that share them."""
    total = 0
    for pid in tree(roots, stats()):
        try:
            with open(f"/proc/{pid}/smaps_rollup") as f:
                total += next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total / 1024


def rss_mib(pid, field="VmRSS"):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(field + ":")) / 1024


class Usage:
    """with Usage(roots) as u: ...   then u.cpu_s, u.peak_mib"""

    def __init__(self, roots):
        self.roots, self.peak_mib, self.over = roots, 0, threading.Event()

    def sample(self):
        while True:
            self.peak_mib = max(self.peak_mib, pss_mib(self.roots))
            if self.over.wait(1):
                return

    def __enter__(self):
        self.before = cpu_seconds(self.roots)
        self.thread = threading.Thread(target=self.sample)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.cpu_s = cpu_seconds(self.roots) - self.before
        self.over.set()
        self.thread.join()


def key_values(line):
    return {k: float(v) for k, v in (part.split("=") for part in line.split())}


def spread(values, digits=0):
    """median (min-max)"""
    if any(v is None for v in values):
        return "-"
    texts = [f"{v:,.{digits}f}" for v in (statistics.median(values), min(values), max(values))]
    return texts[0] if len(values) == 1 else f"{texts[0]} ({texts[1]}–{texts[2]})"


def median(rows, field):
    return statistics.median(row[field] for row in rows)
