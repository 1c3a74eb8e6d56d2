"""What can go wrong with operations on files, beside what a runner says."""

from datetime import timedelta
from uuid import UUID

from chassis.errors import Conflict


class FileOperationUnderWay(Conflict):
    """The first call with this request id, {fileOperationId}, has not ended yet; ask again."""

    reason = "FILE_OPERATION_UNDER_WAY"

    def __init__(self, file_operation_id: UUID) -> None:
        super().__init__(retry_after=timedelta(seconds=1), fileOperationId=str(file_operation_id))
