"""docs/rules.md is the rules of the code: each rule of rehab/ stands in it, as it is."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import rehab
from rehab.flags.base import FlagRule
from rehab.rule_book import CHAPTERS, rule_book, rules_without_a_chapter
from rehab.rules import Rule, Strength

PAGE = Path(__file__).parent.parent / "docs" / "rules.md"
TOLD = [rule for _, rules in CHAPTERS for rule in rules]
each_rule = pytest.mark.parametrize("rule", TOLD, ids=lambda rule: rule.name)


def rules_of_the_code() -> Iterator[Rule]:
    """Give every rule that is a constant of a module of rehab/, alone or in a tuple."""
    for module in pkgutil.walk_packages(rehab.__path__, "rehab."):
        for value in vars(importlib.import_module(module.name)).values():
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, Rule):
                    yield item
                elif isinstance(item, FlagRule):
                    yield item.rule


def test_the_page_is_what_the_rules_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == rule_book(), "run: python -m docs.rules"


def test_no_rule_of_the_code_is_left_out() -> None:
    assert [rule.name for rule in rules_without_a_chapter(tuple(rules_of_the_code()))] == []


def test_rules_are_named_apart() -> None:
    by_name = {rule.name: rule for rule in TOLD}
    assert all(by_name[rule.name] is rule for rule in TOLD)
    assert len({rule.title for rule in by_name.values()}) == len(by_name)


@each_rule
def test_a_rule_says_what_it_does_and_where_it_comes_from(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", rule.name)
    assert rule.says.strip().endswith(".")
    assert rule.sources or rule.strength >= Strength.CONSENSUS
    assert all(source.citation and source.finding.endswith(".") for source in rule.sources)
    assert all(limit.counts for limit in rule.limits)


@each_rule
def test_a_rule_that_claims_evidence_says_what_it_may_not_claim(rule: Rule) -> None:
    if rule.sources:
        assert rule.may_not_say
        assert rule.criticism


def test_a_rule_that_stands_in_no_chapter_is_noticed() -> None:
    stray = Rule("stray", "Stray", "Nobody told it.", Strength.CLINIC)
    assert rules_without_a_chapter((TOLD[0], stray)) == (stray,)


def test_no_rule_speaks_of_a_prediction() -> None:
    texts = [text for rule in TOLD for text in (rule.says, rule.may_say, *(source.finding for source in rule.sources))]
    assert not [text for text in texts if re.search(r"predict|safe limit|safe zone|damage|causes", text, re.I)]
