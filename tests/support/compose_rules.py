"""What every service of a compose file has to keep to, as rules over `docker compose config --format json`."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Service = dict[str, Any]

LOOPBACK = "127.0.0.1"
BIND = "192.0.2.7"
"""What TRADEWIND_BIND is while the rules are looked at."""

_PINNED = re.compile(r"[a-z0-9./-]+:v?[0-9][\w.-]*")
_SECRET_NAME = re.compile(r"(?i)(password|secret|token|fernet|api_?key|routing_key)")
_HANDED_ON = re.compile(r"/run/secrets/\S+|tradewind-secret [a-z_ ]+\S*|(?:true|false|\d+)?", re.IGNORECASE)


def is_job(service: Service) -> bool:
    """Whether it does one thing and ends."""
    return str(service.get("restart", "")).startswith("on-failure")


def megabytes(service: Service, kind: str = "limits") -> int:
    """Its memory in MiB, as its limits or its reservations say."""
    return int(service["deploy"]["resources"][kind]["memory"]) >> 20


def _health(service: Service) -> bool:
    check = service.get("healthcheck", {})
    return is_job(service) != bool(check.get("test") and not check.get("disable"))


def _limits(service: Service) -> bool:
    resources = service.get("deploy", {}).get("resources", {})
    limits, reserved = resources.get("limits", {}), resources.get("reservations", {})
    if not ({"cpus", "memory", "pids"} <= set(limits) and {"cpus", "memory"} <= set(reserved)):
        return False
    return all(float(reserved[name]) <= float(limits[name]) for name in reserved)


def _pinned(service: Service) -> bool:
    bases = re.findall(r"^FROM (\S+)", service.get("build", {}).get("dockerfile_inline", ""), re.MULTILINE)
    return all(_PINNED.fullmatch(image) for image in [service.get("image", ""), *bases])


def _no_secret(service: Service) -> bool:
    given = {**service.get("environment", {}), **service.get("labels", {})}
    filled = {name: str(value) for name, value in given.items() if _SECRET_NAME.search(name) and value is not None}
    return all(_HANDED_ON.fullmatch(value) for value in filled.values())


def _user(service: Service) -> bool:
    user, _, _ = str(service.get("user", "root")).partition(":")
    return user.isdigit() and int(user) > 0


def _unprivileged(service: Service) -> bool:
    asks = ("privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "userns_mode")
    ends = [str(mount.get(end)) for mount in service.get("volumes", []) for end in ("source", "target")]
    return not any(service.get(name) for name in asks) and not any(end.endswith(".sock") for end in ends)


def _without_rights(service: Service) -> bool:
    return service.get("cap_drop") == ["ALL"] and service.get("security_opt") == ["no-new-privileges:true"]


def _read_only(service: Service) -> bool:
    # Compose can put a secret of the environment into a writable container alone.
    return bool(service.get("read_only")) != bool(service.get("secrets"))


def _rotated(service: Service) -> bool:
    logging = service.get("logging", {})
    return logging.get("driver") == "json-file" and {"max-size", "max-file"} <= set(logging.get("options", {}))


def _restarted(service: Service) -> bool:
    return bool(re.fullmatch(r"unless-stopped|on-failure:[1-9]", str(service.get("restart", ""))))


def _ports(service: Service) -> bool:
    return all(port.get("host_ip") in {LOOPBACK, BIND} for port in service.get("ports", []))


def _networks(service: Service) -> bool:
    return set(service.get("networks", {})) == ({"data", "edge"} if service.get("ports") else {"data"})


def _mounts(service: Service) -> bool:
    binds = [mount for mount in service.get("volumes", []) if mount["type"] == "bind"]
    return all(Path(mount["source"]).exists() and mount.get("read_only") for mount in binds)


def _stops(service: Service) -> bool:
    # The first process of a container has to pass signals on, and to bury the dead: Docker's, or the image's own.
    return "init" in service


RULES: dict[str, Callable[[Service], bool]] = {
    "health": _health,
    "limits": _limits,
    "pinned": _pinned,
    "no-secret": _no_secret,
    "user": _user,
    "unprivileged": _unprivileged,
    "without-rights": _without_rights,
    "read-only": _read_only,
    "rotated": _rotated,
    "restarted": _restarted,
    "ports": _ports,
    "networks": _networks,
    "mounts": _mounts,
    "init": _stops,
}


def broken(services: dict[str, Service]) -> Iterator[tuple[str, str]]:
    """Each service and rule that do not fit."""
    for name, service in services.items():
        for rule, holds in RULES.items():
            if not holds(service):
                yield name, rule
