"""Our Dockerfiles: hadolint, and what it does not check. Each rule is also shown a file that breaks it."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(ROOT.glob("*/Dockerfile"))
SECRET = re.compile(r"PASSWORD|PASSWD|TOKEN|SECRET|CREDENTIAL|PRIVATE|[A-Z]_KEY\b")
IGNORED = ".dockerignore"

Instruction = tuple[str, str]


def instructions(text: str) -> list[Instruction]:
    """The instructions and their arguments, comments left out and continued lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(name.upper(), rest.strip()) for name, _, rest in (line.partition(" ") for line in joined.splitlines())]


def last_stage(found: list[Instruction]) -> list[Instruction]:
    start = max(number for number, (name, _) in enumerate(found) if name == "FROM")
    return found[start:]


def values(found: list[Instruction], name: str) -> list[str]:
    return [rest for each, rest in found if each == name]


def pinned(found: list[Instruction]) -> bool:
    """Whether each base is a version, to the last digit, and no variable."""
    bases = [rest.split()[0] for rest in values(found, "FROM")]
    stages = {rest.split()[2] for rest in values(found, "FROM") if " AS " in rest}
    return all(re.fullmatch(r"[a-z/]+:[\w.-]*\d+\.\d+\.\d+[\w.-]*", base) for base in bases if base not in stages)


def not_root(found: list[Instruction]) -> bool:
    """Whether what runs is a user with a number, which Kubernetes can check, other than 0."""
    users = values(last_stage(found), "USER")
    return bool(users) and bool(re.fullmatch(r"[1-9]\d*(:\d+)?", users[-1]))


def asked_how_it_is(found: list[Instruction]) -> bool:
    """Whether the last stage says how the program is asked, without a shell or curl, or that others do."""
    checks = values(last_stage(found), "HEALTHCHECK")
    return len(checks) == 1 and ('CMD ["python", "-m"' in checks[0] or checks[0] == "NONE")


def no_shell_before_the_program(found: list[Instruction]) -> bool:
    """Whether signals reach the program: the exec form."""
    commands = values(last_stage(found), "CMD") + values(last_stage(found), "ENTRYPOINT")
    return all(command.startswith("[") for command in commands)


def no_secret(found: list[Instruction]) -> bool:
    """Whether nothing that a layer or its history keeps has a secret's name."""
    kept = values(found, "ARG") + values(found, "ENV") + values(found, "LABEL")
    return not any(
        SECRET.search(name) for text in kept for name in re.findall(r"(\w+)\s*=|^(\w+)$", text) for name in name
    )


def described(found: list[Instruction]) -> bool:
    """Whether the image says what it is, of which version and under which licence."""
    labels = " ".join(values(last_stage(found), "LABEL"))
    return all(
        f"org.opencontainers.image.{name}=" in labels for name in ("title", "version", "licenses", "description")
    )


def hashed(found: list[Instruction]) -> bool:
    """Whether all that comes from a registry has to have the hash that a lock names."""
    steps = [step for run in values(found, "RUN") for step in run.split("&&")]
    installs = [step for step in steps if re.search(r"\bpip\b.*\b(install|sync)\b", step)]
    return all("--require-hashes" in step or "--no-index" in step for step in installs)


def for_any_builder(found: list[Instruction]) -> bool:
    """Whether the classic builder, which many a machine still has, can build it."""
    return not any("--mount" in run or "<<" in run for run in values(found, "RUN")) and "# syntax" not in str(found)


RULES: dict[str, Callable[[list[Instruction]], bool]] = {
    rule.__name__: rule
    for rule in (
        pinned, not_root, asked_how_it_is, no_shell_before_the_program, no_secret, described, hashed, for_any_builder,
    )
}  # fmt: skip

BROKEN = {
    "pinned": ["FROM python:latest", "FROM python", "FROM python:3.11-slim", "FROM ${BASE}"],
    "not_root": ["FROM a", "FROM a\nUSER 10001\nUSER 0", "FROM a\nUSER tradewind", "FROM a AS b\nUSER 1\nFROM c"],
    "asked_how_it_is": ["FROM a", "FROM a\nHEALTHCHECK CMD curl -f localhost", "FROM a\nHEALTHCHECK NONE\nFROM b"],
    "no_shell_before_the_program": ["FROM a\nCMD python -m tradewind_api", "FROM a\nENTRYPOINT start.sh"],
    "no_secret": [
        "FROM a\nARG PIP_TOKEN", "FROM a\nENV A=1 \\\n  AIRFLOW_PASSWORD=x", "FROM a\nENV AIRFLOW__CORE__FERNET_KEY=x",
        "FROM a\nARG NPM_TOKEN=abc",
    ],
    "described": ["FROM a", 'FROM a\nLABEL org.opencontainers.image.title="x"'],
    "hashed": ["FROM a\nRUN pip install uv", "FROM a\nRUN true && uv pip sync requirements.lock"],
    "for_any_builder": ["FROM a\nRUN --mount=type=cache,target=/x true", "FROM a\nRUN cat <<EOF"],
}  # fmt: skip


def test_there_are_the_three_images() -> None:
    assert [file.parent.name for file in FILES] == ["airflow", "api", "langgraph"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
@pytest.mark.parametrize("rule", RULES)
def test_a_dockerfile_keeps_to_the_rules(file: Path, rule: str) -> None:
    assert RULES[rule](instructions(file.read_text()))


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in BROKEN.items() for text in texts])
def test_a_rule_sees_what_breaks_it(rule: str, text: str) -> None:
    assert not RULES[rule](instructions(text))


def test_every_rule_is_shown_what_breaks_it() -> None:
    assert set(BROKEN) == set(RULES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_hadolint_finds_nothing(file: Path) -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert hadolint, "hadolint is in the lock: make setup"
    run = subprocess.run([hadolint, "--no-color", str(file)], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_the_version_is_the_packages(file: Path) -> None:
    project = tomllib.loads((file.parent / "pyproject.toml").read_text())["project"]
    assert f"TRADEWIND_VERSION={project['version']}" in values(instructions(file.read_text()), "ARG")


def _patterns() -> list[str]:
    return [line for line in (ROOT / IGNORED).read_text().splitlines() if line and not line.startswith("#")]


def test_the_context_is_an_allow_list() -> None:
    patterns = _patterns()
    assert patterns[0] == "*"
    assert {"**/.env", "**/__pycache__"} <= set(patterns[patterns.index("**/__pycache__") :])


def test_all_that_is_allowed_is_there() -> None:
    allowed = [pattern.removeprefix("!") for pattern in _patterns() if pattern.startswith("!")]
    assert [path for path in allowed if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_all_that_is_copied_is_in_the_context(file: Path) -> None:
    allowed = [pattern.removeprefix("!") for pattern in _patterns() if pattern.startswith("!")]
    copies = [rest.split()[:-1] for rest in values(instructions(file.read_text()), "COPY") if "--from=" not in rest]
    sources = [source.rstrip("/") for copy in copies for source in copy if not source.startswith("--")]
    assert sources
    assert [
        source
        for source in sources
        if not any(f"{path}/".startswith(f"{source}/") for path in allowed)
        and not any(f"{source}/".startswith(f"{path}/") for path in allowed)
    ] == []
