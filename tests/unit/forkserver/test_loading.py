"""The libraries of what is forked are loaded in steps."""

import json
import subprocess
import sys

CODE = """
import gc, json, sys
usual = gc.get_threshold()
from ocsd.forkserver.warmth.loading import Loading
loading = Loading()
loading.expect(3)
told = [loading.pause_s]
loading.make_ready(for_agents=False)
told += ["autobahn" in sys.modules, "numpy" in sys.modules, loading.pause_s]
loading.make_ready(for_agents=True)
told += ["numpy" in sys.modules, loading.pause_s, loading.trouble]
told += [gc.get_freeze_count() > 0, gc.get_threshold() == usual]
print(json.dumps(told))
"""


def test_the_router_waits_for_no_library_of_agents_and_few_agents_for_no_rehearsal():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [0.0, True, False, 0.0, True, 60.0, "", True, True]
