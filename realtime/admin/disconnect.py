"""Disconnecting sessions from the admin: finding them, disconnecting, logging it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from realtime import api
from realtime.models import LiveSession
from realtime.store.contract import BlockingStore
from realtime.store.records import Session
from realtime.views.serializers import reference

PERMISSION = "realtime.disconnect_livesession"

REASON_LENGTH = 200  # characters, as in the store


@dataclass(frozen=True, slots=True)
class Target:
    """The sessions of a disconnect; with ``users``, all sessions of these users."""

    sessions: tuple[Session, ...]
    users: tuple[str, ...] = ()

    @property
    def whole_users(self) -> bool:
        """Whether all sessions of some users will be disconnected."""
        return bool(self.users)


def find_target(
    store: BlockingStore, ids: Sequence[str], *, of_users: bool, users: Sequence[str] = ()
) -> Target:
    """The chosen sessions that still exist or, with ``of_users``, all sessions of their users.

    Anonymous sessions stay single. ``users`` adds users that were chosen by sessions which may
    have ended since. Raises StoreUnavailable.
    """
    chosen = tuple(session for id_ in ids if (session := store.get(id_)))
    if not of_users:
        return Target(chosen)
    owners = [s.peer.user for s in chosen if s.peer.user]
    all_users = tuple(dict.fromkeys([*filter(None, users), *owners]))
    anonymous = tuple(session for session in chosen if not session.peer.user)
    return Target(
        anonymous + tuple(s for user in all_users for s in store.of_user(user)), all_users
    )


def disconnect(target: Target, reason: str, *, by: Any) -> int:
    """Disconnect all, with a log entry for each single session or user. Returns how many."""
    single = [s for s in target.sessions if s.peer.user not in target.users]
    done = 0
    for session in single:
        if api.kick(session.id, reason=reason):
            done += 1
            _log(
                by,
                LiveSession,
                reference(session.id),
                _name(session),
                _session_text(session, reason),
            )
    for user in target.users:
        count = api.kick_user(user, reason=reason)
        done += count
        name = next((_user_name(s) for s in target.sessions if s.peer.user == user), user)
        _log(by, get_user_model(), user, name, _user_text(name, count, reason))
    return done


def _session_text(session: Session, reason: str) -> str:
    names = {"user": _user_name(session), "address": session.peer.address}
    return _with_reason(_("Disconnected %(user)s, %(address)s") % names, reason)


def _user_text(name: str, count: int, reason: str) -> str:
    text = ngettext(
        "Disconnected %(count)d session of %(user)s",
        "Disconnected all %(count)d sessions of %(user)s",
        count,
    )
    return _with_reason(text % {"count": count, "user": name}, reason)


def _with_reason(text: str, reason: str) -> str:
    return f"{text}: {reason}" if reason else text


def _user_name(session: Session) -> str:
    return session.peer.username or session.peer.user or _("anonymous")


def _name(session: Session) -> str:
    return f"{_user_name(session)} {reference(session.id)}"


def _log(by: Any, model: type[Model], key: str, name: str, message: str) -> None:
    # The admin turns the key into a link, so that of a session is its reference, not its id.
    LogEntry.objects.create(
        user_id=by.pk,
        content_type=ContentType.objects.get_for_model(model),
        object_id=key,
        object_repr=name[:200],
        action_flag=CHANGE,
        change_message=message,
    )
