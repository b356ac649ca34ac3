import io
import json
import logging
import logging.config

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import ResolverMatch

from cs_platform import logs
from cs_platform.env import SettingError


def answer(status: int = 200, *, route: str = "accounts/<int:pk>/"):
    def get_response(request):
        request.resolver_match = ResolverMatch(lambda: None, (), {}, route=route)
        logging.getLogger("health").info("inside")
        return HttpResponse(status=status)

    return get_response


@pytest.mark.parametrize("sent", ["0af7651916cd43dd8448eb211c80319c", "edge-1.2_3", "a" * 64])
def test_an_id_of_a_proxy_is_kept(sent, caplog):
    request = RequestFactory().get("/", headers={"X-Request-ID": sent})
    assert logs.RequestLogMiddleware(answer())(request)["X-Request-ID"] == sent
    assert logs.request_id.get() == "-"


@pytest.mark.parametrize("sent", ["", "short", "a" * 65, "with space", "line\nbreak", "é" * 10])
def test_an_unfit_id_is_replaced(sent):
    request = RequestFactory().get("/")
    request.META["HTTP_X_REQUEST_ID"] = sent
    own = logs.RequestLogMiddleware(answer())(request)["X-Request-ID"]
    assert own != sent
    assert len(own) == 32


def test_failures_are_logged_by_route_and_never_by_address(caplog):
    caplog.set_level(logging.INFO, "cs_platform.logs")
    request = RequestFactory().get("/accounts/7/?search=jane@example.com")
    logs.RequestLogMiddleware(answer(503))(request)
    (record,) = [record for record in caplog.records if record.name == "cs_platform.logs"]
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("GET /accounts/<int:pk>/ 503 in ")
    assert "jane" not in caplog.text


def test_ordinary_requests_are_logged_on_demand_only(caplog, monkeypatch):
    caplog.set_level(logging.INFO, "cs_platform.logs")
    logs.RequestLogMiddleware(answer())(RequestFactory().get("/"))
    assert [record for record in caplog.records if record.name == "cs_platform.logs"] == []
    monkeypatch.setenv("ACCESS_LOG", "true")
    logs.RequestLogMiddleware(answer())(RequestFactory().get("/"))
    assert [record.levelname for record in caplog.records if record.name == "cs_platform.logs"] == ["INFO"]


def test_json_lines_carry_the_request_id(monkeypatch):
    monkeypatch.setenv("LOG_FORMAT", "json")
    configuration = logs.configuration()
    formatter = logging.config.DictConfigurator(configuration).configure_formatter(configuration["formatters"]["json"])
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    handler.addFilter(logs.RequestIdFilter())
    token = logs.request_id.set("abc12345")
    handler.handle(logging.LogRecord("health", logging.INFO, "", 0, "scored %d", (7,), None))
    logs.request_id.reset(token)
    line = json.loads(stream.getvalue())
    assert line.pop("time")
    assert line == {"level": "INFO", "logger": "health", "message": "scored 7", "request_id": "abc12345"}


def test_an_unknown_format_is_refused(monkeypatch):
    monkeypatch.setenv("LOG_FORMAT", "xml")
    with pytest.raises(SettingError, match="LOG_FORMAT must be plain or json, not 'xml'"):
        logs.configuration()
