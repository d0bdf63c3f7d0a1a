"""Writes the results of several servers into a document, between two marks."""

import json
import re
from pathlib import Path

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def counts(results):
    return [sum(one["status"] == status for one in results) for status in ("pass", "fail", "not offered")]


def cell(text):
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST:PORT", text)  # what differs from run to run
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", text)
    return " ".join(text.split()).replace("|", "\\|")[:160]


def write(document, servers):
    """`servers` are pairs of a heading and a file of results; their order is the columns'."""
    results = {name: json.loads(Path(file).read_text()) for name, file in servers}
    parts = list(dict.fromkeys(one["part"] for found in results.values() for one in found))
    lines = [
        "Pass / fail / not offered:",
        "",
        f"| part | {' | '.join(results)} |",
        f"|---|{'---|' * len(results)}",
    ]
    for part in [*parts, None]:
        row = []
        for found in results.values():
            passed, failed, not_offered = counts([one for one in found if part in (one["part"], None)])
            row.append(f"{passed} / {failed} / {not_offered}")
        name = part or "**all**"
        lines.append(f"| {name} | {' | '.join(row)} |")
    for name, found in results.items():
        failures = [one for one in found if one["status"] == "fail"]
        lines += ["", f"### {name}", ""]
        if not failures:
            lines.append("No case fails.")
        else:
            lines += ["| fails | because | of |", "|---|---|---|"]
            lines += [f"| `{one['name']}` | {cell(one['reason'])} | {cell(one['section'])} |" for one in failures]
        reasons = {}
        for one in found:
            if one["status"] == "not offered":
                reasons.setdefault(one["part"], []).append(one["name"])
        if reasons:
            told = [f"{part} ({len(names)}: {', '.join(f'`{n}`' for n in names[:4])}{' …' if len(names) > 4 else ''})"
                    for part, names in reasons.items()]
            lines += ["", f"Not offered: {'; '.join(told)}."]
    path = Path(document)
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}")
