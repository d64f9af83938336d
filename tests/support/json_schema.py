"""As much of JSON Schema 2020-12 as docs/monitor-feed.schema.json uses; an unknown keyword is an error."""

from typing import Any

_SILENT = {"$schema", "$id", "$defs", "title", "description"}
_TYPES: dict[str, Any] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "null": lambda value: value is None,
}


def faults(
    value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None, at: str = "$"
) -> list[str]:
    """What is wrong with `value`, one sentence each."""
    root = schema if root is None else root
    found: list[str] = []
    for keyword, wanted in schema.items():
        match keyword:
            case "$ref":
                target: Any = root
                for part in wanted.removeprefix("#/").split("/"):
                    target = target[part]
                found += faults(value, target, root, at)
            case "oneOf":
                fitting = [option for option in wanted if not faults(value, option, root, at)]
                if len(fitting) != 1:
                    tried = [fault for option in wanted for fault in faults(value, option, root, at)]
                    found.append(f"{at}: fits {len(fitting)} of {len(wanted)}: {tried[:6]}")
            case "const" | "enum":
                if value not in (wanted if keyword == "enum" else [wanted]):
                    found.append(f"{at}: {value!r} is not {wanted}")
            case "type":
                if not any(_TYPES[name](value) for name in ([wanted] if isinstance(wanted, str) else wanted)):
                    found.append(f"{at}: {value!r} is no {wanted}")
            case "minimum" | "maximum":
                if isinstance(value, int | float) and (
                    value < wanted if keyword == "minimum" else value > wanted
                ):
                    found.append(f"{at}: {value} against {keyword} {wanted}")
            case "maxItems":
                if isinstance(value, list) and len(value) > wanted:
                    found.append(f"{at}: {len(value)} items")
            case "items":
                for number, item in enumerate(value if isinstance(value, list) else ()):
                    found += faults(item, wanted, root, f"{at}[{number}]")
            case "required":
                found += [
                    f"{at}: no {name}" for name in wanted if isinstance(value, dict) and name not in value
                ]
            case "properties":
                if isinstance(value, dict):
                    for name in value.keys() & wanted.keys():
                        found += faults(value[name], wanted[name], root, f"{at}.{name}")
            case "additionalProperties":
                if isinstance(value, dict):
                    for name in value.keys() - schema.get("properties", {}).keys():
                        if wanted is False:
                            found.append(f"{at}: unknown member {name}")
                        else:
                            found += faults(value[name], wanted, root, f"{at}.{name}")
            case _:
                assert keyword in _SILENT, f"the schema uses {keyword}"
    return found
