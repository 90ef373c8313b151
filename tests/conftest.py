"""For every test: hypothesis judges results, never the clock of a busy machine."""

from hypothesis import HealthCheck, settings

settings.register_profile("tradewind", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tradewind")
