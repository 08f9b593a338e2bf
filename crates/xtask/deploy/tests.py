"""The tests' table, and what more than one of them needs."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
# How long anything that is waited for may take. Nothing here waits for a time to pass.
PATIENCE_S = 30

TESTS = []


class Missing(Exception):
    """What a test needs is not on this machine."""


def test(function):
    """Makes the function a test; its name is the sentence that it proves."""
    TESTS.append(function)
    return function


def program(name):
    """The path of a program, on PATH or where Debian puts what is for root."""
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not found:
        raise Missing(name)
    return found


def run(*command, **options):
    """Runs to the end and gives the output; a bad end is an error that carries it."""
    done = subprocess.run(
        [str(it) for it in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=options.pop("timeout", 120),
        check=False,
        **options,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def free_port():
    """A port that the kernel gives to nobody else meanwhile."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return holder.getsockname()[1]


@contextlib.contextmanager
def folder():
    """A folder of its own, which goes when the test does."""
    with tempfile.TemporaryDirectory(prefix="chinwag-") as path:
        yield Path(path)


@contextlib.contextmanager
def running(command, until, **options):
    """Starts a program, waits until a line of its output has `until`, and gives that match; ends it by SIGTERM."""
    process = subprocess.Popen(
        [str(it) for it in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    lines, found, ready = [], [], threading.Event()

    def read():
        for line in process.stdout:
            lines.append(line)
            match = re.search(until, line)
            if match and not found:
                found.append(match)
                ready.set()
        ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        ready.wait(PATIENCE_S)
        assert found, f"{command[0]} never said {until!r}:\n{''.join(lines)}"
        yield found[0], lines
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        reader.join(PATIENCE_S)


class Server:
    """A chinwag that runs, in a folder of its own."""

    def __init__(self, address, metrics, lines):
        self.address, self.metrics, self.lines = address, metrics, lines

    def invite(self):
        """The code in the link of the start lines, which makes the first account."""
        return re.search(r"#invite=(\S+)", "".join(self.lines)).group(1)


@contextlib.contextmanager
def server(*flags, env=None):
    """Starts the program that was built. Ports come from the kernel."""
    with folder() as data:
        metrics = free_port()
        command = [chinwag(), "--listen", "127.0.0.1:0", "--data", data / "data", "--shards", "1"]
        command += ["--metrics-listen", f"127.0.0.1:{metrics}", *flags]
        ready = r'"ready","listen":"([^"]+)"|"listen":"([^"]+)".*"ready"'
        with running(command, ready, cwd=data, env={**os.environ, **(env or {})}) as (match, lines):
            yield Server(match.group(1) or match.group(2), f"127.0.0.1:{metrics}", lines)


def chinwag():
    """The release binary, which the step `build` made."""
    return Path(sys.argv[1])
