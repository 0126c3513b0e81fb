"""The application's data as JSON, refused here if the server would refuse it."""

import json
from typing import Any

from realtime.protocol.json_limits import check_json


def encode_data(data: Any, *, max_bytes: int) -> bytes:
    """Return data as JSON in UTF-8. Raises TypeError for what is no JSON, and ValueError for NaN,
    half characters, integers beyond 2^53, deep nesting, and more than ``max_bytes`` bytes."""
    try:
        text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        raise ValueError("expected data that is nested less deeply") from None
    encoded = text.encode()
    if len(encoded) > max_bytes:
        raise ValueError(f"expected data of at most {max_bytes} bytes as JSON, not {len(encoded)}")
    check_json(f'{{"items":[{{"data":{text}}}]}}')  # the levels of the frame count as well
    return encoded
