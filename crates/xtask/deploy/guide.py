"""The commands of docs/operations.md: those that are marked, as they stand but for the ports, in the order of the page.

A block is ```sh run (to its end), ```sh serve (stays until the next one, ready before what follows) or ```sh stop (ends
the server first). Each line of a marked block begins with `$ `.
"""

import contextlib
import os
import re
import shlex

from tests import DEPLOY, ROOT, chinwag, folder, free_port, run, running, test

GUIDE = ROOT / "docs" / "operations.md"
BLOCK = re.compile(r"^```sh (run|serve|stop)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# How many there are at least: a page that lost its marks must not pass.
BLOCKS_MIN = 8


@test
def the_marked_commands_of_the_guide_do_what_it_says():
    blocks = BLOCK.findall(GUIDE.read_text())
    assert len(blocks) >= BLOCKS_MIN, len(blocks)
    ports = {"8080": str(free_port()), "9100": str(free_port())}
    with folder() as place, contextlib.ExitStack() as stack:
        release(place)
        served = stack.enter_context(contextlib.ExitStack())
        environment = {**os.environ, "CHINWAG_LISTEN": f"127.0.0.1:{ports['8080']}", "no_proxy": "*"}
        for kind, text in blocks:
            lines = text.splitlines()
            assert all(line.startswith("$ ") for line in lines), text
            script = "\n".join(line.removeprefix("$ ") for line in lines)
            for written, free in ports.items():
                script = script.replace(written, free)
            if kind != "run":
                served.close()
            if kind == "serve":
                start = running(shlex.split(script), "ready", cwd=place, env=environment)
                served.enter_context(start)
            else:
                place = stepped(script, place, environment)


def release(place):
    """What the one who reads has taken from the release."""
    archive = run(DEPLOY / "release" / "archive", chinwag(), place, "test-linux").strip()
    assert archive.endswith("-test-linux.tar.gz")
    run("bash", "-c", "sha256sum -- *.tar.gz > SHA256SUMS", cwd=place)


def stepped(script, place, environment):
    """Runs a block by the shell and gives the folder that it ended in."""
    said = run("bash", "-euo", "pipefail", "-c", script + "\npwd", cwd=place, env=environment)
    return type(place)(said.strip().splitlines()[-1])


@test
def the_rest_of_the_commands_is_listed_at_its_end():
    text = GUIDE.read_text()
    rest = text[text.index("## What no test runs"):]
    unmarked = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert unmarked
    for block in unmarked:
        for line in block.replace("\\\n", " ").splitlines():
            words = [it for it in line.split() if "=" not in it and it != "sudo"]
            name = words[0] if words[0] != "cargo" else "cargo install"
            with_systemctl = name in ("install", "systemd-sysusers", "journalctl", "cd", "systemctl")
            assert with_systemctl or f"`{name}" in rest, f"{line!r} is not listed"
