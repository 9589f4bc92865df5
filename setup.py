"""What setup.cfg cannot say: documents, files beside the packages, and a wheel for agents' hosts.

OCSD_DISTRIBUTION=agent makes the distribution ocsd-agent: all of the code, without so3g and what
that brings. It is for hosts that record nothing; one environment has either of the two.
"""

import os
import shutil
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
GENERATED = Path("build", "generated")
_NO_PAGES = shutil.ignore_patterns("_build", "*.py", "__pycache__")
IS_FOR_AGENTS = os.environ.get("OCSD_DISTRIBUTION") == "agent"
SHELLS = {
    "bash": ("share/bash-completion/completions", "ocsd"),
    "zsh": ("share/zsh/site-functions", "_ocsd"),
    "fish": ("share/fish/vendor_completions.d", "ocsd.fish"),
}
COPIED = {
    "site-configs": "share/ocsd/site-configs",
    "systemd": "share/ocsd/systemd",
    "deploy/grafana": "share/ocsd/grafana",
    "deploy/prometheus": "share/ocsd/prometheus",
    "constraints": "share/ocsd/constraints",
}
"""Folders of the repository, and their places below the prefix of an installation."""


class OcsdDistribution(Distribution):
    """What setup.cfg says, or the same for hosts of agents."""

    def parse_config_files(self, *args, **options):
        super().parse_config_files(*args, **options)
        if IS_FOR_AGENTS:
            self.metadata.name = "ocsd-agent"
            kept = [each for each in self.install_requires if not each.startswith("so3g")]
            # setuptools has copied them by now.
            self.install_requires = self.metadata.install_requires = kept


class BuildWithDocuments(build_py):
    """Copies the pages, and what `make docs` has made of them for browsers, if it has."""

    def run(self) -> None:
        """Build the package, and add ``ocsd/documents``."""
        super().run()
        if not self.editable_mode:
            documents = Path(self.build_lib) / "ocsd" / "documents"
            shutil.rmtree(documents, ignore_errors=True)
            shutil.copytree(ROOT / "docs", documents, ignore=_NO_PAGES)
            built = ROOT / "build" / "docs"
            if built.is_dir():
                left_out = shutil.ignore_patterns(".doctrees", ".buildinfo*", "objects.inv")
                shutil.copytree(built, documents / "html", ignore=left_out)


def copied():
    """Yield the files of the repository to install, by folder; images have no docs."""
    for folder, place in COPIED.items():
        for file in sorted((ROOT / folder).rglob("*")):
            relative = file.relative_to(ROOT)
            if file.is_file() and "__pycache__" not in relative.parts:
                inner = file.relative_to(ROOT / folder).parent
                yield str(Path(place, inner)), str(relative)


def generated():
    """Make the manual pages and the completion scripts, and yield them by folder."""
    try:
        from click_man.core import generate_man_page
    except ImportError:  # built without isolation, e.g. by the image
        return
    import click

    sys.path.insert(0, str(ROOT))
    from click.shell_completion import get_completion_class

    from ocsd import __version__
    from ocsd.cli.arguments.completion import COMPLETE_VARIABLE
    from ocsd.cli.main import ocsd

    folder = ROOT / GENERATED
    folder.mkdir(parents=True, exist_ok=True)

    def pages(command, context):
        yield "-".join(context.command_path.split()), generate_man_page(context, __version__)
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                yield from pages(inner, click.Context(inner, info_name=name, parent=context))

    for name, text in pages(ocsd, click.Context(ocsd, info_name="ocsd")):
        (folder / f"{name}.1").write_text(text, encoding="utf-8")
        yield "share/man/man1", str(GENERATED / f"{name}.1")
    for shell, (place, name) in SHELLS.items():
        script = get_completion_class(shell)(ocsd, {}, "ocsd", COMPLETE_VARIABLE)
        # bash's class would ask for the version of bash here.
        text = script.source_template % script.source_vars()
        (folder / shell).mkdir(exist_ok=True)
        (folder / shell / name).write_text(f"{text}\n", encoding="utf-8")
        yield place, str(GENERATED / shell / name)


def data_files():
    """Return the files beside the packages, as setuptools takes them."""
    if "bdist_wheel" not in sys.argv:
        return []
    places = {}
    for place, file in (*copied(), *generated()):
        places.setdefault(place, []).append(file)
    return sorted(places.items())


setup(
    distclass=OcsdDistribution,
    cmdclass={"build_py": BuildWithDocuments},
    data_files=data_files(),
)
