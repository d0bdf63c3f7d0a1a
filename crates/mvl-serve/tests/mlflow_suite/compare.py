"""Makes the tables of docs/mlflow.md from two results of the suite.

    python mlflow_suite --uri A --json a.json; python mlflow_suite --uri B --json b.json
    python mlflow_suite/compare.py "mlflow server=a.json" "ours=b.json"
"""

import json
import sys
from collections import defaultdict

CLIENT = ("client_tracking", "client_artifacts", "client_models", "autologging")


def endpoints(result):
    """By endpoint: the kinds of calls made, and the cases that made them."""
    found = defaultdict(lambda: (set(), {}))
    for case in result["cases"]:
        for call in case["calls"]:
            path = call["path"].split("/{}/")[0] + "/{}" if "/mlflow-artifacts/artifacts/" in call["path"] else call["path"]
            path = "/api/2.0/mlflow-artifacts/artifacts/…" if "/mlflow-artifacts/artifacts/" in call["path"] else path
            kinds, cases = found[path, call["method"]]
            kinds.add((*call["arguments"], call["status"]))
            cases[case["group"], case["name"]] = not case["error"]
    return found


def groups(result):
    found = defaultdict(list)
    for case in result["cases"]:
        found[case["group"]].append(not case["error"])
    return found


def main():
    results = {}
    for argument in sys.argv[1:]:
        name, path = argument.split("=")
        with open(path) as file:
            results[name] = json.load(file)
    heads = " | ".join(results)
    print(f"| cases | {heads} |\n|---|{'---|' * len(results)}")
    by_group = {name: groups(result) for name, result in results.items()}
    for group in next(iter(by_group.values())):
        cells = [f"{sum(found[group])} of {len(found[group])}" for found in by_group.values()]
        print(f"| {group.replace('_', ' ')}{', by MLflow’s client' if group in CLIENT else ''} | {' | '.join(cells)} |")
    print(f"\n| endpoint | kinds of calls | {heads} |\n|---|---|{'---|' * len(results)}")
    by_endpoint = {name: endpoints(result) for name, result in results.items()}
    for path, method in sorted(set().union(*by_endpoint.values())):
        cells = []
        for found in by_endpoint.values():
            _, cases = found[path, method]
            cells.append(f"{sum(cases.values())} of {len(cases)}")
        kinds = max(len(found[path, method][0]) for found in by_endpoint.values())
        print(f"| `{method} {path.replace('/api/2.0/mlflow/', '')}` | {kinds} | {' | '.join(cells)} |")


main()
