"""The mapping file: YAML in, checked dataclasses out. docs/imports.md is its reference."""

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from integrations.imports.cleaning import CLEANERS, Cleaner
from integrations.imports.conditions import Condition, parse_condition
from integrations.imports.errors import BadValue, MappingError
from integrations.imports.nodes import (
    as_flag,
    as_list,
    as_mapping,
    as_texts,
    as_word,
    needed,
    read_yaml,
    refuse_unknown,
)
from integrations.imports.readers import Layout
from integrations.imports.targets import ORDER, TARGETS, VIA, Target
from integrations.imports.types import CONVERTERS, Style
from integrations.imports.values import (
    Aggregate,
    Constant,
    Value,
    parse_field,
    parse_value,
)

MAPPINGS = Path(__file__).resolve().parent.parent / "mappings"
COMMON = {"time_zone", "date_formats", "decimal", "null_values"}
TOP = {"system", "description", "backfill", "sections", *COMMON}
LAYOUT = {"delimiter", "encoding", "sheet", "columns"}
SECTION = {"files", "clean", "skip", *LAYOUT, *COMMON, *TARGETS}
RULE = {"id", "when", "group_by", "not_before"}


@dataclass(frozen=True)
class Field:
    """One field of a target: where it comes from and what it becomes."""

    name: str
    kind: str
    source: Aggregate
    # For an account named through something else: "subscription" or "contact".
    via: str | None = None
    # Another system's ids, where the reference is not into the mapping's own.
    system: str | None = None
    is_extra: bool = False


@dataclass(frozen=True)
class Rule:
    """One target of a section: which rows become which record."""

    target: Target
    path: str
    id: Value
    is_grouped: bool
    fields: tuple[Field, ...]
    when: Condition | None = None
    not_before: str | None = None

    def columns(self) -> set[str]:
        used = self.id.columns().union(*(field.source.value.columns() for field in self.fields))
        return used | self.when.columns() if self.when else used


@dataclass(frozen=True)
class Skip:
    when: Condition
    reason: str


@dataclass(frozen=True)
class Section:
    """What one kind of file holds."""

    name: str
    patterns: tuple[str, ...]
    layout: Layout
    style: Style
    null_values: frozenset[str]
    clean: tuple[tuple[str, Cleaner], ...]
    skips: tuple[Skip, ...]
    rules: tuple[Rule, ...]

    def columns(self) -> set[str]:
        """Every column the section reads."""
        return set().union(
            {name for name, _ in self.clean},
            *(skip.when.columns() for skip in self.skips),
            *(rule.columns() for rule in self.rules),
        )


@dataclass(frozen=True)
class Mapping:
    name: str
    system: str
    description: str
    is_backfill: bool
    sections: tuple[Section, ...]


def load_mapping(name: str) -> Mapping:
    """Return the mapping of a file, or the one of that name which came with the product. Raises MappingError."""
    path = Path(name)
    if not path.suffix and not path.exists():
        path = MAPPINGS / f"{name}.yaml"
    try:
        text = path.read_text()
    except FileNotFoundError:
        ours = ", ".join(sorted(file.stem for file in MAPPINGS.glob("*.yaml")))
        msg = f"There is no mapping {name!r}: give the path of a .yaml file, or one of {ours}."
        raise MappingError(msg) from None
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"cannot be read ({error})", str(path)) from None
    return parse_mapping(text, name=path.stem, path=str(path))


def parse_mapping(text: str, *, name: str, path: str = "mapping") -> Mapping:
    """Return the mapping a YAML text describes. Raises MappingError naming the place."""
    top = as_mapping(read_yaml(text, path), path)
    refuse_unknown(top, TOP, path)
    sections = as_mapping(needed(top, "sections", path), "sections")
    return Mapping(
        name=name,
        system=as_word(needed(top, "system", path), "system"),
        description=str(top.get("description", "")),
        is_backfill=as_flag(top, "backfill"),
        sections=tuple(_section(str(key), node, top, f"sections.{key}") for key, node in sections.items()),
    )


def _section(name: str, node: object, top: dict[str, Any], path: str) -> Section:
    section = as_mapping(node, path)
    refuse_unknown(section, SECTION, path)
    common = {key: top[key] for key in COMMON & top.keys()} | section
    style = _style(common, path)
    rules = [
        _rule(TARGETS[key], rule, style, where)
        for key in TARGETS
        if key in section
        for rule, where in _rules(section[key], f"{path}.{key}")
    ]
    if not rules:
        msg = f"a section needs at least one of {', '.join(TARGETS)}"
        raise MappingError(msg, path)
    return Section(
        name=name,
        patterns=tuple(as_texts(needed(section, "files", path), f"{path}.files")),
        layout=_layout(section, path),
        style=style,
        null_values=frozenset(as_texts(common.get("null_values", []), f"{path}.null_values")),
        clean=tuple(_clean(section["clean"], f"{path}.clean")) if "clean" in section else (),
        skips=tuple(
            _skip(skip, style, f"{path}.skip[{n}]")
            for n, skip in enumerate(as_list(section.get("skip", []), f"{path}.skip"))
        ),
        rules=tuple(sorted(rules, key=lambda rule: ORDER[rule.target.name])),
    )


def _rules(node: object, path: str) -> list[tuple[object, str]]:
    """A target is written once, or as a list where one row makes several records."""
    if isinstance(node, list):
        return [(item, f"{path}[{n}]") for n, item in enumerate(node)]
    return [(node, path)]


def _rule(target: Target, node: object, style: Style, path: str) -> Rule:
    rule = as_mapping(node, path)
    refuse_unknown(
        rule,
        RULE | set(target.fields) | ({target.extras} if target.extras else set()),
        path,
    )
    is_grouped = "group_by" in rule
    if is_grouped and "id" in rule:
        raise MappingError("give `group_by` or `id`; a group's id is what it is grouped by", path)
    key = "group_by" if is_grouped else "id"
    fields = [
        _field(name, target.fields[name], rule[name], f"{path}.{name}", grouped=is_grouped)
        for name in target.fields
        if name in rule
    ]
    if target.extras and target.extras in rule:
        extras = as_mapping(rule[target.extras], f"{path}.{target.extras}")
        fields += [
            _extra(str(name), extra, f"{path}.{target.extras}.{name}", grouped=is_grouped)
            for name, extra in extras.items()
        ]
    for name in sorted(target.required - {field.name for field in fields}):
        msg = f"{target.name} need `{name}`"
        raise MappingError(msg, path)
    _check_constants(fields, style, path)
    return Rule(
        target=target,
        path=path,
        id=parse_value(needed(rule, key, path), f"{path}.{key}"),
        is_grouped=is_grouped,
        fields=tuple(fields),
        when=parse_condition(rule["when"], f"{path}.when", style) if "when" in rule else None,
        not_before=_not_before(rule, target, fields, path),
    )


def _field(name: str, kind: str, node: object, path: str, *, grouped: bool) -> Field:
    via = system = None
    if isinstance(node, dict) and kind in {"account", "contact"}:
        node = dict(node)
        system = node.pop("system", None)
        if system is not None:
            system = as_word(system, f"{path}.system")
        if len(node) == 1:
            through = next(iter(node))
            if through in VIA and kind == "account":
                via, node = str(through), node[through]
            elif through == "id":
                node = node["id"]
    return Field(name, kind, parse_field(node, path, grouped=grouped), via, system)


def _extra(name: str, node: object, path: str, *, grouped: bool) -> Field:
    """A field of one's own; `type` beside its expression says what it becomes, text if left out."""
    kind = "text"
    if isinstance(node, dict) and "type" in node:
        node = dict(node)
        kind = as_word(node.pop("type"), f"{path}.type")
        if kind not in CONVERTERS:
            msg = f"{kind!r} is no type; the types are {', '.join(CONVERTERS)}"
            raise MappingError(msg, f"{path}.type")
    return Field(name, kind, parse_field(node, path, grouped=grouped), is_extra=True)


def _check_constants(fields: list[Field], style: Style, path: str) -> None:
    for field in fields:
        if isinstance(field.source.value, Constant) and field.kind in CONVERTERS:
            try:
                CONVERTERS[field.kind](field.source.value.value, style)
            except BadValue as error:
                raise MappingError(error.message, f"{path}.{field.name}") from None


def _not_before(rule: dict[str, Any], target: Target, fields: list[Field], path: str) -> str | None:
    if "not_before" not in rule:
        return None
    start = rule["not_before"]
    if start not in target.starts:
        choices = ", ".join(sorted(target.starts)) or "nothing"
        raise MappingError(f"`not_before` of {target.name} can be {choices}", path)
    if start == "subscription" and not any(f.via == "subscription" for f in fields):
        raise MappingError("`not_before: subscription` needs an account named through one", path)
    return str(start)


def _skip(node: object, style: Style, path: str) -> Skip:
    skip = as_mapping(node, path)
    refuse_unknown(skip, {"when", "reason"}, path)
    return Skip(
        parse_condition(needed(skip, "when", path), f"{path}.when", style),
        as_word(needed(skip, "reason", path), f"{path}.reason"),
    )


def _clean(node: object, path: str) -> list[tuple[str, Cleaner]]:
    steps = []
    for column, names in as_mapping(node, path).items():
        for name in as_texts(names, f"{path}.{column}"):
            if name not in CLEANERS:
                msg = f"there is no clean-up {name!r}; there are {', '.join(CLEANERS)}"
                raise MappingError(msg, f"{path}.{column}")
            steps.append((str(column), CLEANERS[name]))
    return steps


def _layout(section: dict[str, Any], path: str) -> Layout:
    delimiter, encoding = section.get("delimiter"), section.get("encoding")
    if delimiter is not None and (not isinstance(delimiter, str) or len(delimiter) != 1):
        raise MappingError("one character, like `;`", f"{path}.delimiter")
    if encoding is not None:
        try:
            codecs.lookup(str(encoding))
        except LookupError:
            msg = f"{encoding!r} is no encoding; examples are utf-8 and cp1252"
            raise MappingError(msg, f"{path}.encoding") from None
    columns = section.get("columns")
    return Layout(
        delimiter=delimiter,
        encoding=encoding,
        sheet=section.get("sheet"),
        columns=tuple(as_texts(columns, f"{path}.columns")) if columns is not None else None,
    )


def _style(common: dict[str, Any], path: str) -> Style:
    zone = as_word(common.get("time_zone", "UTC"), f"{path}.time_zone")
    try:
        time_zone = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        msg = f"{zone!r} is no time zone; examples are UTC and Europe/London"
        raise MappingError(msg, f"{path}.time_zone") from None
    mark = common.get("decimal", ".")
    if mark not in {".", ","}:
        raise MappingError("`.` or `,`", f"{path}.decimal")
    formats = as_texts(common.get("date_formats", []), f"{path}.date_formats")
    for pattern in formats:
        if "%" not in pattern:
            msg = f"{pattern!r} is no date format; an example is %d-%m-%Y"
            raise MappingError(msg, f"{path}.date_formats")
    return Style(time_zone, tuple(formats), mark)
