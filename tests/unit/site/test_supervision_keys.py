"""The keys of a site file that say how an instance is supervised."""

import pytest

from ocsd.site.supervision import OCCASIONS, LivenessKeys, ResourceLimits

HOST = "hub: {wamp_server: 'ws://localhost:8001/ws'}\nhosts:\n  lab:\n"


def an_entry(keys):
    """Return a file with one instance in line 5."""
    return f"{HOST}    agent-instances:\n      - {{agent-class: A, instance-id: a, {keys}}}\n"


def a_host(keys):
    """Return a file with keys of the host in line 4."""
    return f"{HOST}    {keys}\n"


@pytest.fixture
def instance(loaded):
    """Load an instance from its keys."""

    def load_instance(keys):
        (only,) = loaded(an_entry(keys)).hosts["lab"].instances
        return only

    return load_instance


def test_an_entry_that_says_nothing_has_the_documented_defaults(instance):
    plain = instance("manage: up")
    assert plain.liveness == LivenessKeys(
        reactor="restart", router="warn", call="warn", feeds="warn", operations="warn"
    )
    assert plain.limits == ResourceLimits(memory=None, nice=0, open_files=None)
    assert (plain.retry_when, plain.env) == ((), {})


@pytest.mark.parametrize(
    ("written", "size_bytes"),
    [
        ("500M", 500 * 2**20),
        ("1.5 GiB", 3 * 2**29),
        ("2048k", 2 * 2**20),
        ("4194304", 2**22),
        ("' 2G '", 2**31),
        ("1048576", 2**20),
    ],
)
def test_memory_is_a_number_of_bytes_with_or_without_a_unit(instance, written, size_bytes):
    assert instance(f"limits: {{memory: {written}}}").limits.memory == size_bytes


def test_other_limits_are_numbers(instance):
    limits = instance("limits: {nice: -5, open-files: 4096}").limits
    assert (limits.nice, limits.open_files, limits.memory) == (-5, 4096, None)


@pytest.mark.parametrize(
    ("written", "conditions"),
    [
        ("'tcp://10.10.10.4:7777'", ("tcp://10.10.10.4:7777",)),
        ("['tcp://h:1', 'file:///dev/ttyUSB0']", ("tcp://h:1", "file:///dev/ttyUSB0")),
    ],
)
def test_a_try_may_wait_for_one_condition_or_for_several(instance, written, conditions):
    assert instance(f"retry-when: {written}").retry_when == conditions


def test_numbers_among_the_variables_become_text(instance):
    assert instance("env: {THREADS: 2, FACTOR: 0.5, PATH: /opt}").env == {
        "THREADS": "2",
        "FACTOR": "0.5",
        "PATH": "/opt",
    }


@pytest.mark.parametrize(
    ("written", "command"),
    [
        ("'/bin/page --subject \"agent hangs\"'", ("/bin/page", "--subject", "agent hangs")),
        ("[/bin/page, two words]", ("/bin/page", "two words")),
    ],
)
def test_a_hook_is_a_command_line_or_a_list_of_words(loaded, written, command):
    site = loaded(a_host(f"hooks: {{on-failed: {written}}}"))
    assert site.hosts["lab"].hooks == {"on-failed": command}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("limits: {memory: lots}", "memory 'lots' is not a size; write e.g. 500M or 2G"),
        ("limits: {memory: 3K}", "memory 3072 bytes is less than any program needs; write e.g."),
        ("limits: {memory: 1048575}", "memory 1048575 bytes is less than any program needs"),
        ("limits: {memory: yes}", "memory is the YAML word for true or false; write e.g. 500M"),
        ("limits: {memory: [1]}", "memory must be a whole number, not a list"),
        ("limits: {nice: 20}", "nice must be 19 or less, not the number 20"),
        ("limits: {nice: -21}", "nice must be -20 or more, not the number -21"),
        ("limits: {open-files: 3}", "open-files must be 16 or more, not the number 3"),
        ("limits: {mem: 5M}", "unknown key 'mem' in limits of entry 1 of agent-instances of host"),
        ("liveness: {feed: warn}", "did you mean 'feeds'?"),
        ("liveness: {feeds: restat}", "feeds must be one of nothing, warn, restart, not 'restat'"),
        ("env: {GPU: yes}", "env GPU must be text, not the YAML word for true; put it in quotes"),
        ("env: {GPU: [1]}", "env GPU must be text, not a list"),
        ("env: {'A=B': x}", "env 'A=B' cannot be the name of a variable"),
        ("env: {'': x}", "env '' cannot be the name of a variable"),
        ('env: {"A\\0B": x}', "cannot be the name of a variable"),
        ('env: {GPU: "a\\0b"}', "env GPU: its value holds a NUL"),
        ("env: [GPU]", "env must be a mapping (key: value), not a list"),
        ("retry-when: 5", "retry-when must be text or a list, not the number 5"),
    ],
)
def test_a_mistake_in_an_entry_is_told_with_its_line(problems, keys, said):
    ((line, message),) = problems(an_entry(keys))
    assert line == 5
    assert said in message


@pytest.mark.parametrize(
    "condition",
    [
        "tcp://device",
        "tcp://:7777",
        "tcp://device:99999",
        "tcp://device:7777/x",
        "file://device/dev/ttyUSB0",
        "file:///",
        "http://device:80",
        "/dev/ttyUSB0",
    ],
)
def test_what_cannot_be_looked_at_is_no_condition(problems, condition):
    assert problems(an_entry(f"retry-when: '{condition}'")) == [
        (
            5,
            f"retry-when '{condition}' is not a condition; "
            "write tcp://host:port or file:///dev/ttyUSB0",
        )
    ]


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ("{on-faild: x}", "unknown hook 'on-faild'; did you mean 'on-failed'?"),
        ("{zzz: x}", f"unknown hook 'zzz'; there are {', '.join(OCCASIONS)}"),
        ("{on-up: ''}", "hook on-up has no command"),
        ("{on-up: []}", "hook on-up has no command"),
        ("{on-up: 5}", "hook on-up must be text or a list, not the number 5"),
        ("{on-up: [page, [me]]}", "word 2 of hook on-up must be text, not a list"),
        ('{on-up: "page \'me"}', '"page \'me" is not a command: no closing quotation'),
    ],
)
def test_a_mistake_in_the_hooks_is_told_with_its_line(problems, hooks, said):
    assert problems(a_host(f"hooks: {hooks}")) == [(4, said)]


def test_a_page_for_other_machines_has_names_tls_and_web_servers_that_it_believes(loaded):
    keys = (
        "web: {names: [OCS.example.org], tls: true, certificate: /a.pem, key: /a.key, "
        "trusted-proxies: [unix, 10.0.0.0/24], colour: '#2060a0'}"
    )
    host = loaded(f"{a_host(keys)}    agent-instances: []\n").hosts["lab"]
    assert host.web.arguments() == (
        "--listen=127.0.0.1:8002",
        "--colour=#2060a0",
        "--certificate=/a.pem",
        "--key=/a.key",
        "--named=ocs.example.org",
        "--trusted-proxy=unix",
        "--trusted-proxy=10.0.0.0/24",
        "--tls=true",
    )


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("names: ['a b']", "name 'a b' is not a name of a machine"),
        ("trusted-proxies: [10.0.0.300]", "trusted-proxies '10.0.0.300' is not an address"),
        ("key: /a.key", "web has one of 'certificate' and 'key'"),
        ("path-prefix: ocsd", "path-prefix 'ocsd' is not a path"),
        ("colour: red", "colour 'red' is not a colour"),
    ],
)
def test_a_mistake_in_the_keys_of_the_page_is_told_with_its_line(problems, keys, said):
    ((line, text),) = problems(a_host(f"web: {{{keys}}}"))
    assert line == 4
    assert said in text
