"""Checks requests by AWS's own description of ConverseStream.

Each line of stdin is a JSON object: `modelId`, and `body`, the request's body. The answer to each is a line of stdout: a
JSON list of what is wrong with it, empty if nothing is.

botocore checks members, types, unions, and minimums. It leaves enumerations, patterns and maximums to the service, so they
are checked here, from the same description. botocore sends no blob as text, so base64 is decoded first.
"""

import base64
import binascii
import json
import re
import sys

import botocore.session
from botocore.validate import ParamValidator


def main():
    service = botocore.session.get_session().get_service_model('bedrock-runtime')
    shape = service.operation_model('ConverseStream').input_shape
    for line in sys.stdin:
        asked = json.loads(line)
        parameters = {**asked['body'], 'modelId': asked['modelId']}
        print(json.dumps(wrong_with(parameters, shape)), flush=True)


def wrong_with(parameters, shape):
    wrong = []
    parameters = check(parameters, shape, '', wrong)
    report = ParamValidator().validate(parameters, shape)
    if report.has_errors():
        wrong.extend(report.generate_report().splitlines())
    return wrong


def check(value, shape, place, wrong):
    """Appends what botocore doesn't check to `wrong`, and returns the value with its blobs decoded."""
    if getattr(shape, 'is_document_type', False):
        return value
    kind = shape.type_name
    if kind == 'structure' and isinstance(value, dict):
        return {
            name: check(member, shape.members[name], f'{place}.{name}', wrong) if name in shape.members else member
            for name, member in value.items()
        }
    if kind == 'list' and isinstance(value, list):
        length(value, shape, place, wrong)
        return [check(member, shape.member, f'{place}[{at}]', wrong) for at, member in enumerate(value)]
    if kind == 'map' and isinstance(value, dict):
        length(value, shape, place, wrong)
        return {name: check(member, shape.value, f'{place}[{name}]', wrong) for name, member in value.items()}
    if kind == 'blob' and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error:
            wrong.append(f'{place}: not base64')
            return b''
    if kind == 'string' and isinstance(value, str):
        length(value, shape, place, wrong)
        allowed = shape.metadata.get('enum')
        if allowed and value not in allowed:
            wrong.append(f'{place}: none of {", ".join(allowed)}')
        pattern = shape.metadata.get('pattern')
        if pattern and not re.search(pattern, value):
            wrong.append(f'{place}: not of the pattern {pattern}')
    if kind in ('integer', 'long', 'float', 'double') and isinstance(value, (int, float)):
        most = shape.metadata.get('max')
        if most is not None and value > most:
            wrong.append(f'{place}: more than {most}')
    return value


def length(value, shape, place, wrong):
    most = shape.metadata.get('max')
    if most is not None and len(value) > most:
        wrong.append(f'{place}: longer than {most}')


if __name__ == '__main__':
    main()
