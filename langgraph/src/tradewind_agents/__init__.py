"""Tradewind's agents service: durable LangGraph runs from Kafka."""

import os

# LangGraph reads this once, at its import. Without it, who can write to the checkpoints runs any code (CVE-2026-28277).
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
