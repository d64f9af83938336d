"""The cases themselves: each is numbered, explained, and made for a configuration that exists."""

import re
from pathlib import Path

from fdconform.chapters import CHAPTERS, all_cases
from fdconform.profiles import PROFILES, configuration
from tests.fdconform.defects import DEFECTS

_ID = re.compile(r"\d+\.\d+\.\d+")
_SOURCE = re.compile(r"0[1-7] (§|Appendix )|core/src/|statecharts")


def test_every_case_says_what_is_right_and_where_it_stands() -> None:
    for case in all_cases():
        assert _ID.fullmatch(case.id), case.id
        assert case.title, case.id
        assert case.rule.endswith("."), case.id
        assert _SOURCE.search(case.source), (case.id, case.source)
        assert case.play, case.id
        assert case.profile in PROFILES, case.id


def test_chapters_are_in_order_and_not_empty() -> None:
    numbers = [chapter.number for chapter in CHAPTERS]
    assert numbers == sorted(set(numbers))
    assert all(chapter.cases for chapter in CHAPTERS)


def test_no_two_cases_have_the_same_rule_and_dialogue() -> None:
    seen: dict[object, str] = {}
    for case in all_cases():
        key = (case.rule, repr(case.play), case.profile)
        assert key not in seen, (case.id, seen[key])
        seen[key] = case.id


def test_every_profile_has_a_configuration() -> None:
    for profile in PROFILES.values():
        text = configuration(profile, Path("/srv/x"), 9102)
        assert "{" + "folder}" not in text
        assert text.count("Director {") == len(profile.directors)


def test_the_published_matrix_is_of_these_cases() -> None:
    page = (Path(__file__).parents[2] / "docs/conformance-matrix.md").read_text()
    found = re.search(r"\| \*\*all\*\* \| \*\*(\d+)\*\* \|", page)
    assert found is not None
    assert int(found[1]) == sum(not case.hostile for case in all_cases())


def test_the_published_sensitivity_is_of_these_defects() -> None:
    page = (Path(__file__).parents[2] / "docs/conformance-matrix.md").read_text()
    for defect in DEFECTS:
        assert f"| {defect.what} | " in page, defect.name
