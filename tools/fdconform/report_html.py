"""Reports side by side as one HTML page that needs nothing else. Never judges."""

from collections.abc import Sequence
from html import escape
from typing import Final

from fdconform.report import HEADINGS, Comparison, Entry, Report
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
  const plain = [...said].every(each => each === 'ok' || each === 'info');
  row.hidden = only.value === 'differ' ? said.size === 1 : only.value === 'bad' ? plain : false; } }
only.addEventListener('change', sift);
"""


def to_html(comparisons: Sequence[Comparison]) -> str:
    """The matrix, a section for each kind of daemon: a row a case, a column a report; each row opens to the rule, its
    source and what was seen."""
    sections = "".join(_section(comparison) for comparison in comparisons)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>fdconform</title>'
        f"<style>{_STYLE}</style></head><body><h1>Conformance</h1>{_contents(comparisons)}"
        '<p><label>Show <select id="only"><option value="all">all cases</option>'
        '<option value="differ">where the daemons differ</option>'
        '<option value="bad">where one is not OK</option></select></label></p>'
        f"{sections}<script>{_SCRIPT}</script></body></html>\n"
    )


def _contents(comparisons: Sequence[Comparison]) -> str:
    """The way to the sections, where there is more than one: the first may be long."""
    if len(comparisons) < 2:
        return ""
    entries = (
        f'<li><a href="#{_anchor(comparison)}">{HEADINGS[comparison.tested]}</a></li>'
        for comparison in comparisons
    )
    return f"<nav><ul>{''.join(entries)}</ul></nav>"


def _anchor(comparison: Comparison) -> str:
    return comparison.tested.name.lower().replace("_", "-")


def _section(comparison: Comparison) -> str:
    reports, tables = comparison.reports, comparison.tables()
    heads = "".join(
        f"<th>{escape(report.name)}<br><small>{escape(report.version)}</small></th>" for report in reports
    )
    body: list[str] = []
    for chapter, cases in comparison.played():
        body.append(
            f'<tr><th colspan="{len(reports) + 1}" scope="rowgroup">'
            f"{chapter.number}. {escape(chapter.title)}</th></tr>"
        )
        body += [_row(case, tables, reports) for case in cases]
    return (
        f'<section id="{_anchor(comparison)}"><h2>{HEADINGS[comparison.tested]}</h2>{_summary(reports)}'
        f"<table><thead><tr><th>Case</th>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table></section>"
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


def _row(case: Entry, tables: Sequence[dict[str, Result]], reports: Sequence[Report]) -> str:
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
