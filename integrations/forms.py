"""Files to import, and as what."""

from typing import Any

from django import forms
from django.utils import timezone

from integrations.imports.errors import ImportFailed
from integrations.imports.uploads import check_size, keep_upload, known_mappings
from integrations.models import ImportRun
from team.models import User


class SeveralFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class SeveralFilesField(forms.FileField):
    """One or more files; the cleaned value is a list of them."""

    widget = SeveralFilesInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        clean_one = super().clean
        return [clean_one(each, initial) for each in data] if isinstance(data, list) and data else [clean_one(data)]


class UploadForm(forms.Form):
    mapping = forms.ChoiceField(label="What the files are")
    uploads = SeveralFilesField(
        label="Files", help_text="CSV (also gzipped) or Excel. Nothing is imported before you have seen it."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mappings = {mapping.name: mapping for mapping in known_mappings()}
        mapping = self.fields["mapping"]
        assert isinstance(mapping, forms.ChoiceField)
        mapping.choices = [(name, name) for name in self.mappings]

    def save(self, user: User) -> ImportRun | None:
        """Return the import, or None with an error on the form when a file cannot be understood."""
        uploads = self.cleaned_data["uploads"]
        mapping = self.mappings[self.cleaned_data["mapping"]]
        try:
            # Before they are read, because they are held in memory then.
            check_size(sum(file.size for file in uploads))
            files = [(file.name, file.read()) for file in uploads]
            return keep_upload(mapping=mapping, files=files, now=timezone.now(), actor=user)
        except ImportFailed as error:
            self.add_error("uploads", str(error))
            return None
