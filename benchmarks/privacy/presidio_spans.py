"""What plain presidio finds: JSON strings (one text a line) on stdin, JSON lists of [start, end, type] on stdout.

Runs in an environment of its own, in which nothing of Tinsmith stands: `pip install presidio-analyzer==2.2.366`.
"""

import json
import sys

from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NoOpNlpEngine

registry = RecognizerRegistry()
registry.load_predefined_recognizers()
registry.remove_recognizer("SpacyRecognizer")
nothing = NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "none"}])
nothing.load()
engine = AnalyzerEngine(registry=registry, nlp_engine=nothing, supported_languages=["en"])
for line in sys.stdin:
    found = engine.analyze(json.loads(line), language="en")
    print(json.dumps([[one.start, one.end, one.entity_type] for one in found]))
