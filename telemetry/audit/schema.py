"""What may be asked about the audit trail."""

from telemetry.fields import Name
from telemetry.payload import PayloadSchema
from telemetry.query_args import WholeNumber

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


class AuditQuerySchema(PayloadSchema):
    """The query string of the list of audit rows."""

    tenant_id = Name(required=True, most=64)
    device_id = Name(most=128)
    after = WholeNumber(least=0)
    limit = WholeNumber(least=1, most=MAX_LIMIT)
