"""Enforcement points of links between hubs: whose question it is, and how far it may see."""

from __future__ import annotations

from tests.mutation.point import Point

LINKS = "tests/hub/links/test_links.py::"
LINK, VISIBLE = "auth/link.py", "policies/visibility.py"

# fmt: off
LINKED = (
    Point(
        "a link's token and its question", "a token speaks for the question it was signed for",
        LINK, "if not hmac.compare_digest(told, hashlib.sha256(body).hexdigest()):", "if False:",
        (f"{LINKS}test_tokens_that_are_not_good",),
    ),
    Point(
        "once", "a token is good once, across workers and restarts",
        LINK, 'if not await self._once.first(f"{link.name} {ident}", held.expires_at + LEEWAY_S):',
        "if False:",
        (f"{LINKS}test_a_token_used_before_a_restart_is_used",),
    ),
    Point(
        "path of hubs", "a question that comes back to a hub ends there",
        LINK, "if self._own in hubs or len(set(hubs)) < len(hubs) or len(hubs) > MOST_HUBS:",
        "if False:",
        (f"{LINKS}test_loops_end_where_they_close",),
    ),
    Point(
        "the link at the path's end", "a hub speaks in its own name alone",
        LINK, "if len(hubs) < len(value) or hubs[-1] != link.name:", "if len(hubs) < len(value):",
        (f"{LINKS}test_tokens_that_are_not_good",),
    ),
    Point(
        "a link's ceiling", "what another hub says of a clearance counts up to the link's ceiling",
        LINK, "ladder.levels[min(ladder.rank(said), ladder.rank(top))]", "said",
        (f"{LINKS}test_the_ceiling_hides_fields_from_everything",),
    ),
    Point(
        "names of another hub", "whom another hub names is nobody whom this one has named",
        LINK, 'app = f"{link.name}/{app}"', "app = f\"{app}\"",
        (f"{LINKS}test_who_is_known_over_a_link",),
    ),
    Point(
        "attributes over a link", "a word of another hub is known where the link accepts it",
        LINK, "return value if found == ANY else found", "return value",
        (f"{LINKS}test_who_is_known_over_a_link",),
    ),
    Point(
        "above a link's ceiling", "what lies above the ceiling has no name over the link",
        VISIBLE, "scheme.dominates(subject.clearance, label))", "True)",
        (f"{LINKS}test_the_ceiling_hides_fields_from_everything",),
    ),
    Point(
        "names of a link's callers", "nobody whom this hub names is taken for a caller of a link",
        "auth/identify.py", "if self._links is not None and self._links.names(subject):",
        "if False:",
        (f"{LINKS}test_nobody_here_bears_a_name_of_a_links_callers",),
    ),
    Point(
        "ids over a link", "no id tells rows apart by a key that lies above the ceiling",
        VISIBLE, "for use in held.uses - sealed if", "for use in held.uses if",
        (f"{LINKS}test_rows_whose_key_lies_above_the_ceiling_have_no_id",),
    ),
    Point(
        "links out of a folder", "files beside a source's folder are not read through links in it",
        "connectors/files/formats.py",
        "if any(root not in file.resolve().parents for file in found):", "if False:",
        ("tests/connectors/files/test_files_connector.py::"
         "test_a_link_that_leads_out_of_the_folder_is_not_followed",),
    ),
)
