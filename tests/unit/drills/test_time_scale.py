"""Rules in a quicker time say the same of a world that is as much quicker."""

import yaml  # type: ignore[import-untyped]  # published without types

import time_scale
from support import alert_cases, promql
from tradewind_local.monitoring import receivers

PROMETHEUS = alert_cases.ROOT / "monitoring" / "prometheus" / "prometheus.yml"


def test_durations_are_divided_and_names_are_not() -> None:
    found = time_scale.expression('a:b:increase15m and rate(c{d="5m ago"}[1h30m] offset 15m) > 15m', 15)
    assert found == 'a:b:increase15m and rate(c{d="20000ms ago"}[360000ms] offset 60000ms) > 60000ms'


def test_no_duration_becomes_nothing() -> None:
    assert time_scale.quicker("1s", 1e6) == "1ms"


def test_every_rule_is_the_same_but_for_its_times() -> None:
    for path in alert_cases.rule_files():
        before, after = (yaml.safe_load(text) for text in (path.read_text(), time_scale.rules(path.read_text(), 15)))
        for old, new in zip(before["groups"], after["groups"], strict=True):
            for rule, quick in zip(old["rules"], new["rules"], strict=True):
                assert set(rule) == set(quick)
                assert rule.get("labels") == quick.get("labels")
                before_uses, after_uses = promql.uses(rule["expr"]), promql.uses(quick["expr"])
                assert [use.metric for use in before_uses] == [use.metric for use in after_uses]
                for use, quick_use in zip(before_uses, after_uses, strict=True):
                    if use.range:
                        assert quick_use.range == use.range / 15


def test_intervals_are_divided() -> None:
    plan = yaml.safe_load(time_scale.prometheus(PROMETHEUS.read_text(), 15, alert_cases.RULES))
    assert plan["global"]["scrape_interval"] == plan["global"]["scrape_timeout"] == "1000ms"
    assert plan["rule_files"] == [f"{alert_cases.RULES}/*.yml"]
    route = yaml.safe_load(time_scale.alertmanager(receivers.SOURCE.read_text(), 15))["route"]
    assert (route["group_wait"], route["routes"][0]["repeat_interval"]) == ("2000ms", "4000ms")
