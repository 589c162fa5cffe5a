"""One record of NAS-Bench-101's files: a training of one cell, as JSON with a protobuf inside."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from oneshot_hpo.search_spaces.errors import SpaceError
from oneshot_hpo.search_spaces.nasbench101.cell import Cell, InvalidCell

EPOCHS = (4, 12, 36, 108)
"""The budgets of NAS-Bench-101 (section 2.3)."""
MAX_VERTICES, MAX_EDGES = 7, 9
"""Limits of a cell of NAS-Bench-101 (section 2.1)."""

_MEASURED = ("train_accuracy", "validation_accuracy", "test_accuracy", "training_time")


class BadRecord(SpaceError, ValueError):
    """A record that is not of NAS-Bench-101; the message says why, not where."""


@dataclass(frozen=True)
class Record:
    """A training: its cell, its length and its result.

    graph: adjacency and operations as they are written, the same in all records of a cell.
    evaluations: train, validation and test accuracy and seconds, halfway and at the end, 8 floats.
    """

    module_hash: str
    epochs: int
    graph: tuple[str, str]
    parameters: int
    evaluations: tuple[float, ...]


def _message_class() -> Any:
    """The part of ModelMetrics (nasbench/lib/model_metrics.proto) that is read here."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="nasbench101_record.proto", package="oneshot_hpo", syntax="proto2"
    )
    evaluation = file.message_type.add(name="EvaluationData")
    names = ("current_epoch", "training_time", *_MEASURED[:3])
    for number, name in enumerate(names, start=1):
        evaluation.field.add(
            name=name, number=number, type=field.TYPE_DOUBLE, label=field.LABEL_OPTIONAL
        )

    metrics = file.message_type.add(name="ModelMetrics")
    metrics.field.add(
        name="evaluation_data",
        number=1,
        type=field.TYPE_MESSAGE,
        type_name=".oneshot_hpo.EvaluationData",
        label=field.LABEL_REPEATED,
    )
    metrics.field.add(
        name="trainable_parameters",
        number=2,
        type=field.TYPE_INT32,
        label=field.LABEL_OPTIONAL,
    )

    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("oneshot_hpo.ModelMetrics"))


ModelMetrics = _message_class()
"""The protobuf message of a record."""


def parse_record(data: bytes) -> Record:
    """Read a record; raises BadRecord. Accuracies and times are not checked here."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        raise BadRecord("it is not JSON") from None
    if not isinstance(fields, list) or [type(field) for field in fields] != _FIELD_TYPES:
        raise BadRecord("it is not a list of hash, epochs, adjacency, operations and metrics")

    module_hash, epochs, adjacency, operations, encoded = fields
    if not (adjacency + operations).isascii():
        raise BadRecord("its adjacency and operations are not text")
    if epochs not in EPOCHS:
        raise BadRecord(f"it was trained for {epochs} epochs, not 4, 12, 36 or 108")
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except ValueError:
        decoded = b""
    if not decoded or base64.b64encode(decoded) != encoded.encode():
        raise BadRecord("its metrics are not base64")
    try:
        metrics = ModelMetrics.FromString(decoded)
    except DecodeError:
        raise BadRecord("its metrics are not a protobuf of NAS-Bench-101") from None

    return Record(
        module_hash=module_hash,
        epochs=epochs,
        graph=(adjacency, operations),
        parameters=metrics.trainable_parameters,
        evaluations=_evaluations(metrics, epochs),
    )


_FIELD_TYPES = [str, int, str, str, str]


def _evaluations(metrics: Any, epochs: int) -> tuple[float, ...]:
    if metrics.trainable_parameters <= 0:
        raise BadRecord("it has no count of trainable parameters")
    if len(metrics.evaluation_data) != 3:
        raise BadRecord(f"it has {len(metrics.evaluation_data)} evaluations, not 3")

    start, halfway, final = metrics.evaluation_data
    for evaluation, epoch in ((start, 0), (halfway, epochs / 2), (final, epochs)):
        if evaluation.HasField("current_epoch") and evaluation.current_epoch != epoch:
            raise BadRecord(f"an evaluation is from epoch {evaluation.current_epoch}, not {epoch}")
    if not 0 <= start.training_time < halfway.training_time:
        raise BadRecord(f"its training starts at {start.training_time} s")

    for evaluation in (halfway, final):
        for name in _MEASURED:
            if not evaluation.HasField(name):
                raise BadRecord(f"an evaluation lacks its {name}")
    return (
        halfway.train_accuracy,
        halfway.validation_accuracy,
        halfway.test_accuracy,
        halfway.training_time,
        final.train_accuracy,
        final.validation_accuracy,
        final.test_accuracy,
        final.training_time,
    )


def cell_of(record: Record) -> Cell:
    """The cell of a record, checked against its hash; raises BadRecord."""
    adjacency, names = record.graph
    operations = names.split(",")
    vertices = len(operations)
    if len(adjacency) != vertices**2 or not set(adjacency) <= {"0", "1"}:
        raise BadRecord("its adjacency is not a matrix of 0 and 1 that fits its operations")
    matrix = [
        [int(edge) for edge in adjacency[start : start + vertices]]
        for start in range(0, len(adjacency), vertices)
    ]
    try:
        cell = Cell.pruned(matrix, operations)
    except InvalidCell as error:
        raise BadRecord(f"its graph is not a cell: {error}") from None
    if len(cell.matrix) != vertices or vertices > MAX_VERTICES or adjacency.count("1") > MAX_EDGES:
        raise BadRecord(
            "its graph is not a cell of NAS-Bench-101 (7 vertices, 9 edges, no loose end)"
        )
    if cell.hash != record.module_hash:
        raise BadRecord("its hash is not that of its graph")
    return cell
