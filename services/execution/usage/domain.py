"""What one answer of a model took."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ModelUse:
    """One answer of a model: for which step, and how many tokens it took. It never changes."""

    model_use_id: UUID
    account_id: UUID
    execution_id: UUID
    path: str
    attempt: int
    turn: int
    model: str
    input_tokens: int
    output_tokens: int
    cost_micros: int
    use_time: datetime


@dataclass(frozen=True, slots=True)
class Total:
    """What some answers took together."""

    uses: int
    input_tokens: int
    output_tokens: int
    cost_micros: int
