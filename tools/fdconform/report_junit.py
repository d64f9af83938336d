"""A report as JUnit XML, for build servers. Never decides what counts: that is the `strict` of the run."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence

from fdconform.report import Entry, Report, Section
from fdconform.verdicts import Verdict


def to_junit(report: Report, chapters: Sequence[Section], *, strict: bool) -> str:
    """XML text: a suite a chapter, a test a case; NON-STRICT is a failure only if `strict`."""
    results = {result.case: result for result in report.results}
    root = ET.Element("testsuites", name=f"fdconform {report.name}", time=f"{report.seconds:.3f}")
    for chapter in chapters:
        cases: Mapping[str, Entry] = {case.id: case for case in chapter.cases if case.id in results}
        if not cases:
            continue
        suite = ET.SubElement(root, "testsuite", name=f"{chapter.number} {chapter.title}")
        failures = skipped = 0
        for number, case in cases.items():
            result = results[number]
            test = ET.SubElement(
                suite,
                "testcase",
                classname=f"fdconform.{chapter.number}",
                name=f"{number} {case.title}",
                time=f"{result.seconds:.3f}",
            )
            is_bad = result.verdict is Verdict.FAIL or (strict and result.verdict is Verdict.NON_STRICT)
            if is_bad:
                failures += 1
                failure = ET.SubElement(
                    test, "failure", type=result.verdict.value, message=_legal(result.text)
                )
                failure.text = _legal(f"{case.rule}\n{case.source}\n{result.text}")
            elif result.verdict is Verdict.SKIPPED:
                skipped += 1
                ET.SubElement(test, "skipped", message=_legal(result.text))
            elif result.findings:
                ET.SubElement(test, "system-out").text = _legal(f"{result.verdict.value}: {result.text}")
        suite.set("tests", str(len(cases)))
        suite.set("failures", str(failures))
        suite.set("errors", "0")
        suite.set("skipped", str(skipped))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _legal(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(
        c if c in "\t\n\r" or 0x20 <= ord(c) < 0xD800 or 0xE000 <= ord(c) < 0xFFFE else "\ufffd" for c in text
    )
