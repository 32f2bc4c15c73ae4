"""What may be asked about the audit trail."""

from telemetry.payloads.fields import Name
from telemetry.payloads.loading import PayloadSchema
from telemetry.payloads.query_string import WholeNumber

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


class ListSchema(PayloadSchema):
    """The query string of the list of audit rows."""

    tenant_id = Name(required=True, max=64)
    device_id = Name(max=128)
    after = WholeNumber(min=0)
    limit = WholeNumber(min=1, max=MAX_LIMIT)
