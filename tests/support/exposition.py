"""Metrics as Prometheus would read them."""

import httpx
from prometheus_client.parser import text_string_to_metric_families


class Scrape(dict[tuple[str, frozenset[tuple[str, str]]], float]):
    """Samples by name and labels."""

    @classmethod
    def of(cls, url: str) -> "Scrape":
        """What `url` answers now."""
        answer = httpx.get(url, trust_env=False, timeout=30).raise_for_status()
        found = cls()
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                labels = {name: value for name, value in sample.labels.items() if value}
                found[sample.name, frozenset(labels.items())] = sample.value
        return found

    def value(self, name: str, **labels: str) -> float:
        """The sample of exactly these labels; an empty label is none."""
        return self[name, frozenset(labels.items())]

    @property
    def names(self) -> set[str]:
        """All names of samples."""
        return {name for name, _ in self}
