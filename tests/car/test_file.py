"""A car's file: what is written is read again, and a mistake is told with its place."""

import pytest

from ape_v2v.car import car_template, parse_car, read_car
from ape_v2v.currency import ETHER, Currency
from ape_v2v.errors import ConfigurationError
from ape_v2v.units import Money, WrongCurrency


@pytest.mark.parametrize("role", ["consumer", "provider"])
def test_what_init_writes_is_read(role, tmp_path):
    file = tmp_path / "car.yaml"
    file.write_text(car_template(role), "utf-8")
    settings = read_car(file)
    assert settings.role == role
    assert settings.equipment.cable == tmp_path / "cable"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  target: 80 ", "  taget: 80 ", "car.yaml:38:3: consumer.taget: is no setting here"),
        ("  target: 80 ", "  target: 180 ", "consumer.target: is 180: "),
        ("max_rate: 0.0003 ether/kWh", "max_rate: 0.0003", "expected a rate with its unit"),
        ("+02:00", "", "expected a time with its zone"),
        ("  charged: 40", "  charged: 40\n  gauge: x", "needs exactly one of gauge and charged"),
        ("  cable: cable", "", "needs a meter, or a cable to simulate one"),
        ("  url: http://127.0.0.1:8443", "", "link needs a url"),
        ("account: alice", "account: alice\naccount: bob", "account is there twice"),
        ("account: alice", "account: [", "this is no YAML"),
    ],
)
def test_a_mistake_is_told_with_its_place(old, new, told):
    text = car_template("consumer")
    assert old in text
    with pytest.raises(ConfigurationError, match=r"^car\.yaml:[0-9]+:[0-9]+: ") as error:
        parse_car(text.replace(old, new, 1), "car.yaml")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  # hours: 22:00-06:00", "  hours: night", "expected two times of the day"),
        ("  # zone: Europe/Berlin", "  zone: Europe/Nowhere", "expected a zone"),
        ("  cable: cable", "  meter: ocmf:x", "needs a source"),
        ("  # tls_key: bob.key", "  tls_key: bob.key", "go together"),
    ],
)
def test_a_sellers_mistake_is_told(old, new, told):
    text = car_template("provider")
    assert old in text
    with pytest.raises(ConfigurationError) as error:
        parse_car(text.replace(old, new, 1), "car.yaml")
    assert told in str(error.value)


EURC = Currency.token("0x" + "33" * 20, "EURC", 6)


def in_euros(role):
    text = car_template(role)
    for ether, euros in (
        ("0.0003 ether/kWh", "0.6 EURC/kWh"),
        ("0.0002 ether/kWh", "0.35 EURC/kWh"),
        ("0.05 ether", "50 EURC"),
    ):
        text = text.replace(ether, euros)
    return text


@pytest.mark.parametrize("role", ["consumer", "provider"])
def test_a_file_may_be_in_the_markets_token(role):
    asked = []

    def currency(market):
        asked.append(market)
        return EURC

    settings = parse_car(in_euros(role), currency=currency).paid_in(EURC)
    assert str(settings.balance.deposit_at_most) == "50 EURC"
    assert settings.balance.keep == Money(0, EURC)
    assert set(asked) == {None}  # the default market


def test_a_file_in_another_currency_than_the_market_is_refused():
    with pytest.raises(ConfigurationError, match="is in EURC, and an amount here is in ether"):
        parse_car(in_euros("consumer"), currency=lambda _: ETHER)
    with pytest.raises(WrongCurrency, match="is in ether, and an amount here is in EURC"):
        parse_car(car_template("consumer")).paid_in(EURC)


def test_a_car_is_on_one_side():
    text = car_template("consumer") + "provider: {floor: 1 wei/Wh, reserve: 10}\n"
    with pytest.raises(ConfigurationError, match="exactly one of consumer and provider"):
        parse_car(text)


def test_a_file_that_is_not_there_says_how_to_write_one(tmp_path):
    with pytest.raises(ConfigurationError, match="ape v2v car init"):
        read_car(tmp_path / "none.yaml")
