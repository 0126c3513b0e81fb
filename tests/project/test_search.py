"""The search of the demo: its results lead to sections that exist."""

from project import documents


async def test_each_result_leads_to_a_section() -> None:
    found = [result async for result in documents.search("HEARTBEAT")]
    assert len(found) > 10
    for result in found:
        name, _, anchor = result["path"].partition("#")
        path = documents.find(name)
        assert path is not None
        assert f'id="{anchor}"' in documents.render(path)
        assert "`" not in result["heading"]
        assert result["page"] == documents.heading(path)
