"""Uvicorn's settings, as this server needs them."""

from typing import Any

import uvicorn

from ..common.lifecycle import ServerLifecycle
from ..common.limits import SIZE_ALLOWANCE
from .application import LoggedApplication


class Config(uvicorn.Config):
    """Uvicorn's settings; its protocols find their server here, under ``lifecycle``."""

    def __init__(
        self, lifecycle: ServerLifecycle, application: Any, *, http: type[Any], websocket: type[Any]
    ) -> None:
        self.lifecycle = lifecycle
        limits = lifecycle.limits
        super().__init__(
            LoggedApplication(application),
            interface="asgi3",
            lifespan="off",
            http=http,
            ws=websocket,
            ws_max_size=limits.max_message_size + SIZE_ALLOWANCE,
            ws_per_message_deflate=False,
            ws_ping_interval=None,  # ServerWebSocket sends the pings
            timeout_keep_alive=round(limits.idle_timeout),
            proxy_headers=False,  # the application decides which proxies it trusts
            # Uvicorn's INFO lines hold the query string, which may be a secret.
            log_config=None,
            log_level="error",
            access_log=False,
        )
