"""Is the service well? `/health/live`, `/health/ready`, and `/metrics` for a monitor."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from ape_v2v.errors import V2VError
from ape_v2v.service.shapes import ProblemAnswer, ServiceAnswer
from ape_v2v.service.watch import STALE_SECONDS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ape_v2v.service.watch import WatchedMarket

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Unwell(V2VError):
    """The service cannot answer as it should."""


class Wellness(ServiceAnswer):
    """The service is well."""

    status: str = "ok"


class ServiceMetrics:
    """What a monitor reads; made anew with each application, so that two do not mix."""

    def __init__(self, watch: WatchedMarket) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "v2v_requests",
            "Answers, by route and status",
            ["route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "v2v_request_seconds",
            "Until the answer began",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        gauges = {
            "v2v_listeners": ("Pages that are told what happens", lambda: watch.listeners),
            "v2v_failed_looks": ("Looks at the node that failed", lambda: watch.failures),
            "v2v_head_block": ("The latest block that was seen", lambda: _head(watch)),
            "v2v_head_age_seconds": ("Since it was seen", lambda: _age(watch)),
        }
        for name, (words, value) in gauges.items():
            Gauge(name, words, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        """As Prometheus reads it."""
        return generate_latest(self.registry)


class Counting:
    """ASGI middleware: counts and times every answer under its route, not under its address."""

    def __init__(self, app: ASGIApp, *, metrics: ServiceMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = _route(scope)
                self._metrics.requests.labels(route, str(message["status"])).inc()
                self._metrics.seconds.labels(route).observe(time.monotonic() - began)
            await send(message)

        await self._app(scope, receive, sending)


def router(watch: WatchedMarket, metrics: ServiceMetrics) -> APIRouter:
    """The requests, as OpenAPI describes them."""
    routes = APIRouter()
    unwell: dict[int | str, dict[str, Any]] = {
        503: {"model": ProblemAnswer, "description": "Not ready; the sentence says why."}
    }

    @routes.get("/health/live", response_model=Wellness)
    def get_live() -> Wellness:
        """The process answers."""
        return Wellness()

    @routes.get("/health/ready", response_model=Wellness, responses=unwell)
    def get_ready() -> Wellness:
        """The market has been read, and the node was seen a short while ago."""
        age = _age(watch)
        if age < 0:
            raise Unwell("the market's history is being read")
        if age > STALE_SECONDS:
            raise Unwell(f"the node has not been seen for {age:.0f} s: see that it runs")
        return Wellness()

    @routes.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
    )
    def get_metrics() -> Response:
        """For Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return routes


def _route(scope: Scope) -> str:
    route = scope.get("route")
    return str(getattr(route, "path", "none"))


def _head(watch: WatchedMarket) -> float:
    return -1.0 if watch.snapshot is None else float(watch.snapshot.head.number)


def _age(watch: WatchedMarket) -> float:
    return -1.0 if watch.snapshot is None else watch.snapshot.age
