"""Alerts, dashboard and scraping, with a real Prometheus and the figures of a running server."""

import json
import re
import urllib.error
import urllib.parse

import yaml

from chat import Site, say, two_people_talk, wait_for
from tests import DEPLOY, folder, free_port, program, run, running, server, test

ALERTS = DEPLOY / "prometheus" / "alerts.yml"
ALERT_TESTS = DEPLOY / "prometheus" / "alerts_test.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboard.json"

# What each kind of OpenMetrics family is called in a query.
SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
NAME = re.compile(r"\bchinwag_[a-z_]+")
# What a server built with the feature `otlp` counts; this one is as it is shipped.
WITH_TRACES = {"chinwag_sent_spans", "chinwag_dropped_spans"}


@test
def promtool_takes_the_alerts_and_each_of_them_fires_when_it_should():
    run(program("promtool"), "check", "rules", ALERTS)
    run(program("promtool"), "test", "rules", ALERT_TESTS)
    expected = [it for case in yaml.safe_load(ALERT_TESTS.read_text())["tests"] for it in case["alert_rule_test"]]
    fires = {it["alertname"] for it in expected if it.get("exp_alerts")}
    quiet = {it["alertname"] for it in expected if not it.get("exp_alerts")}
    alerts = {rule["alert"] for rule in rules()}
    assert fires == alerts and quiet == alerts, "an alert without a test"


@test
def every_figure_in_alerts_dashboard_and_guide_is_one_that_a_server_has():
    with server("--public-url", "http://localhost") as it:
        token = two_people_talk(talking(it), it.invite())
        refused_and_closed(talking(it), token)
        known = names(figures(it))
    used = set(NAME.findall(DASHBOARD.read_text())) | set(NAME.findall(" ".join(rule["expr"] for rule in rules())))
    assert len(used) > 20, used
    assert used <= known, f"unknown: {used - known}"
    guide = (DEPLOY.parent / "docs" / "operations.md").read_text()
    told, families = family(NAME.findall(guide)) - WITH_TRACES, family(known)
    assert told == families, f"the guide and the server differ in {told ^ families}"


@test
def a_prometheus_scrapes_a_server_and_answers_the_dashboards_queries():
    port = free_port()
    with folder() as place, server("--public-url", "http://localhost") as it:
        two_people_talk(talking(it), it.invite())
        sample = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
        assert "chinwag:9100" in sample and "scrape_interval: 15s" in sample
        sample = sample.replace("chinwag:9100", it.metrics).replace("interval: 15s", "interval: 200ms")
        (place / "prometheus.yml").write_text(sample)
        (place / "alerts.yml").write_text(ALERTS.read_text())
        run(program("promtool"), "check", "config", place / "prometheus.yml")
        command = [program("prometheus"), f"--config.file={place}/prometheus.yml", f"--storage.tsdb.path={place}/data"]
        command += [f"--web.listen-address=127.0.0.1:{port}"]
        with running(command, "Server is ready to receive web requests"):
            prometheus = Site(f"http://127.0.0.1:{port}")
            # Each look asks it to wait for nothing; the first scrape comes within its interval.
            scraped = poll(prometheus, 'chinwag_events_total{job="chinwag"}')
            # Registering, joining and the message itself.
            assert float(scraped[0]["value"][1]) >= 3, scraped
            target = prometheus.ask("GET", "/api/v1/targets")["data"]["activeTargets"]
            assert [it["health"] for it in target] == ["up"], target
            assert query(prometheus, 'up{job="chinwag"} == 1')
            poll(prometheus, "count_over_time(chinwag_events_total[1m]) >= 2")
            for expression in dashboard_queries():
                query(prometheus, expression)


@test
def the_dashboard_is_whole():
    dashboard = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]
    assert len({it["id"] for it in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert panel["description"] and panel["targets"], panel["title"]
    for name in ("datasources/prometheus.yaml", "dashboards/chinwag.yaml"):
        assert yaml.safe_load((DEPLOY / "grafana" / "provisioning" / name).read_text())["apiVersion"] == 1


def rules():
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def talking(it):
    return Site(f"http://{it.address}")


def refused_and_closed(site, token):
    """Some figures exist only once something was refused or closed."""
    socket, _ = site.socket(token)
    with socket:
        say(socket, type="message.send", ref=1, room="nowhere", key="no key", text="")
        wait_for(socket, type="error")
        socket.send(b"binary")
        try:
            wait_for(socket, type="never")
        except Exception as closed:
            assert "1003" in str(closed), closed


def figures(it):
    return Site(f"http://{it.metrics}").ask("GET", "/metrics")


def names(text):
    """What can be asked for, from the types that the server declares."""
    families = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    assert families, text
    return {name + suffix for name, kind in families for suffix in SUFFIXES[kind]}


def family(all_):
    """Without what the parts of a family are called."""
    return {re.sub(r"_(total|bucket|sum|count)$", "", it) for it in all_}


def query(prometheus, expression):
    answer = prometheus.ask("GET", "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
    assert answer["status"] == "success", answer
    return answer["data"]["result"]


def poll(prometheus, expression):
    """Asks until there is an answer; the server in front of the scrape paces it by its own interval."""
    import time

    deadline = time.monotonic() + 30
    while not (found := query(prometheus, expression)):
        assert time.monotonic() < deadline, f"nothing for {expression}"
        time.sleep(0.1)
    return found


def dashboard_queries():
    """Each query of the dashboard, its variables filled in as Grafana does."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            text = target["expr"].replace("$__rate_interval", "1m")
            yield text.replace("$job", ".*").replace("$instance", ".*")
