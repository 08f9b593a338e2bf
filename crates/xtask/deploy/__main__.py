"""python deploy BINARY [NAME]…: what is in deploy/, .github/ and docs/operations.md, with the real programs.

Each line at its left edge is one test: `passed NAME`, `failed NAME: why`. Names narrow the choice.
"""

import sys
import time
import traceback

import tests

# Each adds its own to the table.
import kubernetes  # noqa: F401
import prometheus  # noqa: F401
import proxies  # noqa: F401
import units  # noqa: F401
import workflows  # noqa: F401
import guide  # noqa: F401


def main():
    wanted = sys.argv[2:]
    for it in tests.TESTS:
        name = it.__name__.replace("_", " ")
        if wanted and not any(word in name for word in wanted):
            continue
        begun = time.monotonic()
        try:
            it()
        except Exception as error:
            traceback.print_exc()
            print(f"failed {name}: {type(error).__name__}: {error}".replace("\n", "\n    "), flush=True)
        else:
            print(f"passed {name} ({time.monotonic() - begun:.1f} s)", flush=True)


main()
