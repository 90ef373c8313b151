"""The whole stack on one machine: up, down, and a look at it."""

import time
from collections.abc import Callable
from functools import cached_property
from threading import Event

from tradewind_contracts.topics import AIRFLOW_GROUP
from tradewind_local import credentials, processes, readiness, settings_in_use
from tradewind_local.airflow_config import DATABASE as AIRFLOW_DATABASE
from tradewind_local.airflow_schema import AirflowSchema
from tradewind_local.errors import PartError
from tradewind_local.layout import AGENTS_DATABASE, Layout, callers, process_environment
from tradewind_local.locks import exclusive
from tradewind_local.monitoring import parts as monitoring
from tradewind_local.parts import ALL, MONITORING, SPECS, Part, Port, build, with_needs
from tradewind_local.ports import PortBook, require_free
from tradewind_local.postgres import ensure_database
from tradewind_local.processes import PartStatus
from tradewind_local.runner import DOWN, Runner
from tradewind_local.settings import LocalSettings
from tradewind_local.sockets import remove_socket_folder
from tradewind_local.steps import Step, StoppedError, run_steps
from tradewind_local.topics import answers, create_topics, warm_groups

LISTED_BY = ("api", "agents", "airflow-api-server", "airflow-dag-processor")
"""The parts that a list of all workflows needs."""

# A part that ends this often before it is ready will not be ready.
DEATHS_ALLOWED = 2
POLL_SECONDS = 0.1
SERVERS = ("postgres", "kafka")


def _silent(name: str, seconds: float) -> None:
    """Report nothing."""


class Stack:
    """The stack of one home folder. Several stacks run side by side when their ports differ (0 chooses free ones)."""

    def __init__(self, settings: LocalSettings, report: Callable[[str, float], None] = _silent) -> None:
        self._configured = settings
        self._report = report
        self._runner = Runner(settings.home, settings.logs)

    @cached_property
    def settings(self) -> LocalSettings:
        """Those with which the stack was started while it runs, the configured ones otherwise."""
        return settings_in_use.recorded(self._configured) if self._runner.answers() else self._configured

    @cached_property
    def _layout(self) -> Layout:
        self.settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Layout(self.settings)

    @cached_property
    def _parts(self) -> dict[str, Part]:
        return build(self._layout) | monitoring.build(self._layout)

    def up(self, parts: tuple[str, ...] = ALL) -> None:
        """Start `parts` and what they need, those that do not run yet, and wait until each is ready.

        Raises LocalError: a port in use, no network for the first download, a part that dies or is not ready in time.
        What was started until then runs on; `down` ends it.
        """
        self.settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with exclusive(self.settings.home / "up.lock"):
            if not self._runner.answers():
                self._clear_the_way()
            self._choose_settings()
            names = [name for name in with_needs(parts) if name in self._parts]
            self._require_ports(names)
            self.settings.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._runner.start(part.program for part in self._parts.values())
            run_steps(self._steps(names), self._report)

    def down(self) -> None:
        """Stop what `up` started, and nothing else; the data stays."""
        if not self.settings.home.exists():
            return
        with exclusive(self.settings.home / "up.lock"):
            if self._runner.answers():
                self._stop_in_order()
                self._runner.shut_down()
            processes.end_orphans(self.settings.home / SPECS)
            remove_socket_folder(self._layout.postgres.socket_folder)

    def status(self) -> list[PartStatus]:
        """A row for each part; for one of the monitoring once it was started."""
        # To look at a stack that never was makes nothing: no port, no secret.
        urls = {part.name: part.url for part in self._parts.values()} if self.settings.ports_file.exists() else {}
        states = {name: self._runner.state(name) for name in urls or ALL}
        shown = [name for name, state in states.items() if name not in MONITORING or state != DOWN]
        return [processes.status(name, urls.get(name, ""), states[name]) for name in shown]

    def environment(self) -> dict[str, str]:
        """Addresses, users and secrets of this stack, by the names that its parts use: for clients and tests."""
        return self._layout.environment()

    def pid(self, part: str) -> int | None:
        """The part's process, None when it does not run."""
        return self._runner.state(part).pid

    def kill(self, part: str) -> None:
        """SIGKILL the part's process and all that descend from it, as a crash would; the runner starts it again."""
        if pid := self.pid(part):
            processes.kill_tree(pid)

    def stop_part(self, part: str) -> None:
        """Stop a part in order; it stays down until `start_part` or `up`."""
        self._runner.stop_program(part)

    def start_part(self, part: str) -> None:
        """Start a part that was stopped; `wait_ready` tells when it serves."""
        self._start(self._parts[part])

    def wait_ready(self, part: str, timeout: float = 60) -> float:
        """Wait until a part is ready, however often it is started again meanwhile; gives the seconds that it took.

        Raises PartError after `timeout` seconds.
        """
        start = time.monotonic()
        self._wait(self._parts[part], Event(), timeout, deaths_allowed=None)
        return time.monotonic() - start

    def _clear_the_way(self) -> None:
        """End what outlived a killed runner, and give up the chosen ports that others took while the stack was down."""
        processes.end_orphans(self.settings.home / SPECS)
        PortBook(self.settings.ports_file).forget_taken()

    def _choose_settings(self) -> None:
        running = [name for name in (*ALL, *MONITORING) if self._runner.state(name).up]
        for derived in ("_layout", "_parts"):
            vars(self).pop(derived, None)
        self.settings = settings_in_use.for_up(self._configured, running)
        settings_in_use.record(self.settings)

    def _require_ports(self, names: list[str]) -> None:
        for part in (self._parts[name] for name in names):
            if isinstance(part.port, Port) and not self._runner.state(part.name).up:
                require_free(part.port.number, part.name, part.port.variable)

    def _steps(self, names: list[str]) -> list[Step]:
        """The parts with the work between them, each after what it waits for."""
        steps = [self._step(self._parts[name]) for name in names]
        between = [
            Step("databases", self._make_databases, after=("postgres",)),
            Step("topics", self._make_topics, after=("kafka",)),
            Step("airflow schema", self._migrate, after=("databases",)),
        ]
        if set(LISTED_BY) <= set(names):
            steps.append(Step("workflows", self._await_workflows, after=LISTED_BY))
        wanted = {name for step in steps for name in step.after}
        wanted |= {"topics"} if "kafka" in names else set()
        wanted |= {name for step in between if step.name in wanted for name in step.after}
        first = [step for step in steps if not step.after]
        return first + [step for step in between if step.name in wanted] + [step for step in steps if step.after]

    def _step(self, part: Part) -> Step:
        def bring_up(stop: Event) -> None:
            self._start(part)
            self._wait(part, stop, self.settings.ready_timeout, DEATHS_ALLOWED)

        return Step(part.name, bring_up, part.after)

    def _start(self, part: Part) -> None:
        if not self._runner.state(part.name).up:
            part.write_spec()
            self._runner.start_program(part.name)

    def _wait(self, part: Part, stop: Event, timeout: float, deaths_allowed: int | None) -> None:
        deadline = time.monotonic() + timeout
        pids: set[int] = set()
        while not self._is_ready(part, pids):
            if deaths_allowed is not None and len(pids) > deaths_allowed:
                error = PartError.with_log(part.name, "dies whenever it is started", part.log)
                self._runner.stop_program(part.name)
                raise error
            if time.monotonic() > deadline:
                raise PartError.with_log(part.name, f"was not ready within {timeout:.0f} s", part.log)
            if stop.wait(POLL_SECONDS):
                raise StoppedError

    def _is_ready(self, part: Part, pids: set[int]) -> bool:
        state = self._runner.state(part.name)
        # The runner learns of a death a moment after it.
        if state.pid is None or not processes.is_alive(state.pid):
            return False
        pids.add(state.pid)
        return part.is_ready(state.started)

    def _make_databases(self, _: Event) -> None:
        for name in (AIRFLOW_DATABASE, AGENTS_DATABASE):
            ensure_database(self._layout.postgres, name)

    def _make_topics(self, _: Event) -> None:
        address = self._layout.bootstrap_servers
        if self.settings.kafka_bootstrap_servers and not answers(address, timeout=10):
            raise PartError(
                f"no broker answers at {address}: start it, or unset KAFKA_BOOTSTRAP_SERVERS to have one started"
            )
        create_topics(address)
        warm_groups(address, AIRFLOW_GROUP)

    def _await_workflows(self, stop: Event) -> None:
        token = next(iter(callers(self._layout.secrets["API_TOKENS"]).values()))
        deadline = time.monotonic() + self.settings.ready_timeout
        while {"airflow", "langgraph"} - readiness.engines_listed(self._layout.url("api"), token):
            if time.monotonic() > deadline:
                raise PartError.with_log("api", "lists no workflows of one of the engines", self._parts["api"].log)
            if stop.wait(0.5):
                raise StoppedError

    def _migrate(self, _: Event) -> None:
        config, home = self._layout.airflow, self.settings.home
        config.home.mkdir(mode=0o700, exist_ok=True)
        (home / "run").mkdir(mode=0o700, exist_ok=True)
        credentials.write_airflow_passwords(config.passwords_file, self._layout.secrets)
        schema = AirflowSchema(
            self._layout.postgres,
            AIRFLOW_DATABASE,
            config.home / "schema.json",
            self.settings.logs / "airflow-migrate.log",
        )
        schema.migrate(process_environment() | self._layout.airflow_environment(), home / "run")

    def _stop_in_order(self) -> None:
        """Users of a server first, side by side; then the servers."""
        running = [name for name in self._parts if self._runner.state(name).up]
        for servers in (False, True):
            names = [name for name in running if (name in SERVERS) is servers]
            run_steps([self._stop_step(name) for name in names], self._report)

    def _stop_step(self, name: str) -> Step:
        return Step(f"{name} stopped", lambda _: self._runner.stop_program(name))
