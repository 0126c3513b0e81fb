"""The demo project on MariaDB, by a driver that needs no compiler."""

import pymysql

pymysql.install_as_MySQLdb()

from .demo_settings import *  # noqa: E402, F403
