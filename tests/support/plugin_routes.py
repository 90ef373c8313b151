"""Every route of the plugin's app, as the app itself says, and tokens that must open none of them."""

import base64
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import jwt

from support.airflow_server import AirflowServer

_WALK = """
import json
from tradewind_airflow.web.app import create_app
routes = [[sorted(getattr(route, "methods", None) or ["GET"]), route.path, hasattr(route, "methods")]
          for route in create_app().routes]
print("ROUTES " + json.dumps(routes))
"""


@dataclass(frozen=True)
class Route:
    """A method and a path, with something in the place of each parameter."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def changes(self) -> bool:
        """Whether it may change something."""
        return self.method not in {"GET", "HEAD", "OPTIONS"}


def routes(server: AirflowServer) -> list[Route]:
    """Return what the app answers. A mounted app (static files) is asked for a file of it."""
    environment = {**server.env, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", _WALK], env=environment, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("ROUTES "))
    return [
        Route(method, re.sub(r"\{[^}]*\}", "some-run", path) + ("" if is_route else "/some-file.js"))
        for methods, path, is_route in json.loads(line.removeprefix("ROUTES "))
        for method in methods
    ]


def bad_credentials(server: AirflowServer) -> dict[str, dict[str, str]]:
    """Return headers of callers that are nobody: what is wrong -> the headers."""
    good, secret = server.token("admin"), server.env["AIRFLOW__API_AUTH__JWT_SECRET"]
    claims, now = jwt.decode(good, options={"verify_signature": False}), int(time.time())
    algorithm = str(jwt.get_unverified_header(good)["alg"])

    def signed(key: str = secret, **changes: Any) -> str:
        return jwt.encode(claims | changes, key, algorithm)

    tokens = {
        "garbage": "garbage",
        "cut off": good[:-4],
        "of another secret": signed(key="x" * len(secret)),
        "expired": signed(iat=now - 7200, nbf=now - 7200, exp=now - 3600),
        "not valid yet": signed(iat=now + 3600, nbf=now + 3600, exp=now + 7200),
        "for another audience": signed(aud="somebody-else"),
        "without a signature": jwt.encode(claims, "", "none"),
    }
    basic = base64.b64encode(f"admin:{server.passwords['admin']}".encode()).decode()
    return {
        "none": {},
        "a password": {"authorization": f"Basic {basic}"},
        **{f"a token, {name}": {"authorization": f"Bearer {token}"} for name, token in tokens.items()},
        **{f"a cookie, {name}": {"cookie": f"_token={token}"} for name, token in tokens.items()},
    }
