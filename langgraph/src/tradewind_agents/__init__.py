"""Tradewind's agents service: durable LangGraph runs from Kafka."""

import os

# LangGraph reads this at import. Without it, write access to the checkpoints allows code execution (CVE-2026-28277).
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
