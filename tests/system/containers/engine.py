"""A container engine for tests: podman, with images, containers and networks of its own.

Nothing of the machine's own podman is touched. The folder of images is kept for later runs,
because its first image takes minutes. It belongs to one checkout, so two checkouts can be
tested at once. Docker's API is served on a Unix socket for docker-compose and for ocsd.
"""

import ast
import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.system.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[3]
KEPT = Path("/var/tmp/ocsd-containers")
"""Folder of what later runs use again."""
BASE = "docker.io/library/debian:bookworm-slim"
"""The image that our Dockerfiles build on. Here it is made of Debian's packages."""
PROGRAMS = ("podman", "runc", "iptables", "mmdebstrap", "docker-compose")
_NETWORK = Path("/usr/lib/podman/netavark")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_CERTIFICATES_INSIDE = Path("/etc/certificates-of-tests.crt")
_CACHE_INSIDE = "/cache-of-tests"
_UV_SETTINGS = f"""
cache-dir = "{_CACHE_INSIDE}"
offline = {{offline}}
"""
# As in the published image: no manuals and no translations.
_SLIM = [f"path-exclude=/usr/share/{each}/*" for each in ("man", "info", "doc", "locale")]
_SETTINGS = """
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "{run}/libpod"
volume_path = "{images}/volumes"
runtime = "relieved"
[engine.runtimes]
relieved = ["{run}/runtime"]
[network]
network_backend = "netavark"
network_config_dir = "{images}/networks"
"""


def obstacle():
    """Return the reason why this machine can run no containers, or None."""
    if os.geteuid() != 0:
        return "only root can run containers here"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    missing += [] if _NETWORK.exists() else ["netavark", "aardvark-dns"]
    if missing:
        return f"containers need {', '.join(missing)} (Debian's packages, see .ci/run)"
    return None


@functools.cache
def _pip_settings():
    """Return pip's settings as the text of a pip.conf, and the paths that they name."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    settings, paths = {}, set()
    for line in listed.stdout.splitlines():
        name, _, quoted = line.partition("=")
        value = ast.literal_eval(quoted)
        settings[name.rpartition(".")[2]] = "\n    ".join(value.split())
        for word in value.split():
            if word.startswith("file://"):  # a folder `simple` beside the files that it lists
                paths.add(Path(word.removeprefix("file://")).parent)
            elif word.startswith("/"):
                paths.add(Path(word))
    # At another path, where no package of Debian would replace the mounted file.
    paths -= {_CERTIFICATES}
    settings["cert"] = _CERTIFICATES_INSIDE
    lines = [f"{name} = {value}" for name, value in settings.items()]
    return "\n".join(["[global]", *lines, ""]), sorted(path for path in paths if path.exists())


class Engine:
    """podman with folders of its own, for one run of tests at a time."""

    def __init__(self):
        mark = hashlib.sha256(str(REPOSITORY).encode()).hexdigest()[:8]
        self.images = KEPT / mark
        self.run = Path("/run") / f"ocsd-test-{mark}"
        for folder in (self.images, self.run):
            folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.images / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        runtime = self.run / "runtime"
        own_runtime = Path(__file__).with_name("runtime.py")
        runtime.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {own_runtime} "$@"\n')
        runtime.chmod(0o755)
        settings = self.run / "containers.conf"
        settings.write_text(_SETTINGS.format(run=self.run, images=self.images))
        self.socket = self.run / "docker.sock"
        inherited = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
        self.environment = {
            **inherited,
            "CONTAINERS_CONF": str(settings),
            "DOCKER_HOST": f"unix://{self.socket}",
            # A timer of systemd would run the checks of health; tests run them.
            "DISABLE_HC_SYSTEMD": "true",
        }
        self._command = ["podman", "--root", self.images, "--runroot", self.run]
        driver = "overlay" if self._can("overlay") else "vfs"
        self._command += ["--storage-driver", driver]

    def _can(self, driver):
        """Tell whether the storage works with this driver. vfs always does, but is slow."""
        trial = [*self._command, "--storage-driver", driver, "info"]
        return not subprocess.run(trial, env=self.environment, capture_output=True).returncode

    def podman(self, *words, given=None, limit_s=300, check=True):
        """Run podman; return the finished process, its output as text.

        Raises
        ------
        AssertionError
            If podman fails, with what it printed, unless `check` is false.
        """
        done = subprocess.run(
            [*self._command, *words],
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=limit_s,
        )
        if check:
            text = done.stdout[-4000:] + done.stderr[-4000:]
            assert done.returncode == 0, f"podman {words[0]}: {text}"
        return done

    def make_base(self):
        """Make the image `BASE`, unless it is here."""
        if not self.podman("image", "exists", BASE, check=False).returncode:
            return
        archive = KEPT / "bookworm-slim.tar"
        with (KEPT / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not archive.exists():
                _make_system(archive)
        self.podman("import", "--quiet", archive, BASE)

    def build(self, folder, tag, *options):
        """Build the image `tag` from the Dockerfile of a folder.

        What the build installs by uv comes from the cache of the machine's own uv, and from the
        network only if that lacks something. What it installs by pip comes from where the
        machine's own pip finds it. The format is Docker's, because that of OCI has no HEALTHCHECK.
        """
        text, paths = _pip_settings()
        settings = self.run / "pip.conf"
        settings.write_text(text)
        of_uv = self.run / "uv.toml"
        cache = Path(os.environ.get("UV_CACHE_DIR") or Path.home() / ".cache" / "uv")
        cache.mkdir(parents=True, exist_ok=True)
        mounts = [
            *(f"{path}:{path}:ro" for path in paths),
            f"{settings}:/etc/pip.conf:ro",
            f"{of_uv}:/etc/uv/uv.toml:ro",
            f"{cache}:{_CACHE_INSIDE}",
            f"{_CERTIFICATES}:{_CERTIFICATES_INSIDE}:ro",
        ]
        how = ("--quiet", "--format", "docker", "--isolation", "chroot", "--network", "host")
        volumes = [word for mount in mounts for word in ("--volume", mount)]
        for offline in (True, False):
            of_uv.write_text(_UV_SETTINGS.format(offline=str(offline).lower()))
            given = ("--build-arg", f"SSL_CERT_FILE={_CERTIFICATES_INSIDE}", "--tag", tag)
            words = ("build", *how, *volumes, *given, *options, folder)
            done = self.podman(*words, check=not offline, limit_s=800)
            if not done.returncode:
                break

    def compose(self, folder, *words, check=True, limit_s=120, **variables):
        """Run docker-compose in a folder, against this engine; return the finished process."""
        done = subprocess.run(
            ["docker-compose", *words],
            env={**self.environment, **variables},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=limit_s,
        )
        assert not (check and done.returncode), done.stdout + done.stderr
        return done

    @contextlib.contextmanager
    def serving(self):
        """Serve Docker's API on `socket`."""
        self.socket.unlink(missing_ok=True)
        command = [*self._command, "system", "service", "--time=0", f"unix://{self.socket}"]
        with (self.run / "service.log").open("w") as log:
            service = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        try:
            wait_until(self.socket.exists, "podman to serve Docker's API")
            yield self
        finally:
            service.terminate()
            service.wait()

    def clear(self):
        """Remove all containers, volumes and networks; images stay."""
        self.podman("rm", "--all", "--force", "--time", "0")
        self.podman("volume", "prune", "--force")
        self.podman("network", "prune", "--force")

    def close(self):
        """Remove what is not kept, and let the next run begin."""
        self.clear()
        # Earlier builds; the steps of recent ones are used again.
        self.podman("image", "prune", "--force", "--filter", "until=48h")
        self._lock.close()


def _make_system(archive):
    """Write an archive of Debian's smallest system, as the image debian:bookworm-slim has it."""
    unfinished = archive.with_suffix(".part")
    command = [
        *("mmdebstrap", "--quiet", "--variant=minbase", "--format=tar"),
        # Without this package Debian would install all of perl, to merge /bin and /usr/bin.
        *("--include=usr-is-merged", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"),
        *[f"--dpkgopt={option}" for option in ("force-unsafe-io", *_SLIM)],
        *("bookworm", unfinished),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    unfinished.rename(archive)
