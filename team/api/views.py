"""What every view under /api/v1/ does the same way."""

from typing import Any, ClassVar

from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from team.api import limits
from team.api.callers import Caller, MayUse, caller_of
from team.api.fields import StrictSerializer
from team.api.parsers import StrictJsonParser
from team.api.problems import InvalidRequest, field_errors
from team.authentication import ApiKeyAuthentication


class NoQuery(StrictSerializer):
    """An address that may be asked nothing."""


class ApiView(APIView):
    """Counts requests, refuses what an address does not know, and says what the rest of HTTP needs.

    `scope` is what a key needs (`accounts` for `accounts:read` and `accounts:write`), `write_scope` what
    it needs to write where that is another; `query_classes` says by action what the address may be asked.
    """

    authentication_classes = [ApiKeyAuthentication, SessionAuthentication]
    permission_classes = [MayUse]
    renderer_classes = [JSONRenderer]
    parser_classes = [StrictJsonParser]
    scope: str | None = None
    write_scope: str | None = None
    query_classes: ClassVar[dict[str, type[StrictSerializer]]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # What a method may be asked is nothing to say when the answer is 405.
        self.list_query = self.read_query(request) if request.method in self.allowed_methods else {}

    def perform_authentication(self, request: Request) -> None:
        self.allowance: limits.Allowance | None = None
        try:
            is_known = request.user.is_authenticated
        except APIException:
            limits.spend(_address(request))
            raise
        self.allowance = limits.spend(caller_of(request).name if is_known else _address(request))

    @property
    def caller(self) -> Caller:
        return caller_of(self.request)

    def query_class(self) -> type[StrictSerializer]:
        return self.query_classes.get(getattr(self, "action", None) or "", NoQuery)

    def read_query(self, request: Request) -> dict[str, Any]:
        """Return what the address asks, checked. Raises InvalidRequest naming the parameter."""
        query = self.query_class()(data=request.query_params.dict())
        if not query.is_valid():
            errors = field_errors(query.errors)
            raise InvalidRequest([{"parameter": e.pop("pointer")[2:], **e} for e in errors])
        return dict(query.validated_data)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Say which methods there are; the Allow header is on every answer."""
        return Response(status=204)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        allowance = getattr(self, "allowance", None)
        for name, value in allowance.headers().items() if allowance else ():
            response[name] = value
        return response


def _address(request: Request) -> str:
    return f"ip:{request.META.get('REMOTE_ADDR', '')}"
