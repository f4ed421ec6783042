"""Whether validate.py sees what is missing: leaves out every record of every golden file once, and changes every answer.
Called by validate.sh.

    validate_self_test.py FOLDER
"""

import collections
import json
import pathlib
import tempfile

from validate import FOLDER, HOSTS, READERS, compare, must, report_of

# What is spoilt of each form: all lines but those that begin so, or these places of a JSON document.
NOTIFICATIONS = "runs/*/invocations/*/toolExecutionNotifications/*"
RESULT = "assessment-results/results/*"
SPOILS = {
    "json": ["coverage/sources/*/gaps/*", "findings/*", "verdict", "claim/text", "inventory/*", "coverage/sources/*"],
    "jsonl": None,
    "csv": "record,",
    "items.csv": "record,",
    "md": ("## ", "|---", "- maker", "- rule", "- law", "- to do"),
    "sarif": ["runs/*", "runs/*/invocations/*", "runs/*/tool/driver/rules/*"]
    + ["runs/*/invocations/*/" + end for end in ("executionSuccessful", "exitCode")]
    + [NOTIFICATIONS + end for end in ("", "/level", "/properties/weight", "/locations/*")]
    + ["runs/*/results/*" + end for end in ("", "/ruleId", "/properties/decides", "/locations/*", "/ruleIndex")]
    + ["runs/*/properties/" + end for end in ("verdict", "claim/text", "policies/*", "sources/*", "sources/*/status")],
    "cdx.json": ["components/*", "compositions/*", "compositions/*/aggregate", "metadata/properties/*"],
    "ocsf.jsonl": ["*", "*/compliance/status_id", "*/message"]
    + ["*/unmapped/" + end for end in ("gaps/*", "gaps/*/weight", "sources/*", "evidence/*", "verdict")],
    "oscal.json": [RESULT + "/observations/*" + end for end in ("", "/props/*/value", "/relevant-evidence/*")]
    + [RESULT + "/findings/*" + end for end in ("", "/related-observations/*", "/target/status/state")]
    + [RESULT + end for end in ("/props/0/value", "/description")],
    "prom": "#",
}
# Told in words beside the answer itself, and compared by `cargo test --test formats`.
ASIDE = {"interdict:as-of", "interdict:ruleset", "class", "confidence", "severity"}


def places(document, path):
    """Every (holder, key) that a path of names and `*` leads to."""
    head, _, rest = path.partition("/")
    keys = range(len(document)) if isinstance(document, list) else document.keys()
    for key in keys if head == "*" else [int(head)] if isinstance(document, list) else [head] if head in document else []:
        if rest:
            yield from places(document[key], rest)
        else:
            yield document, key


def spoilt(end, text, what):
    """Every spoilt copy of a file, and what was done to it."""
    if not isinstance(what, list):
        lines = text.splitlines(keepends=True)
        for at, line in enumerate(lines):
            if line.strip() and not (what and line.startswith(what)):
                yield f"without line {at + 1}: {line[:60]!r}", "".join(lines[:at] + lines[at + 1 :])
        return
    by_line = end == "ocsf.jsonl"
    load = lambda: [json.loads(line) for line in text.splitlines()] if by_line else json.loads(text)
    dump = lambda document: "".join(json.dumps(one) + "\n" for one in document) if by_line else json.dumps(document)
    for path in what:
        for at in range(len(list(places(load(), path)))):
            document = load()
            holder, key = list(places(document, path))[at]
            if isinstance(holder, list):
                if isinstance(holder[key], dict) and holder[key].get("name") in ASIDE:
                    continue
                del holder[key]
            elif holder.get("name") in ASIDE:
                continue
            elif isinstance(holder[key], bool):
                holder[key] = not holder[key]
            elif isinstance(holder[key], int):
                holder[key] += 1
            else:
                swap = {"complete": "incomplete", "incomplete": "complete", "satisfied": "not-satisfied", "not-satisfied": "satisfied"}
                holder[key] = swap.get(holder[key], "none")
            yield f"{path} ({at})", dump(document)


def self_test():
    missed, tried = [], collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        for host in HOSTS:
            for end, read in READERS.items():
                text = (FOLDER / f"{host}.{end}").open(newline="").read()
                path = pathlib.Path(folder) / f"{host}.{end}"
                path.write_text(text, newline="")
                compare(path.name, read(path, report_of(host), False), report_of(host))
                for said, copy in spoilt(end, text, SPOILS[end]):
                    tried[end] += 1
                    path.write_text(copy, newline="")
                    try:
                        compare(path.name, read(path, report_of(host), False), report_of(host))
                    except Exception:
                        continue
                    missed.append(f"{path.name}: {said}")
    must(not missed, "not seen:\n" + "\n".join(missed))
    must(all(tried[end] >= 10 for end in READERS), tried)
    print(f"self-test: {tried.total()} spoilt files, each seen ({', '.join(f'{end} {n}' for end, n in tried.items())})")


self_test()
