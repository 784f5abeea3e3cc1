"""docs/diagnostics_rules.md says what the rules are."""

from diagnostics import rules_document
from diagnostics.rules.catalogue import RULES


def test_the_document_is_that_of_the_rules() -> None:
    told = rules_document.DOCUMENT.read_text(encoding="utf-8")
    assert told == rules_document.document(), "run: python -m diagnostics.rules_document"


def test_every_rule_has_its_words_and_defaults() -> None:
    text = rules_document.document()
    assert "### VanishingGradient\n\nFires where the mean of the absolute values of a gradient is below" in text
    assert "Parameters: `threshold=1e-07`." in text
    assert all(f"### {name}\n\n" in text for name in RULES)
    assert "MISSING" not in text
