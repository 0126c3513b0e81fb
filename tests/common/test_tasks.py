"""Tasks that outlive their caller."""

from contextvars import ContextVar

from realtime.common.tasks import start_task

span: ContextVar[str] = ContextVar("span", default="none")


async def test_a_task_that_outlives_its_caller_has_a_context_of_its_own() -> None:
    span.set("of the caller")

    async def own() -> str:
        return span.get()

    task = start_task(own(), name="own")
    assert (await task, task.get_name()) == ("none", "own")
