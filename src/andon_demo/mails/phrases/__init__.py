"""The phrases of customers, by language. Sentences have slots in braces, which `andon_demo.mails.customers` fills."""

from collections.abc import Mapping

from andon_demo.mails.phrases import de, en, es, fr
from andon_demo.mails.phrases.domain import Phrases

LANGUAGES: Mapping[str, Phrases] = {"en": en.PHRASES, "de": de.PHRASES, "fr": fr.PHRASES, "es": es.PHRASES}
