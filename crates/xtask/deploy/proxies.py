"""The sample files for nginx and Caddy, with the real ones."""

import contextlib
import json
import os
import re

from chat import Site, two_people_talk, two_people_talk_without_websockets
from tests import DEPLOY, chinwag, folder, free_port, program, run, running, server, test


def certificate(place):
    """A certificate for localhost, made for this test: the server's own, and none of an authority."""
    key, chain = place / "key.pem", place / "chain.pem"
    run(program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
        "-addext", "basicConstraints=critical,CA:FALSE",
        "-keyout", key, "-out", chain)
    return key, chain


def replaced(text, changes):
    """Each change must find its place, or the sample has moved away from the test."""
    for old, new in changes:
        text, count = re.subn(old, new, text)
        assert count, f"the sample has no {old}"
    return text


@contextlib.contextmanager
def nginx(place, site):
    """Runs nginx with this site, in a folder of the test's own."""
    temporary = "".join(f"{it}_temp_path {place}/{it};\n" for it in
                        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    configuration = place / "nginx.conf"
    configuration.write_text(
        f"pid {place}/pid;\nerror_log stderr notice;\ndaemon off;\nmaster_process off;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{site}\n}}\n")
    command = [program("nginx"), "-c", configuration, "-p", place, "-e", "stderr"]
    run(*command, "-t")
    with running(command, r"start|using the"):
        yield


def the_doctor_finds_the_way(behind, origin, chain):
    """`chinwag doctor` comes by the public URL and finds nothing wrong with the way."""
    options = ["--data", behind.data, "--listen", behind.address, "--public-url", origin, "--trusted-hops", "1"]
    environment = {**os.environ, "SSL_CERT_FILE": str(chain)}
    found = json.loads(run(chinwag(), "doctor", "--json", *options, env=environment))
    outside = [it for it in found if it["area"] == "outside"]
    said = " ".join(it["what"] for it in outside if it["level"] == "ok")
    for words in ["right Host", "one proxy adds itself", "a WebSocket opens"]:
        assert words in said, outside


@test
def people_talk_through_nginx_as_the_sample_has_it():
    port, plain_port = free_port(), free_port()
    origin = f"https://localhost:{port}"
    with folder() as place, server("--public-url", origin, "--trusted-hops", "1") as behind:
        key, chain = certificate(place)
        sample = (DEPLOY / "proxy" / "nginx.conf").read_text()
        site = replaced(sample, [
            (r"server 127\.0\.0\.1:8080;", f"server {behind.address};"),
            (r"listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
            (r"listen 80;", f"listen 127.0.0.1:{plain_port};"),
            (r"\n *listen \[::\]:\d+[^\n]*", ""),
            (r"chat\.example\.org;", "localhost;"),
            (r"ssl_certificate [^;]+;", f"ssl_certificate {chain};"),
            (r"ssl_certificate_key [^;]+;", f"ssl_certificate_key {key};"),
        ])
        with nginx(place, site):
            site = Site(origin, chain)
            two_people_talk(site, behind.invite())
            assert site.status("/metrics") == 404
            assert site.status("/") == 200
            the_doctor_finds_the_way(behind, origin, chain)


@test
def people_talk_through_an_nginx_that_was_told_nothing():
    """Its defaults: HTTP/1.0 to the server, no `Upgrade`, and answers kept back."""
    port = free_port()
    origin = f"http://localhost:{port}"
    with folder() as place, server("--public-url", origin, "--trusted-hops", "1") as behind:
        site = f"""
            server {{
                listen 127.0.0.1:{port};
                location / {{
                    proxy_pass http://{behind.address};
                    proxy_set_header Host $http_host;
                    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                }}
            }}"""
        with nginx(place, site):
            site = Site(origin)
            two_people_talk_without_websockets(site, behind.invite())


@test
def people_talk_through_caddy_as_the_sample_has_it():
    port, plain_port = free_port(), free_port()
    origin = f"https://localhost:{port}"
    with folder() as place, server("--public-url", origin, "--trusted-hops", "1") as behind:
        key, chain = certificate(place)
        sample = (DEPLOY / "proxy" / "Caddyfile").read_text()
        site = replaced(sample, [
            (r"chat\.example\.org \{", f"{origin} {{\n\tbind 127.0.0.1\n\ttls {chain} {key}"),
            (r"127\.0\.0\.1:8080", behind.address),
        ])
        configuration = place / "Caddyfile"
        configuration.write_text(
            f"{{\n\tadmin off\n\thttp_port {plain_port}\n\thttps_port {port}\n\tauto_https disable_redirects\n}}\n{site}")
        command = [program("caddy"), "run", "--config", configuration]
        home = {"HOME": str(place), "XDG_DATA_HOME": str(place), "XDG_CONFIG_HOME": str(place), "PATH": ""}
        with running(command, "serving initial configuration", env=home):
            site = Site(origin, chain)
            two_people_talk(site, behind.invite())
            assert site.status("/metrics") == 404
            the_doctor_finds_the_way(behind, origin, chain)
