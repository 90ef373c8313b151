"""The service's own errors, as problems."""

import logging
from collections.abc import Mapping

from psycopg.errors import UndefinedTable

from tradewind_agents import database
from tradewind_contracts.problems import Problem, ProblemType, problem
from tradewind_service.problem_responses import ToProblem

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 5


class UnknownRunError(LookupError):
    """The agents service has no run with this id."""


def _unknown_run(error: Exception) -> Problem:
    return problem(ProblemType.UNKNOWN_RUN, str(error))


def _outage(error: Exception) -> Problem:
    logger.warning("Postgres is unavailable: %s", error)
    detail = "the run database is unavailable"
    return problem(ProblemType.ENGINE_UNAVAILABLE, detail, retry_after=_RETRY_SECONDS)


PROBLEMS: Mapping[type[Exception], ToProblem] = {
    UnknownRunError: _unknown_run,
    # No table: Postgres has been unavailable since the start.
    **dict.fromkeys((*database.OUTAGES, UndefinedTable), _outage),
}
"""The problem of each exception."""
