"""Several issuers at once: each vouches for its own people, and none can speak for another's."""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.config import SettingsError
from server.faults import Fault
from server.identity import TokenVerifier
from server.issuers import IssuersDocument, IssuerTrust, read_issuers
from server.line import Bearer
from server.refusals import Unauthenticated
from server.web import protected_resource
from tests.house.tree import ROOT
from tests.identity.issuer import ISSUER, OMITTED, RESOURCE, Issuer, client_of, verifier_of

PARTNER = "https://partner.test"


@dataclass
class Two:
    """The house's own issuer and a partner's, whose keys have the same names."""

    own: Issuer
    partner: Issuer
    verifier: TokenVerifier

    async def fault(self, bearer: Bearer) -> Fault | None:
        try:
            await self.verifier.verify(bearer)
        except Unauthenticated as refused:
            return refused.fault
        return None


@pytest.fixture
async def two() -> AsyncGenerator[Two]:
    own, partner = Issuer(), Issuer(PARTNER)
    theirs = {
        "issuer": PARTNER, "prefix": "partner:", "audience": "api://snowgate", "scope_prefix": "snowflake/",
        "groups": ["realm_access.roles"], "claims": {"desk": ["https://partner.test/desk"]},
    }  # fmt: skip
    async with client_of(own, partner) as http:
        yield Two(own, partner, verifier_of(http, IssuerTrust(issuer=ISSUER), IssuerTrust.model_validate(theirs)))


def of_partner(two: Two, **claims: Any) -> Bearer:
    body = {"aud": "api://snowgate", "scope": "snowflake/snowgate:read openid", **claims}
    return two.partner.sign(**body)


async def test_a_person_of_one_issuer_is_never_the_person_of_that_name_of_another(two: Two) -> None:
    ours = (await two.verifier.verify(two.own.sign(groups=["admins"], sid="s1"))).principal
    theirs = (
        await two.verifier.verify(of_partner(two, realm_access={"roles": ["admins"]}, sid="s1", act={"sub": "agent"}))
    ).principal
    assert (ours.subject, ours.actor, set(ours.groups), ours.session) == ("ada", "agent", {"admins"}, "s1")
    assert theirs.subject == "partner:ada"
    assert (theirs.actor, set(theirs.groups), theirs.session) == ("partner:agent", {"partner:admins"}, "partner:s1")
    assert (ours.issuer, theirs.issuer) == (ISSUER, PARTNER)


async def test_no_issuer_can_name_anybody_of_another(two: Two) -> None:
    assert await two.fault(two.own.sign(sub="partner:ada")) is Fault.SUBJECT
    assert await two.fault(two.own.sign(client_id="partner:agent")) is Fault.CLIENT
    assert await two.fault(two.own.sign(act={"sub": "partner:agent"})) is Fault.ACTOR
    assert await two.fault(two.own.sign(groups=["analysts", "partner:admins"])) is Fault.GROUPS


async def test_a_key_of_one_issuer_signs_nothing_of_another(two: Two) -> None:
    assert await two.fault(two.partner.sign(iss=ISSUER)) is Fault.SIGNATURE
    assert await two.fault(two.own.sign(iss=PARTNER, aud="api://snowgate")) is Fault.SIGNATURE


async def test_a_token_for_one_issuers_audience_is_none_for_anothers(two: Two) -> None:
    assert await two.fault(of_partner(two)) is None
    assert await two.fault(of_partner(two, aud=RESOURCE)) is Fault.AUDIENCE
    assert await two.fault(two.own.sign(aud="api://snowgate")) is Fault.AUDIENCE


async def test_each_issuer_names_our_scopes_in_its_own_way(two: Two) -> None:
    assert (await two.verifier.verify(of_partner(two))).principal.scopes == {"snowgate:read"}
    foreign = of_partner(two, scope="snowgate:read other/snowgate:write snowflake/")
    assert (await two.verifier.verify(foreign)).principal.scopes == frozenset()
    listed = of_partner(two, scope=OMITTED, scp=["snowflake/snowgate:write"])
    assert (await two.verifier.verify(listed)).principal.scopes == {"snowgate:write"}


async def test_one_issuer_being_down_is_nothing_to_another(two: Two) -> None:
    two.partner.is_down = True
    assert await two.fault(of_partner(two)) is Fault.KEYS
    assert await two.fault(two.own.sign()) is None


async def test_a_claim_is_found_where_its_issuer_keeps_it(two: Two) -> None:
    found = (await two.verifier.verify(of_partner(two, **{"https://partner.test/desk": "rates"}))).principal
    assert found.claims["desk"] == "rates"
    elsewhere: dict[str, Any] = {"https://partner.test/desk": "x"}
    assert "desk" not in (await two.verifier.verify(two.own.sign(**elsewhere))).principal.claims


PAGE = (ROOT / "docs" / "IDENTITY.md").read_text(encoding="utf-8")


def shown(provider: str) -> IssuerTrust:
    """The trust that the page shows under a provider's name, for this issuer and resource."""
    [text] = re.findall(rf"^## {provider}\n.*?```yaml\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
    [trust] = IssuersDocument.model_validate(yaml.safe_load(text)).issuers
    return trust.model_copy(update={"issuer": ISSUER, "audience": RESOURCE})


SHAPES: dict[str, tuple[dict[str, Any], tuple[str, str, set[str], set[str]]]] = {
    "Keycloak": (
        {"client_id": OMITTED, "azp": "claude", "typ": "Bearer", "sub": "f81d", "realm_access": {"roles": ["analysts"]},
         "groups": ["/emea"]},
        ("f81d", "claude", {"analysts", "/emea"}, {"snowgate:read"}),
    ),
    "Okta": (
        {"client_id": OMITTED, "cid": "0oa1", "uid": "00u1", "sub": "ada@example.com", "scope": OMITTED,
         "scp": ["snowgate:read", "snowgate:write"], "groups": ["analysts"]},
        ("00u1", "0oa1", {"analysts"}, {"snowgate:read", "snowgate:write"}),
    ),
    "Microsoft Entra ID": (
        {"client_id": OMITTED, "azp": "6e74", "oid": "a1b2", "sub": "pairwise", "scope": OMITTED,
         "scp": "snowgate:read", "groups": ["0c0f"], "roles": ["Analyst"], "ver": "2.0"},
        ("a1b2", "6e74", {"0c0f", "Analyst"}, {"snowgate:read"}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
async def test_the_mapping_that_the_identity_page_shows_reads_each_providers_tokens(shape: str) -> None:
    claims, (subject, actor, groups, scopes) = SHAPES[shape]
    issuer = Issuer()
    async with client_of(issuer) as http:
        found = (await verifier_of(http, shown(shape)).verify(issuer.sign(header={"typ": "JWT"}, **claims))).principal
    assert (found.subject, found.actor) == (subject, actor)
    assert (set(found.groups), set(found.scopes)) == (groups, scopes)


@pytest.mark.parametrize("claims", [{"_claim_names": {"groups": "src1"}}, {"hasgroups": True}])
async def test_groups_that_entra_left_out_are_asked_for_and_not_missed(claims: dict[str, Any]) -> None:
    issuer = Issuer()
    async with client_of(issuer) as http:
        verifier = verifier_of(http, shown("Microsoft Entra ID"))
        with pytest.raises(Unauthenticated) as refused:
            await verifier.verify(issuer.sign(header={"typ": "JWT"}, oid="a1b2", azp="6e74", **claims))
    assert refused.value.fault is Fault.GROUPS
    assert "IDENTITY" in refused.value.hint


async def test_an_address_that_the_issuer_has_not_verified_names_nobody() -> None:
    issuer = Issuer()
    async with client_of(issuer) as http:
        verifier = verifier_of(http, shown("Google"))
        proof = await verifier.verify(issuer.sign(azp="claude", email="ada@example.com", email_verified=True))
        assert proof.principal.subject == "ada@example.com"
        with pytest.raises(Unauthenticated):
            await verifier.verify(issuer.sign(azp="claude", email="ada@example.com", email_verified=False))


async def test_those_through_whom_an_agent_acts_are_told_and_nothing_more() -> None:
    issuer = Issuer()
    async with client_of(issuer) as http:
        act = {"sub": "claude", "act": {"sub": "orchestrator", "act": {"sub": "portal"}}}
        principal = (await verifier_of(http).verify(issuer.sign(act=act))).principal
    assert (principal.actor, principal.delegates) == ("claude", ("orchestrator", "portal"))


def test_strangers_learn_of_every_issuer_exactly_as_it_is_written() -> None:
    trusts = IssuerTrust(issuer=ISSUER), IssuerTrust(issuer=PARTNER, prefix="p:", scope_prefix="snowflake/")
    document = protected_resource(RESOURCE, trusts)
    assert document["resource"] == RESOURCE
    assert document["authorization_servers"] == [ISSUER, PARTNER]
    assert set(document["scopes_supported"]) == {
        "snowgate:read", "snowgate:write", "snowgate:approve",
        "snowflake/snowgate:read", "snowflake/snowgate:write", "snowflake/snowgate:approve",
    }  # fmt: skip


A, B = f"{{issuer: {ISSUER}", f"{{issuer: {PARTNER}"
BAD: dict[str, str] = {
    "two issuers whose people cannot be told apart": f"issuers: [{A}}}, {B}}}]",
    "a prefix of a prefix": f"issuers: [{A}, prefix: 'a:'}}, {B}, prefix: 'a:b:'}}]",
    "the same prefix twice": f"issuers: [{A}, prefix: 'a:'}}, {B}, prefix: 'a:'}}]",
    "a prefix without an end": f"issuers: [{A}}}, {B}, prefix: partner}}]",
    "an issuer twice": f"issuers: [{A}}}, {A}, prefix: 'a:'}}]",
    "an issuer over http": "issuers: [{issuer: 'http://issuer.test'}]",
    "an issuer that is no URL": "issuers: [{issuer: issuer.test}]",
    "no issuer": "issuers: []",
    "nothing": "",
    "a list": "[]",
    "no YAML": "issuers: [",
    "a symmetric algorithm": f"issuers: [{A}, algorithms: [HS256]}}]",
    "no algorithm": f"issuers: [{A}, algorithms: []}}]",
    "a misspelled key": f"issuers: [{A}, audiance: x}}]",
    "two whose tokens are opaque": (
        f"issuers: [{A}, introspection: {{client_id: g, client_secret_file: f}}}}, "
        f"{B}, prefix: 'b:', introspection: {{client_id: g, client_secret_file: f}}}}]"
    ),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_a_file_of_issuers_that_is_not_safe_is_refused_at_the_start(text: str, tmp_path: Path) -> None:
    file = tmp_path / "issuers.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError):
        read_issuers(file)


def test_every_file_that_the_identity_page_shows_is_read(tmp_path: Path) -> None:
    shown = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(shown) >= 5
    for number, text in enumerate(shown):
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
        assert read_issuers(tmp_path / f"{number}.yaml")


def test_the_identity_page_names_every_key_of_an_issuer() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(IssuerTrust.model_fields)


def test_a_good_file_of_issuers_is_read(tmp_path: Path) -> None:
    file = tmp_path / "issuers.yaml"
    file.write_text(f"issuers: [{A}}}, {B}, prefix: 'p:', groups: [realm_access.roles, ['https://x/y']]}}]", "utf-8")
    assert [trust.issuer for trust in read_issuers(file)] == [ISSUER, PARTNER]
    assert read_issuers(file)[1].groups == (("realm_access", "roles"), ("https://x/y",))
