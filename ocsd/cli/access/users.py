"""The commands `ocsd access user …`: the people who may log in."""

import json
import time
from typing import Any

import click

from ocsd.access.records import Person, checked_name, checked_role
from ocsd.cli.access import place
from ocsd.cli.access.role import role_option
from ocsd.cli.access.secrets import password_of
from ocsd.cli.arguments import options
from ocsd.cli.screen import terminal
from ocsd.cli.screen.table import Cell, columns, table_lines
from ocsd.errors import NoSuchInstanceError, OcsdError
from ocsd.text.nearest import did_you_mean
from ocsd.text.times import utc

_with_password = options.with_all(
    click.option(
        "--password-file", metavar="FILE", help="Read the password from FILE; - is the input."
    ),
    click.option("--generate", is_flag=True, help="Make a password, and print it this once."),
    options.json_option,
    options.host_option,
)


def _names(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the names of people that begin with `begun`, for the completion."""
    try:
        people = place.of_hub(context.params.get("host")).store.people()
    except OcsdError:
        return []
    return [name for name in people if name.startswith(begun)]


@click.group(
    epilog=options.examples(
        "ocsd access user add vera --role viewer",
        "ocsd access user add script1 --role operator --generate",
        "ocsd access user add otto --role expert --password-file otto.txt",
        "ocsd access user passwd vera",
        "ocsd access user list",
    ),
)
def user() -> None:
    """Add, list and remove the people who may log in.

    A change is in force at once; nothing has to be restarted. Somebody who was removed, or has
    another role now, is cut off.
    """


@options.command("ocsd access user add vera --role viewer")
@click.argument("name", metavar="NAME")
@role_option
@_with_password
def add(name: str, role: str, as_json: bool, host: str | None, **given: Any) -> None:
    """Let somebody log in who could not before.

    The password is asked for twice.
    """
    keys = place.of_hub(host)
    name, checked = checked_name(name), checked_role(role)
    if name in keys.store.people():
        raise OcsdError(
            f"there is a {name!r} already; another password: ocsd access user passwd {name}; "
            f"another role: ocsd access user role {name} {checked}"
        )
    password = password_of(name, given["password_file"], generate=given["generate"])
    person = Person(checked.value, _hashed(password), time.time())

    def change(people: dict[str, Person]) -> None:
        if name in people:
            raise OcsdError(f"somebody else has just added {name!r}")
        people[name] = person

    keys.store.change_people(change)
    keys.record("user-add", name, role=checked.value)
    shown = password if given["generate"] else None
    _tell(f"{name} may log in as {checked}", shown, {"name": name, "role": checked.value}, as_json)


@options.command("ocsd access user passwd vera", "ocsd access user passwd vera --generate")
@click.argument("name", metavar="NAME", shell_complete=_names)
@_with_password
def passwd(name: str, as_json: bool, host: str | None, **given: Any) -> None:
    """Set another password."""
    keys = place.of_hub(host)
    _known(name, keys)
    password = password_of(name, given["password_file"], generate=given["generate"])
    hashed = _hashed(password)

    def change(people: dict[str, Person]) -> None:
        if name in people:
            people[name] = Person(people[name].role, hashed, time.time())

    keys.store.change_people(change)
    keys.record("user-passwd", name)
    shown = password if given["generate"] else None
    _tell(f"{name} has another password", shown, {"name": name}, as_json)


@options.command("ocsd access user role vera operator")
@click.argument("name", metavar="NAME", shell_complete=_names)
@click.argument("role", metavar="ROLE")
@options.json_option
@options.host_option
def role(name: str, role: str, as_json: bool, host: str | None) -> None:
    """Give somebody another role."""
    keys, checked = place.of_hub(host), checked_role(role)
    _known(name, keys)

    def change(people: dict[str, Person]) -> None:
        if name in people:
            people[name] = Person(checked.value, people[name].password, people[name].since_at)

    keys.store.change_people(change)
    keys.record("user-role", name, role=checked.value)
    _tell(f"{name} is {checked} now", None, {"name": name, "role": checked.value}, as_json)


@options.command("ocsd access user remove vera")
@click.argument("name", metavar="NAME", shell_complete=_names)
@options.json_option
@options.host_option
def remove(name: str, as_json: bool, host: str | None) -> None:
    """Let somebody log in no more."""
    keys = place.of_hub(host)
    _known(name, keys)

    def change(people: dict[str, Person]) -> None:
        people.pop(name, None)

    keys.store.change_people(change)
    keys.record("user-remove", name)
    _tell(f"{name} may log in no more", None, {"name": name}, as_json)


@options.command("ocsd access user list", "ocsd access user list --json | jq .")
@options.json_option
@options.host_option
def listed(as_json: bool, host: str | None) -> None:
    """List the people who may log in, with their roles."""
    people = place.of_hub(host).store.people()
    if as_json:
        found = {
            name: {"role": each.role, "since_at": each.since_at} for name, each in people.items()
        }
        print(json.dumps(found, indent=1))
        return
    if not people:
        print("nobody may log in yet; to let somebody in: ocsd access user add NAME --role ROLE")
        return
    rows = [
        [Cell(name), Cell(each.role), Cell(utc(each.since_at))] for name, each in people.items()
    ]
    titles = columns("NAME", "ROLE", "PASSWORD SINCE")
    print("\n".join(table_lines(titles, rows, terminal.of_output())))


def _known(name: str, keys: place.Keys) -> None:
    people = keys.store.people()
    if name not in people:
        there = ", ".join(people) or "nobody"
        raise NoSuchInstanceError(
            f"nobody is called {name!r}; known: {there}{did_you_mean(name, people)}"
        )


def _hashed(password: str) -> str:
    # It takes long to load.
    from ocsd.access.passwords import hashed

    return hashed(password)


def _tell(text: str, password: str | None, facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        shown = {} if password is None else {"password": password}
        print(json.dumps({**facts, **shown}))
        return
    print(text)
    if password is not None:
        print(f"the password, which is shown this once: {password}")


for _name, _command in (
    ("add", add),
    ("passwd", passwd),
    ("role", role),
    ("list", listed),
    ("remove", remove),
):
    user.add_command(_command, _name)
