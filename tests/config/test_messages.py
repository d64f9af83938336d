"""Which message type goes where: the list rules of page 06 section 7.2 and the filter of 7.3."""

import pytest

from fdaemon.config.lexer import Source
from fdaemon.config.load import parse
from fdaemon.config.messages import ALL_TYPES, TYPE_NAMES, Destination, MessagesResource, types_text


def messages(body: str) -> MessagesResource:
    return parse([Source("m.conf", f"Messages {{\n Name = m\n {body}\n}}\n".encode())]).messages[0]


def types(body: str) -> frozenset[int]:
    return messages(body).destinations[0].types


SKIPPED, RESTORED, SAVED = TYPE_NAMES["skipped"], TYPE_NAMES["restored"], TYPE_NAMES["saved"]


def test_shipped_line_leaves_out_skipped_and_restored() -> None:
    resource = messages("Director = bareos-dir = all, !skipped, !restored")
    (destination,) = resource.destinations
    assert destination.kind is Destination.DIRECTOR
    assert destination.types == ALL_TYPES - {SKIPPED, RESTORED}
    assert resource.accepts(SKIPPED)
    assert resource.destinations_for(SKIPPED) == ()
    assert resource.destinations_for(TYPE_NAMES["fatal"]) == (destination,)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("stdout = error,fatal", {3, 4}),
        ("stdout = ERROR, Fatal", {3, 4}),
        ("stdout = error , fatal", {3, 4}),
        ("stdout = all, !skipped , !restored", ALL_TYPES - {SKIPPED}),
        ("stdout = !skipped, all", ALL_TYPES),
        ("stdout = !all", ALL_TYPES),
        ('stdout = "all"', ALL_TYPES),
        ("stdout = all, !all", ALL_TYPES),
        ("stdout = all,!saved;stdout = saved", ALL_TYPES),
    ],
)
def test_lists_of_types(body: str, wanted: frozenset[int]) -> None:
    assert types(body) == wanted


def test_only_removed_types_make_no_destination() -> None:
    assert messages("stdout = !saved").destinations == ()


def test_same_place_is_extended_and_another_is_added() -> None:
    resource = messages(
        "append = /a = error\n append = /b = info\n append = /a = fatal\n append = /b = !info"
    )
    assert [(d.where, d.types) for d in resource.destinations] == [
        ("/a", frozenset({3, 4})),
        ("/b", frozenset()),
    ]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("syslog = all", ""),
        ("syslog = mail = all", "mail"),
        ("syslog = all, !info # a = b = c", ""),
        ("Description = x; syslog = all", ""),
    ],
)
def test_syslog_facility_is_told_by_two_equals_signs(body: str, where: str) -> None:
    assert messages(body).destinations[-1].where == where


def test_commands_and_formats_belong_to_the_lines_below_them() -> None:
    resource = messages(
        'append = /a = all\n TimestampFormat = "%H"\n append = /b = all\n mail = r = all\n'
        ' MailCommand = "m"\n OperatorCommand = "o"\n mail = s = all\n operator = t = all\n syslog = all'
    )
    assert [(d.timestamp_format, d.command) for d in resource.destinations] == [
        ("", ""),
        ("%H", ""),
        ("%H", ""),
        ("%H", "m"),
        ("%H", "o"),
        ("", ""),
    ]


def test_types_never_added_anywhere_are_dropped_but_for_aborts() -> None:
    resource = messages("stdout = error")
    assert [number for number in sorted(ALL_TYPES) if resource.accepts(number)] == [1, 4, 11]
    assert resource.destinations_for(3) == ()


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        (ALL_TYPES, "all"),
        (ALL_TYPES - {SKIPPED, RESTORED}, "all,!skipped,!restored"),
        (frozenset({4, 3}), "fatal,error"),
        (frozenset(), ""),
        (frozenset(range(1, 9)), "abort,debug,fatal,error,warning,info,saved,notsaved"),
    ],
)
def test_text_of_types(numbers: frozenset[int], text: str) -> None:
    assert types_text(numbers) == text
