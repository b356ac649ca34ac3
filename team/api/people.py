"""Users, and who the caller is."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from team.api.paging import KeysetPaging, PageQuery
from team.api.resources import ReadResource
from team.api.views import ApiView
from team.models import User
from team.serializers import UserReader, WhoamiReader


class UserResource(ReadResource):
    """People who sign in here."""

    scope = "users"
    reader = UserReader
    pagination_class = KeysetPaging
    list_query_class = PageQuery

    def visible(self) -> QuerySet[User]:
        return User.objects.all()

    def loaded(self, rows: QuerySet[User]) -> QuerySet[User]:
        return rows.prefetch_related("teams")


class WhoamiView(ApiView, ViewSet):
    """Who calls, and what they may do: the first thing to try with a new key."""

    @extend_schema(operation_id="whoami", summary="Who calls", tags=["About"], responses=WhoamiReader)
    def retrieve(self, request: Request) -> Response:
        caller = self.caller
        key = caller.key
        data = {"user": caller.user, "key": key.name if key else None, "scopes": key.scopes if key else []}
        return Response(WhoamiReader(data).data)
