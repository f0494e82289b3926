"""Write docs/rules.md from the rules of rehab/: `python -m docs.rules`."""

from pathlib import Path

from rehab.rule_book import rule_book

PAGE = Path(__file__).parent / "rules.md"

if __name__ == "__main__":
    PAGE.write_text(rule_book(), encoding="utf-8")
