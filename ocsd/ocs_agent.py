"""For agent authors: the agent, its operations and their parameters."""

from ocsd.system.garbage import loaded

with loaded():
    from ocsd.agent.agent import OCSAgent
    from ocsd.agent.operations.operation import AgentOp, AgentProcess, AgentTask
    from ocsd.agent.operations.params import ParamError, ParamHandler, param
    from ocsd.agent.operations.session import SESSION_STATUS_CODES, OpSession
    from ocsd.agent.runner import init_site_agent
    from ocsd.base import OpCode
    from ocsd.log.logs import log_formatter
    from ocsd.reactor.threads import in_reactor_context

__all__ = [
    "SESSION_STATUS_CODES",
    "AgentOp",
    "AgentProcess",
    "AgentTask",
    "OCSAgent",
    "OpCode",
    "OpSession",
    "ParamError",
    "ParamHandler",
    "in_reactor_context",
    "init_site_agent",
    "log_formatter",
    "param",
]
