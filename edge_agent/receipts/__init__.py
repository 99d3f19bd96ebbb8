"""Text receipts to orders: templates as data, words per language, and arithmetic that decides between readings."""

from edge_agent.receipts.body import body_key
from edge_agent.receipts.compiled import Template, compile, shipped  # noqa: A004 - the field's word, as in re.compile
from edge_agent.receipts.reader import read
from edge_agent.receipts.reading import Reading
from edge_agent.receipts.samples import check_samples
from edge_agent.receipts.template import TemplateSettings

__all__ = ["Reading", "Template", "TemplateSettings", "body_key", "check_samples", "compile", "read", "shipped"]
