"""Checks every spec against the published JSON Schema with a validator that is not the engine's.

In: schema/spec.schema.json, specs/*.yaml, tests/hard/*.yaml. Exit status 1 and the faults where one
does not fit. Needs the packages jsonschema and PyYAML.
"""

import glob
import json
import re
import sys

import jsonschema
import yaml


class Yaml12(yaml.SafeLoader):
    """PyYAML with the booleans of YAML 1.2: `on` and `no` are text."""


Yaml12.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Yaml12.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def with_text_keys(node):
    """The tree as JSON knows it, whose keys are texts."""
    if isinstance(node, dict):
        return {json.dumps(key).strip('"'): with_text_keys(value) for key, value in node.items()}
    if isinstance(node, list):
        return [with_text_keys(item) for item in node]
    return node


def main():
    with open("schema/spec.schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    specs = sorted(glob.glob("specs/*.yaml") + glob.glob("tests/hard/*.yaml"))
    bad = False
    for spec in specs:
        with open(spec, encoding="utf-8") as file:
            tree = with_text_keys(yaml.load(file, Yaml12))
        for error in validator.iter_errors(tree):
            bad = True
            print(f"{spec}: /{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
    print(f"{len(specs)} specs checked with jsonschema {jsonschema.__version__}")
    return 1 if bad or not specs else 0


if __name__ == "__main__":
    sys.exit(main())
