"""The systemd unit and the Debian package."""

import os
import re

from tests import DEPLOY, ROOT, chinwag, folder, program, run, server, test

# What `systemd-analyze security` counts up to 10; below 2 is its best word but one.
EXPOSURE_MAX = 2.0


@test
def systemd_finds_nothing_to_say_of_the_units():
    names = ["chinwag.service", "chinwag.socket", "chinwag-backup.service", "chinwag-backup.timer"]
    with folder() as place:
        for name in names:
            text = (DEPLOY / "systemd" / name).read_text()
            assert text.count("/usr/bin/chinwag") == int(name.endswith(".service")), name
            (place / name).write_text(text.replace("/usr/bin/chinwag", str(chinwag())))
        said = run(program("systemd-analyze"), "verify", "--man=no", *[place / name for name in names])
        ours = [line for line in said.splitlines() if "chinwag" in line]
        assert not ours, ours


@test
def the_sandbox_of_the_unit_is_tight():
    unit = DEPLOY / "systemd" / "chinwag.service"
    said = run(program("systemd-analyze"), "security", "--offline=true", "--no-pager", unit)
    exposure = float(re.search(r"exposure level[^:]*: ([\d.]+)", said).group(1))
    assert exposure <= EXPOSURE_MAX, said


@test
def the_sample_configuration_is_read_and_every_line_of_it_is_an_option():
    sample = DEPLOY / "systemd" / "chinwag.toml"
    with folder() as place, server("--config", sample):
        all_on = place / "chinwag.toml"
        all_on.write_text(re.sub(r"^#(?=\w+ = )", "", sample.read_text(), flags=re.MULTILINE))
        with server("--config", all_on):
            pass


@test
def the_debian_package_has_what_it_should_and_installs():
    with folder() as place:
        quick = {**os.environ, "XZ_LEVEL": "0"}
        package = run(DEPLOY / "debian" / "build", chinwag(), place, env=quick).strip().splitlines()[-1]
        fields = run(program("dpkg-deb"), "--field", package)
        version = re.search(r'^version = "([^"]+)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)
        assert f"Version: {version}\n" in fields, fields
        root = place / "root"
        run(program("dpkg-deb"), "--extract", package, root)
        files = {str(it.relative_to(root)) for it in root.rglob("*") if it.is_file()}
        assert files == {
            "usr/bin/chinwag",
            "usr/lib/systemd/system/chinwag.service",
            "usr/lib/systemd/system/chinwag.socket",
            "usr/lib/systemd/system/chinwag-backup.service",
            "usr/lib/systemd/system/chinwag-backup.timer",
            "usr/lib/sysusers.d/chinwag.conf",
            "etc/chinwag/chinwag.toml",
            "usr/share/doc/chinwag/copyright",
            "usr/share/doc/chinwag/operations.md.gz",
            "usr/share/doc/chinwag/nginx.conf",
            "usr/share/doc/chinwag/Caddyfile",
        }, files
        assert version in run(root / "usr/bin/chinwag", "--version")
        scripts = place / "scripts"
        run(program("dpkg-deb"), "--control", package, scripts)
        assert (scripts / "conffiles").read_text() == "/etc/chinwag/chinwag.toml\n"
        for script in ("postinst", "prerm", "postrm"):
            run("sh", "-n", scripts / script)
        run(program("systemd-sysusers"), f"--root={root}", root / "usr/lib/sysusers.d/chinwag.conf")
        assert "chinwag:" in (root / "etc/passwd").read_text()
