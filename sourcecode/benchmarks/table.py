#!/usr/bin/env python3
"""Runs the benchmarks and prints one table of what they reach.

    python3 sourcecode/benchmarks/table.py [--no-lto] [NAME ...]

The benchmarks are built as `cargo build --release` builds a program. Those that wait for no disk and no
server are built once more in the profile `lto`, where all crates are one unit of code, and where that makes a
difference, both figures are printed. Names are those of `cargo bench --bench NAME`; without one, all are run.
Each runs on processor 1 alone, so that a client and its server pay the same for waking each other; those that
compare threads or put servers under load have all processors.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Whose time is that of the processor: here the profile matters.
COMPUTES = ["memory", "cache", "cached", "cookies", "middleware"]
# What waits for disks and servers.
WAITS = ["file", "dbm", "database", "memcached", "redis", "herd", "loaders", "axum"]
# What needs more than one processor.
PARALLEL = ["cache", "cached", "herd", "loaders", "axum"]

# A difference that is more than noise.
DIFFERS = 0.08

# The title ends where the figures begin.
LINE = re.compile(r"^==> (?P<name>.+?): (?P<figures>\d.*); limit (?P<limit>.+): (?P<verdict>\w+)$")
RATIO = re.compile(r"([\d.]+) times")


def main():
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    with_lto = "--no-lto" not in sys.argv
    rows = []
    for name in words or COMPUTES + WAITS:
        plain = bench(name, [])
        lto = bench(name, ["--profile", "lto"]) if with_lto and name in COMPUTES else {}
        rows += [(title, *figures, lto.get(title)) for title, figures in plain.items()]
    width = max((len(row[0]) for row in rows), default=0)
    for title, figures, limit, verdict, lto in rows:
        line = f"{title:{width}}  {figures}; limit {limit}: {verdict}"
        if lto and differs(figures, lto[0]):
            line += f"\n{'':{width}}  with fat LTO {lto[0]}: {lto[2]}"
        print(line)
    sys.exit(1 if any(row[3] == "MISSED" for row in rows) else 0)


def bench(name, profile):
    """Returns what a benchmark printed, by title: figures, limit, verdict."""
    pin = [] if name in PARALLEL else ["taskset", "-c", "1"]
    build = ["cargo", "bench", "--quiet", "-p", "benchmarks", "--bench", name, *profile]
    # Building takes all processors.
    subprocess.run([*build, "--no-run"], cwd=ROOT, check=True)
    done = subprocess.run([*pin, *build], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found = {}
    for line in done.stdout.splitlines():
        if match := LINE.match(line.strip()):
            found[match["name"]] = (match["figures"], match["limit"], match["verdict"])
    if not found:
        print(done.stdout, file=sys.stderr)
    return found


def differs(plain, lto):
    """Whether two figures are not the same, as far as that can be measured."""
    plain, lto = RATIO.search(plain), RATIO.search(lto)
    if not plain or not lto:
        return False
    plain, lto = float(plain[1]), float(lto[1])
    return abs(plain - lto) > DIFFERS * max(plain, lto)


if __name__ == "__main__":
    main()
