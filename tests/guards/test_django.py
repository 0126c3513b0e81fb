"""Django's connections, transactions, session engines and admin."""

from django.contrib.admin import ModelAdmin
from django.contrib.admin import options as admin_options
from django.contrib.auth import backends
from django.contrib.auth.models import User
from django.contrib.sessions.backends import cache, cached_db, db, signed_cookies
from django.contrib.sessions.backends.base import SessionBase
from django.core import signing
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.transaction import Atomic
from django.http import request
from django.test import TestCase

from .expectations import attributes, callables, check, source_of


def test_a_connection() -> None:
    names = (
        "atomic_blocks autocommit close_at connection features health_check_enabled "
        "in_atomic_block ops run_on_commit savepoint_ids settings_dict timezone vendor"
    )
    expected = [
        *attributes(BaseDatabaseWrapper, names),
        *callables(BaseDatabaseWrapper, close_if_unusable_or_obsolete="self"),
        *callables(type(connections), all="self, initialized_only=False"),
        *attributes(connections, "settings close_all"),
        *attributes(BaseDatabaseWrapper, "ensure_connection"),
    ]
    check("Django", expected, used_in="common/threads.py and common/transactions.py")


def test_the_mode_of_a_transaction_on_sqlite() -> None:
    check(
        "Django",
        attributes(DatabaseWrapper, "transaction_mode"),
        used_in="store/database/transaction.py",
    )


def test_the_options_that_connections_are_closed_by() -> None:
    options = connections["default"].settings_dict
    assert {"OPTIONS", "CONN_MAX_AGE", "CONN_HEALTH_CHECKS", "NAME", "AUTOCOMMIT"} <= options.keys()


def test_a_hook_is_kept_with_its_savepoints_first_and_the_function_second() -> None:
    assert "(set(self.savepoint_ids), func, robust)" in source_of(BaseDatabaseWrapper), (
        "look at realtime/publish/publishing.py"
    )


def test_the_blocks_of_a_test_are_marked() -> None:
    expected = [
        *attributes(Atomic, "_from_testcase"),
        *callables(Atomic, __init__="self, using, savepoint, durable", __enter__="self"),
    ]
    check("Django", expected, used_in="common/transactions.py")
    assert "_from_testcase = True" in "".join(map(source_of, TestCase.__mro__))
    hook = callables(transaction, on_commit="func, using=None, robust=False")
    check("Django", hook, used_in="common/transactions.py")


def test_the_session_engines() -> None:
    expected = [
        *callables(SessionBase, decode="self, session_data", load="self"),
        *attributes(SessionBase, "key_salt serializer session_key"),
        *callables(db.SessionStore, load="self", _get_session_from_db="self"),
        *attributes(db.SessionStore, "get_model_class"),
        *callables(cached_db.SessionStore, load="self"),
        *callables(cache.SessionStore, load="self"),
        *attributes(cache.SessionStore, "cache_key_prefix _cache"),
        *callables(signed_cookies.SessionStore, load="self"),
        *callables(signing, b62_decode="s"),
    ]
    check("Django", expected, used_in="security/session_engines.py")


def test_the_backends_of_users() -> None:
    expected = [
        *callables(
            backends.ModelBackend, get_user="self, user_id", user_can_authenticate="self, user"
        ),
        *callables(User, get_session_auth_hash="self", get_session_auth_fallback_hash="self"),
    ]
    check("Django", expected, used_in="security/authentication.py")


def test_the_host_of_a_request() -> None:
    expected = callables(request, split_domain_port="host", validate_host="host, allowed_hosts")
    check("Django", expected, used_in="security/origin.py")


def test_the_admin() -> None:
    expected = [
        *callables(ModelAdmin, get_changelist_instance="self, request"),
        *attributes(admin_options, "IncorrectLookupParameters"),
    ]
    check("Django", expected, used_in="admin/history.py")
