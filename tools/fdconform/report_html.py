"""Several reports side by side: one HTML page that needs nothing else, and a table in Markdown. Never judges."""

from collections.abc import Sequence
from html import escape
from typing import Final

from fdconform.case import Case, Chapter
from fdconform.report import Report
from fdconform.verdicts import Result, Verdict

_CLASS: Final = {
    Verdict.OK: "ok",
    Verdict.INFORMATIONAL: "info",
    Verdict.NON_STRICT: "lax",
    Verdict.FAIL: "fail",
    Verdict.SKIPPED: "skip",
}
_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --ok: #2e8b57; --info: #3a7bbf; --lax: #b8860b; --fail: #c0392b;
  --skip: #888; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; } th, td { padding: .25rem .5rem; border-bottom: 1px solid var(--line);
  text-align: left; vertical-align: top; } thead th { position: sticky; top: 0; background: Canvas; }
td.v { white-space: nowrap; font-weight: 600; } .ok { color: var(--ok); } .info { color: var(--info); }
.lax { color: var(--lax); } .fail { color: var(--fail); } .skip { color: var(--skip); }
summary { cursor: pointer; } details p { margin: .25rem 0 .25rem 1rem; } .id { font-variant-numeric: tabular-nums; }
.source, small { color: GrayText; } code { overflow-wrap: anywhere; white-space: pre-wrap; }
"""
_SCRIPT: Final = """
const only = document.getElementById('only');
function sift() { for (const row of document.querySelectorAll('tr[data-said]')) {
  const said = new Set(row.dataset.said.split(' '));
  const plain = said.size === 1 && (said.has('ok') || said.has('info'));
  row.hidden = only.value === 'differ' ? said.size === 1 : only.value === 'bad' ? plain : false; } }
only.addEventListener('change', sift);
"""


def to_html(reports: Sequence[Report], chapters: Sequence[Chapter]) -> str:
    """The matrix: a row a case, a column a report; each row opens to the rule, its source and what was seen."""
    tables = [{result.case: result for result in report.results} for report in reports]
    heads = "".join(
        f"<th>{escape(report.name)}<br><small>{escape(report.version)}</small></th>" for report in reports
    )
    body: list[str] = []
    for chapter in chapters:
        rows = [
            _row(case, tables, reports) for case in chapter.cases if any(case.id in table for table in tables)
        ]
        if rows:
            span = len(reports) + 1
            body.append(
                f'<tr><th colspan="{span}" scope="rowgroup">{chapter.number}. {escape(chapter.title)}</th></tr>'
            )
            body += rows
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>fdconform</title>'
        f"<style>{_STYLE}</style></head><body><h1>File daemon conformance</h1>{_summary(reports)}"
        '<p><label>Show <select id="only"><option value="all">all cases</option>'
        '<option value="differ">where the daemons differ</option>'
        '<option value="bad">where one is not OK</option></select></label></p>'
        f"<table><thead><tr><th>Case</th>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table>"
        f"<script>{_SCRIPT}</script></body></html>\n"
    )


def _summary(reports: Sequence[Report]) -> str:
    rows = []
    for report in reports:
        counts = report.counts()
        cells = "".join(f'<td class="{_CLASS[verdict]}">{counts[verdict]}</td>' for verdict in Verdict)
        rows.append(
            f"<tr><th>{escape(report.name)}</th><td>{escape(report.when)}</td>"
            f"<td>{report.seconds:.0f} s</td>{cells}</tr>"
        )
    heads = "".join(f"<th>{verdict.value}</th>" for verdict in Verdict)
    return f"<table><tr><th>Daemon</th><th>When</th><th>Time</th>{heads}</tr>{''.join(rows)}</table>"


def _row(case: Case, tables: Sequence[dict[str, Result]], reports: Sequence[Report]) -> str:
    cells, said, seen = [], [], []
    for table, report in zip(tables, reports, strict=True):
        result = table.get(case.id)
        kind = "skip" if result is None else _CLASS[result.verdict]
        said.append(kind)
        cells.append(f'<td class="v {kind}">{"not run" if result is None else result.verdict.value}</td>')
        if result is not None and result.findings:
            seen.append(f"<p><b>{escape(report.name)}</b>: <code>{escape(result.text)}</code></p>")
    return (
        f'<tr data-said="{" ".join(said)}"><td><details><summary><span class="id">{case.id}</span> '
        f'{escape(case.title)}</summary><p>{escape(case.rule)} <span class="source">[{escape(case.source)}]</span></p>'
        f"{''.join(seen)}</details></td>{''.join(cells)}</tr>"
    )


def to_markdown(reports: Sequence[Report], chapters: Sequence[Chapter]) -> str:
    """The counts of each chapter, and every case that is FAIL or NON-STRICT somewhere, with what was seen."""
    tables = [{result.case: result for result in report.results} for report in reports]
    lines = [
        "| chapter | cases | " + " | ".join(report.name for report in reports) + " |",
        "|---|--:|" + "---|" * len(reports),
    ]
    for chapter in chapters:
        ids = [case.id for case in chapter.cases if any(case.id in table for table in tables)]
        if ids:
            cells = [_counted([table[number] for number in ids if number in table]) for table in tables]
            lines.append(f"| {chapter.number}. {chapter.title} | {len(ids)} | " + " | ".join(cells) + " |")
    everything = [_counted(list(table.values())) for table in tables]
    number = len({number for table in tables for number in table})
    lines += [f"| **all** | **{number}** | " + " | ".join(f"**{cell}**" for cell in everything) + " |", ""]
    bad = (Verdict.FAIL, Verdict.NON_STRICT)
    for chapter in chapters:
        for case in chapter.cases:
            seen = [table[case.id] for table in tables if case.id in table]
            if not any(result.verdict in bad for result in seen):
                continue
            lines += [f"**{case.id} {case.title}.** {case.rule} ({case.source})", ""]
            for table, report in zip(tables, reports, strict=True):
                if (result := table.get(case.id)) is not None:
                    said = f": `{_inline(result.text)}`" if result.findings and result.verdict in bad else ""
                    lines.append(f"- {report.name}: {result.verdict.value}{said}")
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _counted(results: Sequence[Result]) -> str:
    counts = {verdict: sum(result.verdict is verdict for result in results) for verdict in Verdict}
    return ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)


def _inline(text: str) -> str:
    return text.replace("`", "'").replace("\n", " ")
