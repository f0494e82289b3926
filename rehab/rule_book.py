"""All clinical rules as one text: docs/rules.md is made from it."""

from collections.abc import Iterator

from rehab import (
    adherence,
    association,
    bands,
    blocks,
    cadence_change,
    cadence_ladder,
    comfortable_weeks,
    decision,
    load,
    load_export,
    pain,
    plan,
    red_flags,
    response,
    running_form,
    session_load,
    session_ratio,
    strength,
    tolerance,
    what_if,
)
from rehab.flags import RULES as FLAGS
from rehab.rules import Limit, Rule, Source

# A chapter of the book: its title and its rules. A new module of rules is a line here.
CHAPTERS: tuple[tuple[str, tuple[Rule, ...]], ...] = (
    ("Red flags", (red_flags.RULE,)),
    ("Pain", pain.RULES),
    ("How the hip answers a run", response.RULES),
    ("Load", (session_ratio.RULE, *load.RULES, *session_load.RULES, load_export.RULE)),
    ("Cadence", (cadence_change.RULE, cadence_ladder.RULE, running_form.RULE)),
    ("What a runner's own runs can tell", (association.RULE, comfortable_weeks.RULE, tolerance.RULE, what_if.RULE)),
    ("The plan, and whether it was kept", (plan.RULE, adherence.RULE, strength.RULE)),
    ("Next week: what it starts from, and rounding", (blocks.RULE, bands.RULE)),
    ("Next week: the table, tried from the top", decision.RULES),
    ("Buckets of the caseload, the most serious first", tuple(flag.rule for flag in FLAGS)),
)
PREFACE = """# The clinical rules

Made from the rules in the code by `python -m docs.rules`; a test fails where the two differ. Change the rule, not this page.

Every rule says how strong its evidence is, *as it is used here*: A randomised trial or systematic review, B cohort study, C laboratory or cross-sectional study or a model, D expert opinion, E a choice of
this project, no evidence claimed. A source is only what was read; “read in part” means its title or a part of it. Suggestions are for a therapist, who decides.
"""


def rule_book() -> str:
    """Write all rules as Markdown, ending with a line break."""
    lines = [PREFACE.rstrip()]
    for title, rules in CHAPTERS:
        lines += ["", f"## {title}"]
        for rule in rules:
            lines += ["", *_rule(rule)]
    return "\n".join(lines) + "\n"


def rules_without_a_chapter(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Give those of the rules that stand in no chapter."""
    told = {rule.name for _, chapter in CHAPTERS for rule in chapter}
    return tuple(rule for rule in rules if rule.name not in told)


def _rule(rule: Rule) -> Iterator[str]:
    yield f"### {rule.title}"
    yield ""
    yield rule.says
    yield ""
    yield f"- **Strength**: {rule.strength.value}, {rule.strength.words}"
    if rule.limits:
        yield "- **Limits**: " + "; ".join(_limit(limit) for limit in rule.limits)
    for source in rule.sources:
        yield f"- **Source**: {_source(source)}"
    if not rule.sources:
        yield "- **Source**: none claimed"
    if rule.criticism:
        yield f"- **Against it**: {rule.criticism}"
    if rule.may_say:
        yield f"- **May say**: {rule.may_say}"
    if rule.may_not_say:
        yield f"- **May not say**: {rule.may_not_say}"
    yield f"- **In code**: `{rule.name}`"


def _limit(limit: Limit) -> str:
    unit = f" {limit.unit}" if limit.unit else ""
    return f"{limit.name} {limit.value:g}{unit} ({limit.counts})"


def _source(source: Source) -> str:
    in_part = ", read in part" if source.read_in_part else ""
    return f"{source.citation} ({source.strength.value}{in_part}). {source.finding}"
