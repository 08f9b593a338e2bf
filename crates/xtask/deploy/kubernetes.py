"""The chart, rendered by Helm's own engine, and the plain manifests, held to the schemas of Kubernetes."""

import helm_python
import kubernetes_validate
import yaml

from tests import DEPLOY, test

CHART = DEPLOY / "helm" / "chinwag"

# The oldest that the chart allows, and the newest that the schemas know.
VERSIONS = ["1.30", kubernetes_validate.latest_version()]

# Everything that is off, or that nobody sets at first.
ALL_ON = {
    "publicUrl": "https://chat.example.org",
    "registration": "closed",
    "trustedHops": 1,
    "env": [{"name": "CHINWAG_LOG", "value": "debug"}],
    "imagePullSecrets": [{"name": "registry"}],
    "ingress": {"enabled": True, "className": "nginx"},
    "persistence": {"storageClass": "fast"},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "podAnnotations": {"example.org/team": "chat"},
    "nodeSelector": {"kubernetes.io/arch": "arm64"},
    "tolerations": [{"key": "chat", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
}
ALL_OFF = {
    "podDisruptionBudget": {"enabled": False},
    "networkPolicy": {"enabled": False},
    "ingress": {"enabled": True, "tlsSecret": ""},
}
WRONG = [
    {"publicUrl": "chat.example.org"},
    {"podDisruptionBudget": {"maxUnavailable": 2}},
    {"preStopSeconds": 0},
    {"replicas": 3},
]
# What Helm's linter calls a remark, below a warning.
LINT_INFO = 1
KINDS = {"ServiceAccount", "Service", "StatefulSet", "PodDisruptionBudget", "NetworkPolicy"}


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def render(values, name="chinwag"):
    with helm_python.Chart.load(CHART) as chart:
        files = chart.render(values, name=name, namespace="chat")
    texts = [text for path, text in files.items() if path.endswith(".yaml")]
    return [document for text in texts for document in documents(text)]


def plain():
    files = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    assert len(files) >= 3, "manifests are missing"
    return [document for file in files for document in documents(file.read_text())]


def one(all_, kind, name=None):
    found = [it for it in all_ if it["kind"] == kind and name in (None, it["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} of {kind} {name or ''}"
    return found[0]


def validate(all_):
    """The operator's kind has no schema here: what it selects is checked below."""
    known = [it for it in all_ if it["kind"] != "ServiceMonitor"]
    assert known, "nothing was rendered"
    for document in known:
        for version in VERSIONS:
            kubernetes_validate.validate(document, version, strict=True)


def hangs_together(all_):
    """Who selects whom, which no schema sees."""
    pods = one(all_, "StatefulSet")["spec"]
    labels = pods["template"]["metadata"]["labels"]
    ports = {it["name"] for it in pods["template"]["spec"]["containers"][0]["ports"]}
    assert pods["selector"]["matchLabels"] == labels
    services = {it["metadata"]["name"]: it for it in all_ if it["kind"] == "Service"}
    assert pods["serviceName"] in services, "the StatefulSet's service is not there"
    for service in services.values():
        assert service["spec"]["selector"] == labels
        assert {it["targetPort"] for it in service["spec"]["ports"]} <= ports
    for kind, field in [("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")]:
        for document in (it for it in all_ if it["kind"] == kind):
            assert document["spec"][field]["matchLabels"] == labels, kind
    for policy in (it for it in all_ if it["kind"] == "NetworkPolicy"):
        assert {it["port"] for rule in policy["spec"]["ingress"] for it in rule["ports"]} == ports
        assert "Egress" in policy["spec"]["policyTypes"] and "egress" not in policy["spec"]
    for ingress in (it for it in all_ if it["kind"] == "Ingress"):
        backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
        named = {it["name"] for it in services[backend["name"]]["spec"]["ports"]}
        assert backend["port"]["name"] in named
    for monitor in (it for it in all_ if it["kind"] == "ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        found = [it for it in services.values() if wanted <= it["metadata"]["labels"].items()]
        assert len(found) == 1, f"the ServiceMonitor finds {len(found)} services"
        endpoint = monitor["spec"]["endpoints"][0]
        assert endpoint["port"] in {it["name"] for it in found[0]["spec"]["ports"]}
        assert endpoint["path"] == "/metrics"


@test
def the_schemas_refuse_what_is_wrong():
    """Or all that follows would prove nothing."""
    for path, value in [("replicaz", 1), ("replicas", "one")]:
        broken = one(plain(), "StatefulSet")
        broken["spec"][path] = value
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(broken, version, strict=True)
            except kubernetes_validate.ValidationError:
                continue
            raise AssertionError(f"{version} took {path}: {value}")


@test
def the_manifests_keep_to_the_schemas_and_hang_together():
    validate(plain())
    hangs_together(plain())


@test
def helm_finds_nothing_to_say_of_the_chart():
    result = helm_python.lint(CHART, strict=True)
    loud = [it for it in result["messages"] if it["severity"] > LINT_INFO]
    assert result["total_charts_linted"] == 1 and not result["errors"], result["errors"]
    assert not loud, loud


@test
def the_chart_as_it_is():
    rendered = render({})
    assert {it["kind"] for it in rendered} == KINDS
    validate(rendered)
    hangs_together(rendered)


@test
def the_chart_with_all_on():
    rendered = render(ALL_ON, name="team")
    assert {it["kind"] for it in rendered} == KINDS | {"Ingress", "ServiceMonitor"}
    assert all(it["metadata"]["name"].startswith("team-chinwag") for it in rendered)
    validate(rendered)
    hangs_together(rendered)


@test
def the_chart_with_all_off():
    rendered = render(ALL_OFF)
    assert {it["kind"] for it in rendered} == KINDS - {"PodDisruptionBudget", "NetworkPolicy"} | {"Ingress"}
    validate(rendered)
    hangs_together(rendered)


@test
def the_chart_refuses_wrong_values():
    with helm_python.Chart.load(CHART) as chart:
        for values in WRONG:
            try:
                chart.validate_schema(values)
            except helm_python.HelmError:
                continue
            raise AssertionError(f"took {values}")


@test
def the_chart_and_the_manifests_say_the_same():
    rendered, written = render({}), plain()
    for kind in KINDS - {"Service", "ServiceAccount"}:
        assert one(rendered, kind)["spec"] == one(written, kind)["spec"], kind
    for name in ("chinwag", "chinwag-metrics"):
        ours, theirs = one(rendered, "Service", name)["spec"], one(written, "Service", name)["spec"]
        assert ours == {"type": "ClusterIP", **theirs} or ours == theirs, name
