"""flame.py - where a relay's CPU goes: perf's stacks, unwound by DWARF, folded; the widest frames as text, all of it as SVG.

SPDX-License-Identifier: Apache-2.0"""
import collections
import html
import re
import shutil
import signal
import subprocess
import time

from relay import ROADS, WARM, Sink, by_http, by_smtp, ours
from smtp_in import write_message

HERTZ = 499
ENTRIES = ("entry_SYSCALL_64_after_hwframe", "entry_SYSCALL_64", "do_syscall_64", "x64_sys_call", "start_thread", "clone3", "__clone3")  # of no interest
WIDEST = 25
WIDTH, LINE, NARROWEST = 1800, 17, 1  # of the drawing, pixels


def fold(text):
    """Counter of stacks (thread, outermost frame, ..., innermost) from perf script's lines: thread, innermost ... outermost, empty."""
    stacks, stack = collections.Counter(), []
    for line in text.splitlines():
        if not line.strip():
            if stack:
                stacks[(stack[0], *reversed(stack[1:]))] += 1
            stack = []
        elif line[0].isspace() and stack:
            frame, _, library = line.split(None, 1)[1].strip().rpartition(" (")
            library = library.rpartition("/")[2].rstrip(")")
            frame = f"[{library}]" if frame == "[unknown]" else frame
            if library != "[unknown]" and frame not in ENTRIES and frame != stack[-1]:
                stack.append(frame)
        else:
            stack.append(re.sub(r"[-_ ]*\d+$", "", line.strip()))  # signer 0, signer 1: one
    if stack:
        stacks[(stack[0], *reversed(stack[1:]))] += 1
    return stacks


def widest(stacks):
    """The table of (thread, frame): with what it calls, and alone. A frame that is in a stack twice counts once."""
    total, within, alone, threads = sum(stacks.values()), collections.Counter(), collections.Counter(), collections.Counter()
    for (thread, *frames), n in stacks.items():
        threads[thread] += n
        within.update({(thread, f): n for f in set(frames)})
        alone[thread, frames[-1] if frames else ""] += n
    print(f"\n| thread | % of {total:,} samples |\n|---|---|")
    for thread, n in threads.most_common():
        print(f"| {thread} | {n * 100 / total:.1f} |")
    for title, counts in (("widest frames, with what they call", within), ("widest leaves, alone", alone)):
        print(f"\n| {title} | thread | % | alone % |\n|---|---|---|---|")
        for (thread, frame), n in counts.most_common(WIDEST):
            print(f"| {frame} | {thread} | {n * 100 / total:.1f} | {alone[thread, frame] * 100 / total:.1f} |", flush=True)


def draw(stacks, path):
    """One rectangle a frame, as wide as its samples, its callers below it."""
    boxes, total, deepest = [], sum(stacks.values()), max(map(len, stacks))

    def place(group, depth, left):
        for frame, part in sorted(group_by(group, depth).items()):
            n = sum(part.values())
            width = n * WIDTH / total
            if width >= NARROWEST:
                boxes.append((left, depth, width, f"{frame} {n * 100 / total:.1f} %"))
                place(part, depth + 1, left)
            left += width

    place(stacks, 0, 0)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{deepest * LINE}" font-family="monospace" font-size="11">']
    for left, depth, width, text in boxes:
        y, shown = (deepest - depth - 1) * LINE, html.escape(text[:int(width / 7)])
        parts.append(f'<g><title>{html.escape(text)}</title><rect x="{left:.1f}" y="{y}" width="{width:.1f}" height="{LINE - 1}" '
                     f'fill="hsl({hash_of(text) % 50},80%,65%)"/><text x="{left + 2:.1f}" y="{y + 12}">{shown}</text></g>')
    path.write_text("\n".join([*parts, "</svg>"]))


def group_by(stacks, depth):
    groups = collections.defaultdict(dict)
    for stack, n in stacks.items():
        if len(stack) > depth:
            groups[stack[depth]][stack] = n
    return groups


def hash_of(text):
    return sum(map(ord, text.split()[0]))


def flame(tools, o):
    if not shutil.which("perf"):
        raise SystemExit("lacks the package linux-perf")
    write_message(tools, waits=False)
    for name, load in (("SMTP in", by_smtp), ("HTTP in", by_http)):
        for road in o.roads:
            domains, by_mx = ROADS[road]
            sink, data = Sink(tools, WARM + o.count), tools.scratch / "perf.data"
            with ours(tools, sink.port, by_mx) as server:
                load(server, WARM, domains)
                time.sleep(2)
                perf = subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", str(HERTZ), "--call-graph", "dwarf,4096",
                                         "-p", str(server.process.pid), "-o", data], stdout=subprocess.DEVNULL)
                time.sleep(1)
                load(server, o.count, domains)
                sink.wait()
                perf.send_signal(signal.SIGINT)
                perf.wait(60)
            text = subprocess.run(["perf", "script", "-i", data, "-F", "comm,ip,sym,dso"], check=True, capture_output=True, text=True, errors="replace")
            shutil.rmtree(server.folder, ignore_errors=True)
            data.unlink()
            stacks = fold(text.stdout)
            base = tools.scratch / f"flame-{name.split()[0].lower()}-{road.replace(' ', '-').replace(',', '')}"
            base.with_suffix(".folded").write_text("".join(f"{';'.join(stack)} {n}\n" for stack, n in stacks.most_common()))
            draw(stacks, base.with_suffix(".svg"))
            print(f"\n## flame: {name}, {road}, {o.count:,} messages of {tools.bytes:,} bytes: {base}.svg")
            widest(stacks)
