"""A car that trades by itself: one process made of the parts that exist.

    settings = read_car(Path("car.yaml"))
    watch = CarWatch(decided=print)
    with Car(settings, market, account, store=store, journal=journal, watch=watch) as car:
        car.run(stop)

| module | what is in it |
| --- | --- |
| `settings`, `reading` | the car's file: what it may say, read with line and column, written anew |
| `choice` | what a car may do next, and why |
| `buying`, `selling` | what either side decides, from how things stand; nothing is done |
| `consumer`, `provider`, `side` | how either side looks at the chain, and acts on it |
| `battery` | how full it is: by its gauge, or counted |
| `journal` | every decision with its reason, durably |
| `driving` | the loop: look, decide, write down, do |
| `status` | how a car stands, for people and programs |
"""

from ape_v2v.car.choice import Act, CarWatch, Choice
from ape_v2v.car.driving import Car
from ape_v2v.car.journal import Entry, Journal
from ape_v2v.car.reading import car_template, parse_car, read_car
from ape_v2v.car.settings import CarSettings
from ape_v2v.car.status import CarStatus, car_status

__all__ = [
    "Act",
    "Car",
    "CarSettings",
    "CarStatus",
    "CarWatch",
    "Choice",
    "Entry",
    "Journal",
    "car_status",
    "car_template",
    "parse_car",
    "read_car",
]
