"""Where a secret could be seen that should be nowhere: layers, what the engine tells, logs, processes, metrics."""

import gzip
import json
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

from support.compose.container import Container
from support.compose.engine import Engine
from support.compose.project import Project
from tradewind_local.env_file import GENERATED

CHUNK = 1 << 20
SMALL = "prom/statsd-exporter:v0.31.0"
"""An image with a shell and little else, for what is done beside the project's containers."""
FURTHER = ("ALERTMANAGER_WEBHOOK_URL", "ALERTMANAGER_WATCHDOG_URL")
# Reads what only the processes' own user may read, in the container's own view.
READ_PROCESSES = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null || true"


def secrets_of(project: Project) -> dict[str, bytes]:
    """The values that nobody may see, by name."""
    rows = project.rows
    values = {name: rows[name] for name in (*GENERATED, *FURTHER) if name != "API_TOKENS"}
    values |= {f"API_TOKENS {caller}": token for caller, token in json.loads(rows["API_TOKENS"]).items()}
    # Without what base64 fills up with: it may be written in another way.
    return {name: value.rstrip("=").encode() for name, value in values.items()}


@dataclass
class Search:
    """Looks for values; `found` has each place and the name of what is there, `places` all that were looked at."""

    engine: Engine
    values: dict[str, bytes]
    found: set[tuple[str, str]] = field(default_factory=set)
    places: dict[str, int] = field(default_factory=dict)

    def look(self, place: str, chunks: Iterable[bytes]) -> None:
        """Search one place; a value may lie across two chunks."""
        longest = max(map(len, self.values.values()))
        rest = b""
        for chunk in chunks:
            text = rest + chunk
            self.found |= {(place, name) for name, value in self.values.items() if value in text}
            rest = text[-longest:]
            self.places[place] = self.places.get(place, 0) + len(chunk)

    def containers(self, containers: Iterable[Container], reader: str) -> None:
        """What the engine and the containers themselves tell; `reader` is an image that has a shell."""
        for one in containers:
            name = one.name
            self.look(f"inspect {name}", [json.dumps(one.inspect()).encode()])
            self.look(f"logs {name}", [one.logs().encode()])
            if one.pid:
                # -ww: the daemon's ps would cut lines to the width of the terminal that it thinks it has.
                self.look(f"top {name}", [self.engine.docker("top", one.id, "-ww", "-eo", "pid,args").encode()])
                self.look(f"processes {name}", [self._processes(one, reader)])

    def images(self, tags: Iterable[str]) -> None:
        """The history, the configuration and every byte of every layer."""
        for tag in tags:
            self.look(f"history {tag}", [self.engine.docker("history", "--no-trunc", tag).encode()])
            self.look(f"inspect {tag}", [self.engine.docker("image", "inspect", tag).encode()])
            with self._output("save", tag) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
                for member in archive:
                    if content := archive.extractfile(member):
                        self.look(f"layers {tag}", plain(content))

    def folder(self, container: Container, path: str) -> None:
        """All files in a folder of a container."""
        with self._output("cp", f"{container.id}:{path}", "-") as stream:
            self.look(f"{path} of {container.name}", iter(lambda: stream.read(CHUNK), b""))

    def _processes(self, container: Container, reader: str) -> bytes:
        # The second for the modes of other users' files, of which `environ` is one.
        rights = [part for right in ("SYS_PTRACE", "DAC_READ_SEARCH") for part in ("--cap-add", right)]
        rights += ["--cap-drop", "ALL", "--user", "0", "--network", "none"]
        where = ["--rm", "--pid", f"container:{container.id}", "--entrypoint", "sh"]
        return self.engine.docker("run", *where, *rights, reader, "-c", READ_PROCESSES).encode()

    @contextmanager
    def _output(self, *arguments: str) -> Iterator[IO[bytes]]:
        command = ["docker", *arguments]
        with subprocess.Popen(command, env=self.engine.variables, stdout=subprocess.PIPE) as process:
            assert process.stdout
            yield process.stdout
            process.stdout.read()
        assert process.returncode == 0, command


def plain(content: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a file, unpacked when it is packed as some engines pack layers."""
    start = content.read(CHUNK)
    if not start.startswith(b"\x1f\x8b"):
        yield start
        yield from iter(lambda: content.read(CHUNK), b"")
        return
    packed = start + content.read()
    yield gzip.decompress(packed)
