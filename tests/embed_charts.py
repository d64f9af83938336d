"""Puts the charts' pictures behind their marks in docs/: `python -m tests.embed_charts`. Changes nothing else."""

from tests.test_docs import DRAWN, EMBEDDED, PAGES


def main() -> None:
    """Rewrite the pages whose pictures are missing or stale."""
    for page in PAGES:
        text = page.read_text()
        current = EMBEDDED.sub(
            lambda mark: f"<!-- chart: {mark[1]} -->\n```mermaid\n{DRAWN[mark[1]]}\n```", text
        )
        if current != text:
            page.write_text(current)


if __name__ == "__main__":
    main()
