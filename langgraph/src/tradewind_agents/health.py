"""`python -m tradewind_agents.health`: exit code 0 when the service on this machine is ready, 1 when not."""

import sys

from tradewind_service import readyz

if __name__ == "__main__":
    sys.exit(readyz.check("LANGGRAPH", 8001))
