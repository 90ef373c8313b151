"""Become a part: `python launch.py SPEC`, where SPEC is a JSON file of command, environment, folder and user.

The process runner starts every part through this, so that secrets pass through a file of mode 600 into the part's own
environment and nowhere else: not into the runner's configuration, nor a command line. It leaves the process id beside
the spec, by which the part is found should it outlive the runner. Standard library alone: it runs
before each start.
"""

import json
import os
import sys
from pathlib import Path


def main(spec_file: str) -> None:
    """Replace this process by the one that `spec_file` describes."""
    spec = json.loads(Path(spec_file).read_text())
    Path(spec_file).with_suffix(".pid").write_text(f"{os.getpid()}\n")
    os.umask(0o077)
    if spec["user"] is not None:
        os.setgroups([])
        os.setgid(spec["group"])
        os.setuid(spec["user"])
    os.chdir(spec["folder"])
    os.execve(spec["command"][0], spec["command"], spec["environment"])  # noqa: S606 the part's own command line


if __name__ == "__main__":
    main(sys.argv[1])
