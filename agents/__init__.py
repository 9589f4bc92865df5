"""The agents that come with ocsd; installed as package ``ocsd_agents``."""
