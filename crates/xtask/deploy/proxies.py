"""The sample files for nginx and Caddy, with the real ones."""

import re

from chat import Site, two_people_talk
from tests import DEPLOY, folder, free_port, program, run, running, server, test


def certificate(place):
    """A certificate for localhost, made for this test."""
    key, chain = place / "key.pem", place / "chain.pem"
    run(program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
        "-keyout", key, "-out", chain)
    return key, chain


def replaced(text, changes):
    """Each change must find its place, or the sample has moved away from the test."""
    for old, new in changes:
        text, count = re.subn(old, new, text)
        assert count, f"the sample has no {old}"
    return text


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
        temporary = "".join(f"{it}_temp_path {place}/{it};\n" for it in
                            ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        configuration = place / "nginx.conf"
        configuration.write_text(
            f"pid {place}/pid;\nerror_log stderr notice;\ndaemon off;\nmaster_process off;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{site}\n}}\n")
        command = [program("nginx"), "-c", configuration, "-p", place, "-e", "stderr"]
        run(*command, "-t")
        with running(command, r"start|using the"):
            site = Site(origin, chain)
            two_people_talk(site, behind.invite())
            assert site.status("/metrics") == 404
            assert site.status("/") == 200


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
