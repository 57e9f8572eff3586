#!/usr/bin/env python3
"""Records what ansible-core gives for templates: {"text": …} a line on stdin, the same with "ok" on stdout.

Run by a Python that has ansible-core, in this folder:  python3 record.py < new.jsonl >> texts.jsonl
A template that ansible-core refuses is left out and told on stderr."""
import json, os, sys
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar

init_plugin_loader([])
here = os.path.dirname(os.path.abspath(__file__))
variables = json.load(open(f"{here}/variables.json"))
variables["looked_up"] = f"{here}/looked_up"
loader = DataLoader()
loader.set_basedir(here)
for line in sys.stdin:
    case = json.loads(line)
    try:
        case["ok"] = json.loads(json.dumps(Templar(loader=loader, variables=variables).template(case["text"])))
        print(json.dumps(case, ensure_ascii=False))
    except Exception as error:
        print(f"{case['text']}: {error}", file=sys.stderr)
