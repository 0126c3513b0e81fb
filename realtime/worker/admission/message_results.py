"""Serves messages that came in one frame, in their order."""

from realtime.common.tasks import await_external
from realtime.protocol.codes import ErrorCode
from realtime.protocol.messages import RoomMessage
from realtime.protocol.position import Position
from realtime.protocol.room_messages import ItemResult, RoomMessages

from ..rooms.permissions import Refused
from .handlers import Handlers

LATER = {ErrorCode.UNAVAILABLE, ErrorCode.RATE_LIMITED}  # the client sends these again


async def serve_messages(handlers: Handlers, frame: RoomMessages) -> tuple[ItemResult, ...]:
    """Serve the messages of a frame and return their results, in their order.

    None is attempted after one that the client has to send again, which it would overtake: those
    behind get the same result.
    """
    messages = [RoomMessage(frame.id, frame.room, item.data, item.key) for item in frame.items]
    if handlers.only_publishes:
        return tuple(map(_result, await handlers.publish_messages(messages)))
    results: list[ItemResult] = []
    for message in messages:
        outcome = await _serve(handlers, message)
        results.append(_result(outcome))
        if isinstance(outcome, Refused) and outcome.code in LATER:
            results += [results[-1]] * (len(messages) - len(results))
            break
    return tuple(results)


async def _serve(handlers: Handlers, message: RoomMessage) -> Position | Refused | None:
    try:
        return await await_external(handlers.receive_message(message))
    except Exception as error:
        return handlers.refusal_for(error)


def _result(outcome: Position | Refused | None) -> ItemResult:
    match outcome:
        case Position():
            return ItemResult(epoch=outcome.epoch, offset=outcome.offset)
        case Refused():
            return ItemResult(code=outcome.code.value, detail=outcome.detail)
    return ItemResult()
