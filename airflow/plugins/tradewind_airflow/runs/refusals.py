"""Why a request about a run is refused."""

from tradewind_contracts.problems import ProblemType


class RefusedError(Exception):
    """Nothing was changed; `detail` says why, and what the caller can do."""

    def __init__(self, kind: ProblemType, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
