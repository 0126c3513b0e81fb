"""Disconnecting from the admin: whom it would hit, doing it, writing it down."""

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

REASON_LENGTH = 200  # what the store keeps of it


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a disconnect hits: these sessions alone, or all that their users have."""

    sessions: tuple[Session, ...]
    users: tuple[str, ...] = ()

    @property
    def whole_users(self) -> bool:
        """Whether all sessions of some users are meant."""
        return bool(self.users)


def target(
    store: BlockingStore, ids: Sequence[str], *, of_users: bool, users: Sequence[str] = ()
) -> Target:
    """What is left of the chosen sessions, or what their users have. Raises StoreUnavailable.

    An anonymous session has no user; it is hit alone. ``users`` were meant before: the
    sessions by which they were chosen may have ended since.
    """
    chosen = tuple(session for id_ in ids if (session := store.get(id_)))
    if not of_users:
        return Target(chosen)
    theirs = [s.peer.user for s in chosen if s.peer.user]
    all_users = tuple(dict.fromkeys([*filter(None, users), *theirs]))
    nobodys = tuple(session for session in chosen if not session.peer.user)
    return Target(nobodys + tuple(s for user in all_users for s in store.of_user(user)), all_users)


def disconnect(target: Target, reason: str, *, by: Any) -> int:
    """Ask for the end of all, with one log entry per session or user; how many were there."""
    alone = [s for s in target.sessions if s.peer.user not in target.users]
    done = 0
    for session in alone:
        if api.kick(session.id, reason=reason):
            done += 1
            _log(by, LiveSession, reference(session.id), _name(session), _of_one(session, reason))
    for user in target.users:
        count = api.kick_user(user, reason=reason)
        done += count
        name = next((_who(s) for s in target.sessions if s.peer.user == user), user)
        _log(by, get_user_model(), user, name, _of_user(name, count, reason))
    return done


def _of_one(session: Session, reason: str) -> str:
    who = {"who": _who(session), "address": session.peer.address}
    return _with_reason(_("Disconnected %(who)s, %(address)s") % who, reason)


def _of_user(name: str, count: int, reason: str) -> str:
    text = ngettext(
        "Disconnected %(count)d session of %(who)s",
        "Disconnected all %(count)d sessions of %(who)s",
        count,
    )
    return _with_reason(text % {"count": count, "who": name}, reason)


def _with_reason(text: str, reason: str) -> str:
    return f"{text}: {reason}" if reason else text


def _who(session: Session) -> str:
    return session.peer.username or session.peer.user or _("anonymous")


def _name(session: Session) -> str:
    return f"{_who(session)} {reference(session.id)}"


def _log(by: Any, model: type[Model], key: str, name: str, message: str) -> None:
    # The admin makes a link of the key, so a session's is its reference and never its id.
    LogEntry.objects.create(
        user_id=by.pk,
        content_type=ContentType.objects.get_for_model(model),
        object_id=key,
        object_repr=name[:200],
        action_flag=CHANGE,
        change_message=message,
    )
