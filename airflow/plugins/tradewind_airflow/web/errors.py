"""Problem responses of the plugin's and the database's errors.

A mounted app inherits no handler of Airflow's (`airflow.api_fastapi.app.init_error_handlers` is for the root app only).
"""

import logging
from collections.abc import Mapping

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tradewind_airflow.feed.poller import TooManyWatchersError
from tradewind_airflow.runs.refusals import RefusedError
from tradewind_contracts.problems import Problem, ProblemType, problem
from tradewind_service.problem_responses import ToProblem

logger = logging.getLogger(__name__)

RETRY_AFTER = 5


def _of_the_plugin(error: Exception) -> Problem:
    match error:
        case RefusedError():
            return problem(error.kind, error.detail)
        case _:
            return problem(ProblemType.ENGINE_UNAVAILABLE, str(error), retry_after=RETRY_AFTER)


def _of_the_database(error: Exception) -> Problem:
    logger.warning("Airflow's database is unavailable: %s", type(getattr(error, "orig", error)).__name__)
    detail = "Airflow's database is unavailable; retrying with the same run id or Idempotency-Key is safe"
    return problem(ProblemType.ENGINE_UNAVAILABLE, detail, retry_after=RETRY_AFTER)


PROBLEMS: Mapping[type[Exception], ToProblem] = {
    **dict.fromkeys((RefusedError, TooManyWatchersError), _of_the_plugin),
    # Down, connection lost, or all connections in use.
    **dict.fromkeys((OperationalError, InterfaceError, PoolTimeoutError), _of_the_database),
}
"""Exception class -> its problem."""
