from tradewind_airflow.feed.cursors import CommitPoint
from tradewind_airflow.feed.sent_events import SentEvents, digest


def test_an_event_is_sent_once_to_a_reader_whose_cursor_is_after_it() -> None:
    sent = SentEvents()
    assert not sent.was_sent_before("e", CommitPoint("pg", 10))
    sent.add("e", CommitPoint("pg", 8))
    sent.add("e", CommitPoint("pg", 20))
    assert sent.was_sent_before("e", CommitPoint("pg", 8))
    assert sent.was_sent_before("e", CommitPoint("pg", 10))
    assert not sent.was_sent_before("e", CommitPoint("pg", 7))
    assert not sent.was_sent_before("e", CommitPoint("other", 10))


def test_the_difference_to_a_known_set_of_paused_dags_is_returned() -> None:
    sent = SentEvents()
    assert sent.toggled("", frozenset("ab")) is None
    assert sent.toggled(digest("ab"), frozenset("bc")) == frozenset("ac")
    assert sent.toggled(digest("ab"), frozenset("ab")) == frozenset()
    assert sent.toggled(digest("x"), frozenset("ab")) is None
