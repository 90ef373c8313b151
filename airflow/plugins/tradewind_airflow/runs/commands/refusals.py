"""Why a command was not carried out."""

from tradewind_contracts.problems import ProblemType


class RefusedError(Exception):
    """Nothing was changed; `detail` says how the run is, and what to do."""

    def __init__(self, kind: ProblemType, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
