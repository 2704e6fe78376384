"""Programs that listen on a port: started, waited for, and stopped."""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# So long, in seconds, anything may take: a program until it listens, a page until it shows something. Nothing
# here takes a second on an idle machine; no machine is so busy that it takes longer than this.
PATIENCE = 300
# What has to be compiled before.
BUILD_PATIENCE = 1800


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(command, port, **options):
    """A program that listens on the port, until the block ends."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **options)
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{command[0]} did not start to listen on port {port}")
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait()


def built(*target):
    """The program that cargo makes of a target, such as `--example 5_session_wsgi`."""
    done = subprocess.run(["cargo", "build", "--quiet", "--message-format=json", *target],
                          cwd=ROOT, check=True, stdout=subprocess.PIPE)
    messages = map(json.loads, done.stdout.splitlines())
    return [message["executable"] for message in messages if message.get("executable")][-1]


@contextlib.contextmanager
def serving(*example):
    """An example that is built, and serves until the block ends; its address."""
    program = built("--example", *example)
    port = free_port()
    with running([program], port, env={**os.environ, "PORT": str(port)}):
        yield f"http://localhost:{port}"


@contextlib.contextmanager
def served_book():
    """The book, served by the workbook until the block ends; its process, its address, and what follows that
    in the terminal. A program may take as long there as one does on a busy machine."""
    program = built("--package", "workbook")
    command = [program, "serve", "--port", str(free_port()), "--limit", str(PATIENCE)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        # It says so when it has built the book and listens.
        shown = re.search(r"(http://[\d.:]+)/en/(\?\S+)", process.stdout.readline())
        if shown is None:
            sys.exit("the workbook does not show its address")
        yield process.pid, *shown.groups()
    finally:
        process.terminate()
        process.wait()
