"""The verbs `orthanc-aws users ENV …`: who may use a store."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from nginx.access.users import Role
from scripts.cli_options import (
    aws_options,
    console_for,
    env_argument,
    environment_of,
    output_option,
    session_of,
    stack_option,
)

if TYPE_CHECKING:
    from scripts.operations.users import AskPassword, UsersStore

_name_argument = click.argument("name", metavar="NAME")
_role_type = click.Choice([role.value for role in Role])
_generate_option = click.option("--generate", is_flag=True, help="Make a password, and print it this once.")
_stdin_option = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


class _Users(click.Group):
    """With --local, ENV may be left out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args[:1] == ["--local"] and (len(args) < 2 or args[1] in self.commands):
            from scripts.local.state import DEFAULT_NAME

            args.insert(1, DEFAULT_NAME)
        return super().parse_args(ctx, args)


@click.group(cls=_Users)
@env_argument
@click.option("--local", is_flag=True, help="ENV is a store on this machine; it may be left out.")
@click.pass_context
def users(ctx: click.Context, env: str, local: bool) -> None:
    """Show and change who may use the store of ENV. A running NGINX takes a change up within 30 seconds."""
    ctx.obj = {**ctx.obj, "env": env, "local": local}


@users.command("list")
@stack_option
@output_option
@aws_options
@click.pass_context
def list_(ctx: click.Context, output: str, **_: Any) -> None:
    """Show the users with their roles."""
    from scripts import reports
    from scripts.operations.users import listed

    found = listed(_store(ctx))
    as_json = {name: {"Role": user.role, "HasPassword": bool(user.password)} for name, user in found.items()}
    console_for(output).result(as_json, reports.users(found))


@users.command()
@_name_argument
@click.option("--role", type=_role_type, required=True, help="What the user may do.")
@click.option("--no-password", is_flag=True, help="NAME is a token's sub or a certificate's subject.")
@_generate_option
@_stdin_option
@stack_option
@aws_options
@click.pass_context
def add(ctx: click.Context, name: str, role: str, no_password: bool, **_: Any) -> None:
    """Add a user, whose password is asked for."""
    from scripts.operations.users import add

    _check_password_options(ctx)
    store, done = _store(ctx), f"{name} is a {role} now"
    if no_password:
        add(store, name, Role(role), None)
        _done(done)
    else:
        _with_password(ctx, lambda ask: add(store, name, Role(role), ask), done)


@users.command()
@_name_argument
@stack_option
@aws_options
@click.pass_context
def remove(ctx: click.Context, name: str, **_: Any) -> None:
    """Remove a user."""
    from scripts.operations.users import remove

    remove(_store(ctx), name)
    _done(f"{name} is no user any more")


@users.command()
@_name_argument
@_generate_option
@_stdin_option
@stack_option
@aws_options
@click.pass_context
def passwd(ctx: click.Context, name: str, **_: Any) -> None:
    """Give a user another password, which is asked for."""
    from scripts.operations.users import set_password

    _check_password_options(ctx)
    store = _store(ctx)
    _with_password(ctx, lambda ask: set_password(store, name, ask), f"{name} has another password now")


@users.command()
@_name_argument
@click.argument("role", type=_role_type)
@stack_option
@aws_options
@click.pass_context
def role(ctx: click.Context, name: str, role: str, **_: Any) -> None:
    """Give a user another role."""
    from scripts.operations.users import set_role

    set_role(_store(ctx), name, Role(role))
    _done(f"{name} is a {role} now")


def _store(ctx: click.Context) -> "UsersStore":
    """Where the users of ENV are."""
    if ctx.obj["local"]:
        from scripts.local.state import users_file
        from scripts.operations.users_file import FileUsers

        return FileUsers(users_file(ctx.obj["env"]))
    from scripts.aws.users_secret import SecretUsers
    from scripts.operations.status import output

    environment, session = environment_of(ctx), session_of(ctx)
    return SecretUsers(session.client("secretsmanager"), output(environment, session, "UsersSecret"))


def _check_password_options(ctx: click.Context) -> None:
    given = [name for name in ("no_password", "generate", "password_stdin") if ctx.params.get(name)]
    if len(given) > 1:
        options = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise click.UsageError(f"{options} exclude each other.", ctx)


def _with_password(ctx: click.Context, change: Callable[["AskPassword"], None], done: str) -> None:
    """Makes a change that asks for a password, and prints the password if it was generated."""
    if ctx.params["generate"]:
        from scripts.operations.users import generate_password

        password = generate_password()
        change(lambda: password)
        _done(done)
        click.echo(password)
    else:
        ask: AskPassword = _read_password if ctx.params["password_stdin"] else _ask_for_password
        change(ask)
        _done(done)


def _ask_for_password() -> str:
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True)
    return password


def _read_password() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _done(what: str) -> None:
    console_for().done(f"{what}; a running NGINX takes it up within 30 seconds")
