"""A stand-in for a telescope's control unit, as the control library sorunlib drives it."""

import time

from ocs import ocs_agent, site_config

SHORT_S = 3.0
"""How long a scan without any width goes on [s]: long enough to be seen running."""


class Acu:
    """Moves nowhere, at once."""

    @ocs_agent.param("az", type=float)
    @ocs_agent.param("el", type=float)
    def go_to(self, session, params):
        """go_to(az, el) - Move to a place."""
        session.data = {"az": params["az"], "el": params["el"]}
        if params["el"] < 0:
            return False, "below the horizon"
        return True, "arrived"

    @ocs_agent.param("target", type=float)
    def set_boresight(self, session, params):
        """set_boresight(target) - Turn the third axis."""
        return True, "turned"

    def set_scan_params(self, session, params):
        """set_scan_params(**params) - Take any parameters."""
        session.data = params
        return True, "set"

    @ocs_agent.param("_")
    def monitor(self, session, params):
        """monitor() - Watch the drives."""
        place = {"Azimuth current position": 120.0, "Elevation current position": 50.0}
        session.data = {"StatusDetailed": place}
        while session.status == "running":
            time.sleep(0.05)
        return True, "stopped"

    def generate_scan(self, session, params):
        """generate_scan(**params) - Go to and fro; without any width, end by itself."""
        session.data = params
        ends_at = time.monotonic() + SHORT_S
        is_wide = params["az_endpoint1"] != params["az_endpoint2"]
        while session.status == "running" and (is_wide or time.monotonic() < ends_at):
            time.sleep(0.05)
        return True, "stopped"

    def stop(self, session, params):
        """Ask a process to end."""
        session.set_status("stopping")


def main(args=None):
    """Run the agent."""
    parsed = site_config.parse_args(agent_class="ACUAgent", args=args)
    agent, runner = ocs_agent.init_site_agent(parsed)
    acu = Acu()
    agent.register_task("go_to", acu.go_to)
    agent.register_task("set_boresight", acu.set_boresight)
    agent.register_task("set_scan_params", acu.set_scan_params)
    agent.register_process("monitor", acu.monitor, acu.stop)
    agent.register_process("generate_scan", acu.generate_scan, acu.stop)
    runner.run(agent, auto_reconnect=True)


if __name__ == "__main__":
    main()
