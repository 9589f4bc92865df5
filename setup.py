"""Puts the documentation into the package that is built; everything else is in setup.cfg."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
_NO_PAGES = shutil.ignore_patterns("_build", "*.py", "__pycache__")


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


setup(cmdclass={"build_py": BuildWithDocuments})
