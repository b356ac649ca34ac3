"""Settings → Fields: what is kept about accounts and contacts beside what is built in."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.conditions.uses import uses_of_field
from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.forms.fields import FieldForm
from accounts.models import AttributeDefinition
from accounts.services import delete_attribute
from team.permissions import check_can_configure
from team.requests import UserRequest


@require_safe
def field_list(request: UserRequest) -> HttpResponse:
    check_can_configure(request.user)
    definitions = list(AttributeDefinition.objects.order_by("label"))
    groups = [
        (title, [each for each in definitions if each.entity == entity])
        for title, entity in (("Accounts", Entity.ACCOUNT), ("Contacts", Entity.CONTACT))
    ]
    return render(request, "accounts/field_list.html", {"groups": groups})


@require_http_methods(["GET", "POST"])
def new_field(request: UserRequest) -> HttpResponse:
    check_can_configure(request.user)
    return _field_page(request, None)


@require_http_methods(["GET", "POST"])
def edit_field(request: UserRequest, pk: int) -> HttpResponse:
    check_can_configure(request.user)
    return _field_page(request, _get_definition(pk))


@require_POST
def remove_field(request: UserRequest, pk: int) -> HttpResponse:
    """Delete a field with its values; one that conditions ask about only when that was confirmed."""
    check_can_configure(request.user)
    definition = _get_definition(pk)
    uses = _uses(definition)
    if uses and "confirmed" not in request.POST:
        messages.error(request, f"{definition.label} is used by {', '.join(uses)}. Tick the box to delete it anyway.")
        return redirect("field", pk=pk)
    try:
        delete_attribute(definition=definition)
    except InvalidInput as error:
        messages.error(request, str(error))
        return redirect("field", pk=pk)
    messages.success(request, f"{definition.label} is deleted, with all its values.")
    return redirect("fields")


def _field_page(request: UserRequest, definition: AttributeDefinition | None) -> HttpResponse:
    form = FieldForm(request.POST or None, definition=definition)
    if request.method == "POST" and form.is_valid() and (saved := form.save()):
        messages.success(request, f"{saved.label} is saved.")
        return redirect("fields")
    context = {"definition": definition, "form": form, "uses": _uses(definition) if definition else []}
    return render(request, "accounts/field_form.html", context, status=422 if form.is_bound else 200)


def _uses(definition: AttributeDefinition) -> list[str]:
    key = definition.key if definition.is_builtin else f"attribute.{definition.key}"
    return uses_of_field(Entity(definition.entity), key)


def _get_definition(pk: int) -> AttributeDefinition:
    definition = AttributeDefinition.objects.filter(pk=pk).first()
    if definition is None:
        msg = "There is no such field."
        raise Http404(msg)
    return definition
