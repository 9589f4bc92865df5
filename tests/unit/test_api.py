"""The names and signatures that agent authors know (docs/reference/agent-api.md), one by one."""

import importlib
import inspect
from unittest.mock import MagicMock

import pytest

import ocsd
from ocsd import base, ocs_agent

ANY = object()
"""A default that an author cannot see, such as a mark for "not given"."""

# Module, name, parameters with their defaults in the order in which authors may
# pass them by position. `agg_params={}` of docs/reference/agent-api.md is None here: no default
# that anyone could change.
SIGNATURES = [
    ("ocs_agent", "init_site_agent", "args address=None"),
    ("ocs_agent", "OCSAgent", "config site_args address=None class_name=None"),
    (
        "ocs_agent",
        "OCSAgent.register_task",
        "name func aborter=None blocking=True aborter_blocking=None startup=False min_privs=0",
    ),
    (
        "ocs_agent",
        "OCSAgent.register_process",
        "name start_func stop_func blocking=True stopper_blocking=None startup=False min_privs=0",
    ),
    (
        "ocs_agent",
        "OCSAgent.register_feed",
        "feed_name record=False agg_params=None buffer_time=0 max_messages=0",
    ),
    ("ocs_agent", "OCSAgent.publish_to_feed", "feed_name message from_reactor=None"),
    ("ocs_agent", "OCSAgent.subscribe", "handler topic options=None force_subscribe=False"),
    (
        "ocs_agent",
        "OCSAgent.subscribe_to_feed",
        "agent_addr feed_name handler options=None force_subscribe=False",
    ),
    (
        "ocs_agent",
        "OCSAgent.subscribe_on_start",
        "handler topic options=None force_subscribe=None",
    ),
    (
        "ocs_agent",
        "OCSAgent.call_op",
        "agent_address op_name action params=None timeout=None",
    ),
    ("ocs_agent", "OCSAgent.start", "op_name params=None password=None"),
    ("ocs_agent", "OCSAgent.wait", "op_name timeout=None password=None"),
    ("ocs_agent", "OCSAgent.stop", "op_name params=None password=None"),
    ("ocs_agent", "OCSAgent.abort", "op_name params=None password=None"),
    ("ocs_agent", "OCSAgent.status", "op_name params=None password=None"),
    ("ocs_agent", "OCSAgent.encoded", ""),
    (
        "ocs_agent",
        "OpSession",
        "session_id op_name status='starting' app=None purge_policy=None cred_level=1",
    ),
    ("ocs_agent", "OpSession.set_status", "status timestamp=None"),
    ("ocs_agent", "OpSession.add_message", "message timestamp=None"),
    ("ocs_agent", "OpSession.encoded", ""),
    ("ocs_agent", "param", "key"),
    ("ocs_agent", "ParamHandler", "params"),
    (
        "ocs_agent",
        "ParamHandler.get",
        "key default=ANY check=None cast=None type=None choices=None treat_none_as_missing=True",
    ),
    ("ocs_agent", "ParamHandler.batch", "instructions check_for_strays=True"),
    ("ocs_agent", "ParamHandler.check_for_strays", "ignore=ANY"),
    ("ocs_agent", "ParamError", "msg"),
    (
        "ocs_agent",
        "AgentTask",
        "launcher blocking=None aborter=None aborter_blocking=None min_privs=1",
    ),
    (
        "ocs_agent",
        "AgentProcess",
        "launcher stopper blocking=None stopper_blocking=None min_privs=0",
    ),
    ("ocs_agent", "AgentTask.launch_deferred", "session params"),
    ("ocs_agent", "AgentProcess.launch_deferred", "session params"),
    ("ocs_agent", "log_formatter", "event"),
    ("ocs_twisted", "TimeoutLock", "default_timeout=0"),
    ("ocs_twisted", "TimeoutLock.acquire", "timeout=None job=None"),
    ("ocs_twisted", "TimeoutLock.release", ""),
    ("ocs_twisted", "TimeoutLock.release_and_acquire", "timeout=None"),
    ("ocs_twisted", "TimeoutLock.acquire_timeout", "timeout=None job='unnamed'"),
    ("ocs_twisted", "Pacemaker", "sample_freq quantize=False"),
    ("ocs_twisted", "Pacemaker.sleep", ""),
    ("ocs_twisted", "Pacemaker.dsleep", ""),
    ("ocs_twisted", "in_reactor_context", ""),
    (
        "ocs_feed",
        "Feed",
        "agent feed_name record=False agg_params=None buffer_time=0 max_messages=0",
    ),
    ("ocs_feed", "Feed.encoded", ""),
    ("ocs_feed", "Feed.publish_message", "message timestamp=None"),
    ("ocs_feed", "Feed.flush_buffer", ""),
    ("ocs_feed", "Feed.verify_influxdb_tags", "message"),
    ("ocs_feed", "Feed.verify_message_data_type", "value"),
    ("ocs_feed", "Feed.verify_data_field_string", "field"),
    ("ocs_feed", "Feed.enforce_field_name_rules", "field_name"),
    ("ocs_feed", "Block", "name keys"),
    ("ocs_feed", "Block.append", "d"),
    ("ocs_feed", "Block.extend", "block"),
    ("ocs_feed", "Block.clear", ""),
    ("ocs_feed", "Block.empty", ""),
    ("ocs_feed", "Block.encoded", ""),
    ("site_config", "add_arguments", "parser=None"),
    ("site_config", "parse_args", "agent_class=None parser=None args=None"),
    ("site_config", "get_config", "args agent_class=None"),
    ("site_config", "get_control_client", "instance_id site=None args=None"),
    ("site_config", "add_site_attributes", "args site host=None"),
    ("site_config", "summarize_dict", "d"),
    ("site_config", "ArgContainer", "args"),
    ("site_config", "ArgContainer.update", "arg_container2"),
    ("site_config", "SiteConfig.from_dict", "data"),
    ("site_config", "SiteConfig.from_yaml", "filename"),
    ("site_config", "HostConfig.from_dict", "data parent=None name=None"),
    ("site_config", "HubConfig.from_dict", "data parent=None"),
    ("site_config", "InstanceConfig.from_dict", "data parent=None"),
    ("site_config", "CrossbarConfig.from_dict", "data parent=None"),
    ("site_config", "CrossbarConfig.get_cmd", "cmd"),
    ("site_config", "register_agent_class", "class_name=ANY path=ANY"),
]

# What is there without being called.
NAMES = [
    ("ocs_agent", "OpCode ParamError SESSION_STATUS_CODES in_reactor_context AgentOp"),
    ("site_config", "SiteConfig HostConfig HubConfig InstanceConfig"),
    ("base", "OpCode ResponseCode OK ERROR TIMEOUT"),
    ("access", "CredLevel AC_VERSION"),
]


def found(module, name):
    thing = importlib.import_module(f"ocsd.{module}")
    for part in name.split("."):
        thing = getattr(thing, part)
    return thing


@pytest.mark.parametrize(("module", "name", "expected"), SIGNATURES, ids=lambda text: text[:40])
def test_a_name_takes_what_its_callers_pass(module, name, expected):
    parameters = list(inspect.signature(found(module, name)).parameters.values())
    method = "." in name and not isinstance(
        inspect.getattr_static(*_owner(module, name)), staticmethod | classmethod
    )
    for parameter in parameters[1:] if method else parameters:
        if not expected:
            # What we have beyond OCS must not be in a caller's way.
            assert (
                parameter.default is not parameter.empty or parameter.kind is parameter.VAR_KEYWORD
            )
            continue
        first, _, expected = expected.partition(" ")
        wanted, _, default = first.partition("=")
        assert parameter.name == wanted
        if default == "":
            assert parameter.default is parameter.empty
        elif default != "ANY":
            assert repr(parameter.default) == default
    assert expected == ""


def _owner(module, name):
    holder, _, last = name.rpartition(".")
    return found(module, holder), last


@pytest.mark.parametrize(("module", "names"), NAMES)
def test_a_module_has_its_names(module, names):
    for name in names.split():
        assert found(module, name) is not None


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module, name, _ in SIGNATURES],
    ids=lambda text: text,
)
def test_public_names_are_documented_and_typed(module, name):
    thing = found(module, name)
    assert inspect.getdoc(thing)
    function = thing.__init__ if inspect.isclass(thing) else inspect.unwrap(thing)
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name != "self":
            assert parameter.annotation is not parameter.empty, parameter


def test_the_codes_are_those_of_the_wire():
    assert {code.name: code.value for code in base.OpCode} == {
        "NONE": 1,
        "STARTING": 2,
        "RUNNING": 3,
        "STOPPING": 4,
        "SUCCEEDED": 5,
        "FAILED": 6,
        "EXPIRED": 7,
        "DEGRADED": 8,
    }
    assert (ocsd.OK, ocsd.ERROR, ocsd.TIMEOUT) == (base.OK, base.ERROR, base.TIMEOUT) == (0, -1, 1)
    assert ocsd.OpCode is base.OpCode
    assert ocs_agent.SESSION_STATUS_CODES == [None, "starting", "running", "stopping", "done"]


def test_an_agent_has_what_authors_use():
    agent = ocs_agent.OCSAgent(MagicMock(), MagicMock(), address="root.name", class_name="Thermo")
    assert (agent.agent_address, agent.class_name) == ("root.name", "Thermo")
    assert (agent.tasks, agent.processes, agent.sessions, agent.feeds) == ({}, {}, {}, {})
    assert (agent.startup_ops, agent.subscribed_topics) == ([], set())
    assert float(agent.agent_session_id) > 0
    assert agent.site_args.instance_id is agent.instance_id
    for level in ("debug", "info", "warn", "error", "critical"):
        assert callable(getattr(agent.log, level))


def test_a_session_has_what_authors_use():
    app = MagicMock()
    session = ocs_agent.OpSession(7, "acq", app=app, cred_level=2)
    assert (session.session_id, session.op_name, session.app) == (7, "acq", app)
    assert (session.data, session.degraded, session.success) == ({}, False, None)
    assert (session.status, session.cred_level) == ("starting", 2)
    assert session.op_code is base.OpCode.STARTING
    assert [text for _, text in session.messages] == ['Status is now "starting".']
    assert set(session.encoded()) == {
        "session_id",
        "op_name",
        "op_code",
        "cred_level",
        "status",
        "degraded",
        "success",
        "start_time",
        "end_time",
        "data",
        "messages",
    }
