"""Calls functions in the SDK's own interpreter for tests: one process for many, as a start takes seconds.

Run by that interpreter. Each line of its input is a call, each `answer ` of its output what came of it.
"""

import importlib
import json
import logging
import os
import sys

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever the SDK prints is log, not answer
logging.basicConfig(stream=sys.stderr, level=logging.INFO)
for line in sys.stdin:
    call = json.loads(line)
    os.environ.update(call["environment"])
    module = importlib.import_module(call["module"])
    try:
        result = {"result": getattr(module, call["function"])(**call["arguments"])}
    except Exception as error:  # an error that the step did not name
        result = {"raised": repr(error)}
    answers.write(f"answer {json.dumps(result)}\n")
    answers.flush()
