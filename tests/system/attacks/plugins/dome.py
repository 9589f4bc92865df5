"""A dome whose operations need different privileges, and which says what it was made to do."""

from twisted.internet.defer import inlineCallbacks

from ocsd import ocs_agent, site_config
from ocsd.ocs_twisted import dsleep


class Dome:
    running = False

    def look(self, session, params):
        """look() - **Task** - for everybody who may operate."""
        return True, "looked"

    def aim(self, session, params):
        """aim(secret=None) - **Task** - for experts."""
        return True, "aimed"

    def open_roof(self, session, params):
        """open_roof() - **Task** - for administrators."""
        return True, "opened"

    @inlineCallbacks
    def turn(self, session, params):
        """turn() - **Process** - turns until it is stopped."""
        self.running = True
        while self.running:
            yield dsleep(0.05)
        return True, "turned"

    def stop_turn(self, session, params):
        self.running = False
        return True, "stopping"


args = site_config.parse_args(agent_class="Dome", args=None)
agent, runner = ocs_agent.init_site_agent(args)
dome = Dome()
agent.register_task("look", dome.look)
agent.register_task("aim", dome.aim, min_privs=2)
agent.register_task("open_roof", dome.open_roof, min_privs=3)
agent.register_process("turn", dome.turn, dome.stop_turn, blocking=False, startup=True)
runner.run(agent, auto_reconnect=True)
