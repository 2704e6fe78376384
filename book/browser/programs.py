"""Programs that listen on a port: started, waited for, and stopped."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# So long, in seconds, anything may take: a program until it listens, a page until it shows something.
PATIENCE = 20


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
    """The book, served by the workbook until the block ends; its address."""
    program = built("--package", "workbook")
    # So that it listens at once: a server builds first, and a build can take longer than `PATIENCE`.
    subprocess.run([program, "build"], cwd=ROOT, check=True)
    port = free_port()
    with running([program, "serve", "--port", str(port)], port, cwd=ROOT):
        yield f"http://localhost:{port}"
