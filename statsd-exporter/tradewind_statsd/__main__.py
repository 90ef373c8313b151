"""`make statsd-mapping`: write the files of `statsd-exporter/`."""

from tradewind_statsd.mapping import write

write()
