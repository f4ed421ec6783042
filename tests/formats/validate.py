"""Reads the golden files back with readers of their ecosystems, and compares what each tells with what the report says:
verdict, claim, judgements, findings, sources, gaps, items. Called by validate.sh, which says where the tools are.

    validate.py FOLDER
"""

import collections
import csv
import html.parser
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse

import cmarkgfm
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from prometheus_client.parser import text_string_to_metric_families
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from trestle.oscal.assessment_results import AssessmentResults

FOLDER = pathlib.Path(sys.argv[1])
DOCS = FOLDER / "../../docs"
HOSTS = ["non-compliant", "inconclusive", "compliant"]
OCSF = "1.8.0"
CLASSES = {2003: "compliance_finding", 5020: "software_info"}
STATUSES = ["complete", "partial", "failed", "unavailable", "not-applicable"]
VERDICTS = ["compliant", "inconclusive", "non-compliant"]
YES = {"yes": True, "no": False}
LEVELS = {"blocking": "error", "accepted": "warning", "not-needed": "warning", "minor": "note"}


def must(holds, *what):
    """An `assert` that stays under `python -O`."""
    if not holds:
        raise ValueError(*what)


# What the report says.


def gaps(report):
    """What could not be seen, by the words of docs/formats.md: limits of the question, sources that ended badly, gaps."""
    judged = [one for policy in report["policies"] for one in policy["prohibitions"]]
    limits = dict.fromkeys(u["reason"] for one in judged for u in one["unseen"] if u["source"] is None)
    waiting = {u["source"] for one in judged for u in one["unseen"]}

    def gap(source, reason, blocking, count, places):
        same = lambda known: known is None or [known[k] for k in ("reason", "count", "places")] == [reason, count, places]
        accepted = [a for one in judged for a in one["accepted"] if a["source"] == source["source"] and same(a["gap"])]
        unavailable = source["status"] == "unavailable"
        if not blocking and not unavailable:
            weight = "minor"
        elif accepted:
            weight = "accepted"
        elif source["source"] in waiting:
            weight = "blocking"
        else:
            weight = "not-needed" if blocking else "minor"
        return dict(source=source["source"], reason=reason, weight=weight, count=count, places="; ".join(places))

    told = [dict(source=None, reason="question", weight="blocking", count=1, places="") for _ in limits]
    for source in report["coverage"]["sources"]:
        if source["status"] in ("failed", "unavailable"):
            told.append(gap(source, source["status"], source["status"] == "failed", 1, []))
        told += [gap(source, g["reason"], g["blocking"], g["count"], g["places"]) for g in source["gaps"]]
    return told


def of(report):
    """What every reader must find."""
    findings = report["findings"]
    return dict(
        verdict=report["verdict"],
        claim=report["claim"]["text"],
        policies={p["policy"]: p["verdict"] for p in report["policies"]},
        judged={j["prohibition"]: j["verdict"] for p in report["policies"] for j in p["prohibitions"]},
        findings=[dict(prohibition=f["prohibition"], product=f["product"], decides=f["decides"]) for f in findings],
        evidence={(f["prohibition"], f["product"]): len(f["evidence"]) for f in findings},
        sources={s["source"]: s["status"] for s in report["coverage"]["sources"]},
        gaps=gaps(report),
        items=sorted(item["id"] for item in report["inventory"]),
        counted=report["items"],
    )


def counted(records, keys):
    """How often each record is there; a format that only counts has their sum."""
    count = collections.Counter()
    for record in records:
        count[tuple(record[key] for key in keys)] += 1
    return count


def compare(name, told, report):
    """Whether a reader found what the report says. What a form has no place for, its reader leaves out; but never these."""
    must({"verdict", "claim", "gaps"} <= told.keys(), name, "does not tell", told.keys())
    said = of(report)
    for key, value in told.items():
        if key in ("findings", "gaps"):
            keys = sorted(value[0]) if value else sorted(said[key][0]) if said[key] else []
            must(counted(value, keys) == counted(said[key], keys), name, key, value, said[key])
        else:
            must(value == said[key], name, key, value, said[key])


# What each form tells.


def as_json(path, report, whole):
    document = json.loads(path.read_text())
    if whole:
        schema = json.loads((DOCS / "report.schema.json").read_text())
        faults = [f"{list(f.path)}: {f.message}" for f in Draft202012Validator(schema).iter_errors(document)]
        must(not faults, faults)
    return of(document)


def jsonl(path, report, whole):
    lines = collections.defaultdict(list)
    for line in path.read_text().splitlines():
        event = json.loads(line)
        must(event["host"] and event["machine_id"] and event["scanned_at"], event)
        lines[event["type"]].append(event)
    (verdict,) = lines["verdict"]
    must(verdict["blocking_gaps"] == sum(g["weight"] == "blocking" for g in lines["gap"]), "blocking gaps")
    must(verdict["deciding"] == sum(f["decides"] for f in lines["finding"]), "deciding findings")
    return dict(
        verdict=verdict["verdict"],
        claim=verdict["claim"]["text"],
        policies={p["policy"]: p["verdict"] for p in lines["policy"]},
        judged={j["prohibition"]: j["verdict"] for p in lines["policy"] for j in p["prohibitions"]},
        findings=[{k: f[k] for k in ("prohibition", "product", "decides")} for f in lines["finding"]],
        evidence={(f["prohibition"], f["product"]): len(f["evidence"]) for f in lines["finding"]},
        sources={s["source"]: s["status"] for s in lines["source"]},
        gaps=[{k: g[k] for k in ("source", "reason", "weight", "count")} | {"places": "; ".join(g["places"])} for g in lines["gap"]],
        items=sorted(item["id"] for item in lines["item"]),
        counted=verdict["items"],
    )


def rows(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    must(all(None not in row and None not in row.values() for row in rows), "rows of other lengths than the header")
    records = collections.defaultdict(list)
    for row in rows:
        records[row["record"]].append(row)
    gap = lambda r: dict(source=r["source"] or None, reason=r["reason"], weight=r["weight"], count=int(r["count"]), places=r["place"])
    (verdict,) = records["verdict"]
    return records, dict(verdict=verdict["verdict"], claim=verdict["text"], gaps=[gap(r) for r in records["gap"]])


def table(path, report, whole):
    records, told = rows(path)
    found = records["finding"]
    return told | dict(
        judged={r["prohibition"]: r["verdict"] for r in records["prohibition"]},
        findings=[dict(prohibition=r["prohibition"], product=r["product"], decides=YES[r["decides"]]) for r in found],
        evidence=dict(collections.Counter((r["prohibition"], r["product"]) for r in records["evidence"])),
        sources={r["source"]: r["state"] for r in records["source"]},
    )


def items_table(path, report, whole):
    records, told = rows(path)
    return told | dict(items=sorted({r["id"] for r in records["item"]}))


class Page(html.parser.HTMLParser):
    """Headings, paragraphs, list entries and table rows of a page, as text."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.blocks, self.open = [], [], None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        if tag in ("h1", "h2", "h3", "p", "li", "td", "th"):
            self.open = (tag, [])

    def handle_data(self, text):
        if self.open:
            self.open[1].append(text)

    def handle_endtag(self, tag):
        if self.open and tag == self.open[0]:
            text = "".join(self.open[1])
            if tag in ("td", "th"):
                self.rows[-1].append(text)
            else:
                self.blocks.append((tag, text))
            self.open = None


def markdown(path, report, whole):
    page = Page(cmarkgfm.github_flavored_markdown_to_html(path.read_text()))
    heads = [text for tag, text in page.blocks if tag == "h1"]
    must(len(heads) == 1, heads)
    parts = re.split(r"^## ", path.read_text(), flags=re.M)
    bullets = [text for tag, text in page.blocks if tag == "li"]
    told = [re.fullmatch(r"([a-z0-9.-]+): ([a-z-]+) \(.*\): .*", text) for text in bullets]
    findings, evidence = [], collections.Counter()
    for one in re.split(r"^### ", parts[1], flags=re.M)[1:]:
        part = Page(cmarkgfm.github_flavored_markdown_to_html("### " + one))
        lines = "\n".join(text for tag, text in part.blocks if tag == "li")
        rule = re.search(r"^rule: (\S+) ", lines, re.M)[1]
        product = re.search(r"^maker: .*\((\S+)\)$", lines, re.M)[1]
        shown = "; does not decide: " in re.search(r"^state: .*$", lines, re.M)[0]
        must(part.blocks[0][1].startswith("shown: " if shown else "found: "), part.blocks[0])
        findings.append(dict(prohibition=rule, product=product, decides=not shown))
        evidence[rule, product] = len(part.rows) - 1
    must(bool(findings) != (("p", "None.") in page.blocks), "findings, or that there are none")
    hidden = [row for row in page.rows if len(row) == 5][1:]
    gap = lambda r: dict(source=None if r[0] == "the question" else r[0], weight=r[2], count=int(r[3]), places=r[4])
    return dict(
        verdict=heads[0].rsplit(": ", 1)[1],
        claim=next(text for tag, text in page.blocks if tag == "p"),
        policies={one[1]: one[2] for one in told if one},
        findings=findings,
        evidence=dict(evidence),
        gaps=[gap(row) for row in hidden],
        counted=int(re.search(r"^(\d+) items;", page.blocks[-1][1])[1]),
    )


def place(location):
    """The path of a SARIF location; what is no file has an address on the host, which GitHub wants, and its own name."""
    artifact = location["physicalLocation"]["artifactLocation"]
    if "uriBaseId" not in artifact:
        return urllib.parse.unquote(urllib.parse.urlparse(artifact["uri"]).path)
    return location["logicalLocations"][0]["fullyQualifiedName"]


def sarif(path, report, whole):
    if whole:
        tool = os.environ["SARIF_MULTITOOL"]
        said = subprocess.run([tool, "validate", path], capture_output=True, text=True)
        # Notes and warnings are advice; an error is not SARIF.
        must(said.returncode == 0 and ": error " not in said.stdout, said.stdout)
        with tempfile.TemporaryDirectory() as folder:
            again = pathlib.Path(folder) / "again.sarif"
            subprocess.run([tool, "rewrite", path, "--output", again], check=True, capture_output=True)
            log = json.loads(again.read_text())
    else:
        log = json.loads(path.read_text())
    (run,) = log["runs"]
    (ran,) = run["invocations"]
    told = ran.get("toolExecutionNotifications", [])
    properties = lambda n: {k: n["properties"].get(k) for k in ("source", "reason", "weight", "count")}
    hidden = [properties(n) | {"places": "; ".join(place(one) for one in n.get("locations", []))} for n in told]
    for n, one in zip(told, hidden):
        # What is left out has the default of the specification (3.58.6).
        must(n.get("level", "warning") == LEVELS[one["weight"]], "level of", n)
        must(n["descriptor"]["id"] == f"gap/{one['reason']}", n)
    must(ran["executionSuccessful"] is not any(one["weight"] == "blocking" for one in hidden), "executionSuccessful")
    must(ran["exitCodeDescription"] == report["verdict"] and ran.get("exitCode", 0) == report["exit_code"], "exit code")
    results = run.get("results", [])
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    told = run["properties"]
    must(sorted(rules) == sorted(j["prohibition"] for p in told["policies"] for j in p["prohibitions"]), rules)
    for r in results:
        must(rules[r["ruleIndex"]] == r["ruleId"] and r["partialFingerprints"]["interdictFinding/v1"], r)
        must((r.get("level", "warning") != "none") == (r["properties"]["decides"] or "suppressions" in r), "level of", r)
    return dict(
        verdict=told["verdict"],
        claim=told["claim"]["text"],
        policies={p["policy"]: p["verdict"] for p in told["policies"]},
        judged={j["prohibition"]: j["verdict"] for p in told["policies"] for j in p["prohibitions"]},
        findings=[dict(prohibition=r["ruleId"]) | {k: r["properties"][k] for k in ("product", "decides")} for r in results],
        evidence={(r["ruleId"], r["properties"]["product"]): len(r["locations"]) for r in results},
        sources={s["source"]: s["status"] for s in told["sources"]},
        gaps=hidden,
    )


def cyclonedx(path, report, whole):
    text = path.read_text()
    if whole:
        fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
        must(fault is None, fault)
    document = json.loads(text)
    bom = Bom.from_json(document)
    values = lambda thing, name: [p.value for p in thing.properties if p.name == "interdict:" + name]
    of_document = lambda name: values(bom.metadata, name)

    def finding(value):
        ids, words = value.split(": ", 1)
        decides = re.fullmatch(r"[a-z-]+, [a-z]+, [a-z]+, (decides|shown)(; .*)?", words)[1]
        return (*ids.split(" "), decides == "decides")

    def gap(value):
        form = r"(.*?): ([a-z-]+), ([a-z-]+), (\d+) x (.*)"
        source, reason, weight, count, rest = re.fullmatch(form, value).groups()
        places = re.sub(r"; accepted until .*", "", rest).rsplit(": ", 1)[1]
        return dict(source=None if source == "the question" else source, reason=reason, weight=weight, count=int(count), places=places)

    hidden = [gap(value) for value in of_document("gap")]
    whole_host = not any(one["weight"] == "blocking" for one in hidden)
    must([c["aggregate"] for c in document["compositions"]] == ["complete" if whole_host else "incomplete"], "composition")
    names = ("prohibition", "product", "decides")
    findings = [dict(zip(names, finding(value))) for value in of_document("finding")]
    # A component says which findings rest on it.
    resting = {(str(c.bom_ref), *finding(value)) for c in bom.components for value in values(c, "finding")}
    listed = {item["id"] for item in report["inventory"]}
    rest = {(e["item"], *(f[k] for k in names)) for f in report["findings"] for e in f["evidence"]}
    must(resting == {one for one in rest if one[0] in listed}, resting, rest)
    return dict(
        verdict=one_of(of_document("verdict")),
        claim=one_of(of_document("claim")),
        policies=dict(value.split(": ") for value in of_document("policy")),
        findings=findings,
        sources=dict(value.split(": ") for value in of_document("source")),
        gaps=hidden,
        items=sorted(str(c.bom_ref) for c in bom.components),
    )


def one_of(values):
    must(len(values) == 1, values)
    return values[0]


_ocsf = {}


def ocsf(path, report, whole):
    if whole and not _ocsf:
        schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema(OCSF))
        _ocsf.update({uid: Draft202012Validator(schemas.get_class_schema(name, ["host"])) for uid, name in CLASSES.items()})
    verdicts, findings, evidence, judged, items = [], [], {}, {}, []
    for line in path.read_text().splitlines():
        event = json.loads(line)
        if whole:
            faults = [f"{list(f.path)}: {f.message}" for f in _ocsf[event["class_uid"]].iter_errors(event)]
            must(not faults, faults)
        told = event["unmapped"]
        if event["class_uid"] == 5020:
            must(event["sbom"]["package"]["name"], event)
            items.append(told["item"])
            continue
        # The models of py-ocsf-models want an address and a region of every device.
        event["device"].update(ip="", region="")
        finding = ComplianceFinding(**event)
        control, status = finding.compliance.control, finding.compliance.status_id.value
        if finding.finding_info.types == ["verdict"]:
            judged[control] = VERDICTS[status - 1]
            must(event["compliance"]["status_code"] == judged[control], event["compliance"])
            verdicts.append(event)
        else:
            must(status in (3, 99) and told["verdict"] == report["verdict"], status, told["verdict"])
            findings.append(dict(prohibition=control, product=told["product"], decides=status == 3))
            evidence[control, told["product"]] = len(told["evidence"])
    must(verdicts and all(v["unmapped"] == {**verdicts[0]["unmapped"], "assessable": v["unmapped"]["assessable"]} for v in verdicts))
    told = verdicts[0]["unmapped"]
    must(verdicts[0]["message"] == told["claim"]["text"], "message")
    return dict(
        verdict=told["verdict"],
        claim=told["claim"]["text"],
        judged=judged,
        findings=findings,
        evidence=evidence,
        sources={s["source"]: s["status"] for s in told["sources"]},
        gaps=[{k: g[k] for k in ("source", "reason", "weight", "count")} | {"places": "; ".join(g["places"])} for g in told["gaps"]],
        items=sorted(items),
    )


def oscal(path, report, whole):
    result = one_of(AssessmentResults.oscal_read(path).results)
    props = lambda thing: {p.name: p.value for p in thing.props or []}
    # Which prohibition an observation belongs to stands in the finding that refers to it.
    control = {r.observation_uuid: f.target.target_id for f in result.findings for r in f.related_observations}
    must({o.uuid for o in result.observations} == control.keys(), "observations that no finding refers to, or that are not there")
    findings, evidence, hidden, covered = [], {}, [], []
    for one in result.observations:
        told = props(one)
        if "product" in told:
            key = dict(prohibition=control[one.uuid], product=told["product"])
            findings.append(key | {"decides": YES[told["decides"]]})
            evidence[tuple(key.values())] = len(one.relevant_evidence or [])
        elif "gap" in told:
            source, places = re.fullmatch(r"Not seen by `(.+?)`: .*?(?:: `([^`]*)`)?(?:\. Accepted until .*)?", one.description).groups()
            source = None if source == "the question" else source
            hidden.append(dict(source=source, reason=told["gap"], weight=told["weight"], count=int(told["count"]), places=places or ""))
        else:
            covered.append((one.description.split(": ", 1)[1], int(told["items"])))
    judged = {}
    for f in result.findings:
        status = f.target.status
        words = {("satisfied", "pass"): "compliant", ("not-satisfied", "fail"): "non-compliant", ("not-satisfied", "other"): "inconclusive"}
        judged[f.target.target_id] = words[status.state.value, status.reason]
        must(props(f)["verdict"] == judged[f.target.target_id], props(f))
        must(f"Verdict: {judged[f.target.target_id]}." in status.remarks, status.remarks)
    selected = [c.control_id for s in result.reviewed_controls.control_selections for c in s.include_controls]
    must(sorted(selected) == sorted(judged), "controls", selected)
    (sources, items) = one_of(covered)
    return dict(
        verdict=props(result)["verdict"],
        claim=result.description,
        judged=judged,
        findings=findings,
        evidence=evidence,
        sources=dict(one.split(" ") for one in sources.split(", ")),
        gaps=hidden,
        counted=items,
    )


def prometheus(path, report, whole):
    text = path.read_text()
    if whole:
        said = subprocess.run([os.environ["PROMTOOL"], "check", "metrics"], input=text, capture_output=True, text=True)
        must(said.returncode == 0 and not said.stderr, said.stdout, said.stderr)
    families = {f.name: f.samples for f in text_string_to_metric_families(text)}

    def states(name, label, key=None):
        """A state set: every state there once, one of them 1."""
        told = collections.defaultdict(dict)
        for s in families["interdict_" + name]:
            must(s.labels[label] not in told[s.labels.get(key)], "twice", s)
            told[s.labels.get(key)][s.labels[label]] = s.value
        for values in told.values():
            must(sorted(values) == sorted(VERDICTS if label == "verdict" else STATUSES), values)
            must(sorted(values.values()) == [0] * (len(values) - 1) + [1], values)
        return {key: next(state for state, value in values.items() if value) for key, values in told.items()}

    value = lambda name: one_of([s.value for s in families["interdict_" + name]])
    deciding = collections.Counter()
    for s in families["interdict_findings"]:
        deciding[s.labels["policy"], s.labels["severity"], s.labels["decides"] == "true"] = s.value
    said = collections.Counter({(p["policy"], "critical", True): 0 for p in report["policies"]})
    said.update((f["policy"], f["severity"], f["decides"]) for f in report["findings"])
    must(dict(deciding) == dict(said), deciding, said)
    hidden = [(s.labels["source"] or None, s.labels["reason"], s.labels["weight"], s.value) for s in families["interdict_gaps"]]
    sums = collections.Counter()
    for gap in gaps(report):
        sums[gap["source"], gap["reason"], gap["weight"]] += gap["count"]
    must(sorted(hidden, key=str) == sorted([(*key, count) for key, count in sums.items()], key=str), hidden, sums)
    began = value("last_scan_timestamp_seconds")
    blocking = any(gap["weight"] == "blocking" for gap in gaps(report))
    must([s.value for s in families.get("interdict_last_complete_scan_timestamp_seconds", [])] == [began] * (not blocking), "complete")
    must(value("scan_duration_seconds") * 1000 == report["elapsed_ms"], "duration")
    must(value("ruleset_stale") == report["ruleset"]["stale"], "stale")
    return dict(
        verdict=states("verdict", "verdict")[None],
        claim=one_of(families["interdict_scan_info"]).labels["claim"],
        policies=states("policy_verdict", "verdict", "policy"),
        sources=states("source_status", "status", "source"),
        # Compared above, for series only count.
        gaps=gaps(report),
        counted=value("items"),
    )


READERS = {
    "json": as_json,
    "jsonl": jsonl,
    "csv": table,
    "items.csv": items_table,
    "md": markdown,
    "sarif": sarif,
    "cdx.json": cyclonedx,
    "ocsf.jsonl": ocsf,
    "oscal.json": oscal,
    "prom": prometheus,
}
# For people alone; `cargo test --test formats` and the test of the browser read them.
UNREAD = {"txt", "html"}


def report_of(host):
    return json.loads((FOLDER / f"{host}.json").read_text())


def main():
    for host in HOSTS:
        there = {path.name.removeprefix(host + ".") for path in FOLDER.glob(host + ".*")}
        must(there - UNREAD == READERS.keys(), "a form without a reader, or a reader without a form", there ^ READERS.keys())
        report = report_of(host)
        for end, read in READERS.items():
            told = read(FOLDER / f"{host}.{end}", report, True)
            compare(f"{host}.{end}", told, report)
            print(f"{host}.{end}: {told['verdict']}; as the report: {', '.join(told)}")


if __name__ == "__main__":
    main()
