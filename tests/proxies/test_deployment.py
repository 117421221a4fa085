"""Deploy and undeploy: what raises the generation, what keeps it, and what a race leaves."""

import pytest

from proxies import catalogue, deployment
from proxies.errors import Archived, NotDeployed
from proxies.models import ApiProxy, ChangeRecord, Deployment, Environment
from tests.databases import OwnDatabase
from tests.world import START, later


def make(slug: str = "orders") -> tuple[ApiProxy, Environment]:
    environment = catalogue.add_environment(name="Test", slug="test", by="test", at=START)
    return catalogue.add_proxy(name="Orders", slug=slug, by="test", at=START), environment


def records(verb: str) -> list[ChangeRecord]:
    return list(ChangeRecord.objects.filter(verb=verb).order_by("id"))


def test_d11_deploying_makes_generation_one_and_leaves_its_record(db: None) -> None:
    proxy, environment = make()
    made = deployment.deploy(proxy, environment, by="ada", note="first", at=START)
    assert (made.generation, made.deployed_at, made.undeployed_at) == (1, START, None)
    (record,) = records("deploy")
    assert (record.actor, record.subject_name, record.environment, record.note) == ("ada", "Orders", "test", "first")


def test_d11_undeploying_raises_the_generation_and_deploying_again_keeps_it(db: None) -> None:
    proxy, environment = make()
    deployment.deploy(proxy, environment, by="ada", at=START)
    undeployed = deployment.undeploy(proxy, environment, by="ada", at=later(10))
    assert (undeployed.generation, undeployed.undeployed_at) == (2, later(10))
    again = deployment.deploy(proxy, environment, by="ada", at=later(20))
    assert (again.pk, again.generation, again.deployed_at, again.undeployed_at) == (undeployed.pk, 2, later(20), None)


def test_d11_redeploying_without_undeploying_keeps_generation_and_date(db: None) -> None:
    proxy, environment = make()
    deployment.deploy(proxy, environment, by="ada", at=START)
    again = deployment.deploy(proxy, environment, by="ada", at=later(60))
    assert (again.generation, again.deployed_at) == (1, START)


def test_each_environment_has_a_deployment_of_its_own(db: None) -> None:
    proxy, environment = make()
    other = catalogue.add_environment(name="Live", slug="live", by="test")
    deployment.deploy(proxy, environment, by="ada")
    deployment.deploy(proxy, other, by="ada")
    deployment.undeploy(proxy, environment, by="ada")
    assert Deployment.objects.get(environment=other).generation == 1
    assert Deployment.objects.get(environment=other).undeployed_at is None


def test_undeploying_what_is_not_deployed_is_refused_and_leaves_no_record(db: None) -> None:
    proxy, environment = make()
    with pytest.raises(NotDeployed):
        deployment.undeploy(proxy, environment, by="ada")
    deployment.deploy(proxy, environment, by="ada")
    deployment.undeploy(proxy, environment, by="ada")
    with pytest.raises(NotDeployed):
        deployment.undeploy(proxy, environment, by="ada")
    assert len(records("undeploy")) == 1


def test_a_group_is_deployed_like_a_proxy_and_apart_from_its_members(db: None) -> None:
    proxy, environment = make()
    group = catalogue.add_group(name="Commerce", slug="commerce", members=[proxy], by="test")
    deployment.deploy(proxy, environment, by="ada")
    deployment.deploy(group, environment, by="ada")
    deployment.undeploy(group, environment, by="ada")
    assert Deployment.objects.get(proxy=proxy).generation == 1
    assert Deployment.objects.get(group=group).generation == 2


def test_d43_what_is_archived_cannot_be_deployed(db: None) -> None:
    proxy, environment = make()
    catalogue.archive(proxy, by="ada")
    with pytest.raises(Archived):
        deployment.deploy(proxy, environment, by="ada")


def test_parallel_undeploys_raise_the_generation_once(own_database: OwnDatabase) -> None:
    proxy, environment = make()
    deployment.deploy(proxy, environment, by="ada")
    outcomes = own_database.run_in_threads(
        8, lambda index: deployment.undeploy(proxy, environment, by=f"caller {index}")
    )
    assert sorted(type(outcome.error).__name__ for outcome in outcomes) == ["NoneType"] + ["NotDeployed"] * 7
    assert Deployment.objects.get().generation == 2
    assert len(records("undeploy")) == 1


def test_parallel_first_deploys_make_one_deployment(own_database: OwnDatabase) -> None:
    proxy, environment = make()
    outcomes = own_database.run_in_threads(8, lambda index: deployment.deploy(proxy, environment, by=f"caller {index}"))
    assert {outcome.get().generation for outcome in outcomes} == {1}
    assert Deployment.objects.count() == 1


def test_archiving_against_deploying_never_leaves_an_archived_one_deployed(own_database: OwnDatabase) -> None:
    environment = catalogue.add_environment(name="Test", slug="test", by="test")
    for round_ in range(5):
        proxy = catalogue.add_proxy(name=f"Proxy {round_}", slug=f"proxy-{round_}", by="test")

        def race(index: int, proxy: ApiProxy = proxy) -> None:
            mine = ApiProxy.objects.get(pk=proxy.pk)
            if index == 0:
                catalogue.archive(mine, by="ada")
            else:
                deployment.deploy(mine, environment, by="ada")

        outcomes = own_database.run_in_threads(4, race)
        assert {type(outcome.error) for outcome in outcomes} <= {type(None), Archived}
        assert not Deployment.objects.filter(proxy=proxy, undeployed_at=None).exists()
