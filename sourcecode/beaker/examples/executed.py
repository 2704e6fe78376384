#!/usr/bin/env python3
"""Counts the source files of the library that a call executes.

    python3 sourcecode/beaker/examples/executed.py [--files]

builds the example `executed` with coverage (`rustup component add llvm-tools`), runs it without the call and
with it, and prints how many files have lines that the call has executed. `--files` lists them. It ends with
an error if a call executes more files than it may.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
SOURCES = "sourcecode/beaker/src/"

# What a call may execute.
CALLS = [
    ("save", "save of a session, in files", 10),
    ("miss", "a miss in redis", 16),
    ("request", "a request on axum, in memory", 14),
]


def main():
    tools = llvm_tools()
    with tempfile.TemporaryDirectory() as folder:
        program = build(pathlib.Path(folder))
        over = 0
        for call, title, most in CALLS:
            before = executed(tools, program, [call], folder)
            after = executed(tools, program, [call, "call"], folder)
            files = {}
            for line, times in after.items():
                if times > before.get(line, 0):
                    files.setdefault(line[0], []).append(line[1])
            lines = sum(map(len, files.values()))
            verdict = "reached" if len(files) <= most else "MISSED"
            over += len(files) > most
            print(f"{title}: {len(files)} files, {lines} lines; limit {most}: {verdict}")
            if "--files" in sys.argv:
                for file in sorted(files):
                    print(f"    {file} ({len(files[file])})")
    sys.exit(1 if over else 0)


def llvm_tools():
    """The folder of the tools that fit the compiler."""
    sysroot = pathlib.Path(run(["rustc", "--print", "sysroot"]).strip())
    for tool in sysroot.glob("lib/rustlib/*/bin/llvm-cov"):
        return tool.parent
    sys.exit("llvm-cov is missing: rustup component add llvm-tools")


def build(folder):
    """Builds the example with coverage of the workspace's own crates, and returns its path."""
    wrapper = folder / "wrapper"
    wrapper.write_text('#!/bin/sh\nexec "$@" -Cinstrument-coverage\n')
    wrapper.chmod(0o755)
    command = ["cargo", "build", "-p", "beaker-web", "--example", "executed", "--features", "axum,redis"]
    command += ["--target-dir", "target/coverage", "--message-format", "json-render-diagnostics"]
    # What build scripts and macros count is of no interest.
    variables = {"RUSTC_WORKSPACE_WRAPPER": str(wrapper), "LLVM_PROFILE_FILE": str(folder / "%p.raw")}
    for line in run(command, variables).splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "executed":
            return message["executable"]
    sys.exit("cargo built no program")


def executed(tools, program, words, folder):
    """Returns how often each line was executed, by file and number."""
    raw, merged = f"{folder}/raw", f"{folder}/merged"
    run([program, *words], {"LLVM_PROFILE_FILE": raw})
    run([tools / "llvm-profdata", "merge", "-sparse", raw, "-o", merged])
    report = run([tools / "llvm-cov", "export", "-format=lcov", f"-instr-profile={merged}", program])
    times, file = {}, None
    for line in report.splitlines():
        kind, _, rest = line.partition(":")
        if kind == "SF":
            path = rest.replace(str(ROOT) + "/", "")
            file = path.removeprefix(SOURCES) if path.startswith(SOURCES) else None
        elif kind == "DA" and file:
            number, count = rest.split(",")[:2]
            times[file, int(number)] = int(count)
    return times


def run(command, variables=None):
    environment = os.environ | (variables or {})
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}")
    return done.stdout


if __name__ == "__main__":
    main()
