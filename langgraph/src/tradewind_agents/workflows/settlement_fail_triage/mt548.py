"""MT548 Settlement Status and Processing Advice (ISO 15022), with its SWIFT blocks or as bare text.

Parsed by tag, qualifier and block; spaces around lines, any line ends and blank lines are accepted. Other fields are
ignored.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tradewind_agents.workflows.settlement_fail_triage import instruction as fields
from tradewind_agents.workflows.settlement_fail_triage.instruction import (
    Instruction,
    Layer,
    MessageError,
    Reason,
    Status,
)

_TAG = re.compile(r"^:([0-9]{2}[A-Z]?):(.*)$", re.ASCII)
_QUALIFIED = re.compile(r"^:?\s*([A-Z0-9]{4})\s*/\s*([A-Z0-9]{0,8})\s*/(.*)$", re.ASCII | re.DOTALL)

_LAYERS: dict[str, Layer] = {"IPRC": "processing", "CPRC": "processing", "MTCH": "matching", "SETT": "settlement"}
"""Qualifier of field 25D -> layer."""

_REASON_LAYERS: dict[str, Layer] = {"NMAT": "matching", "PEND": "settlement", "PENF": "settlement"}
"""Qualifier of field 24B -> layer; all others belong to the processing status."""


@dataclass(frozen=True)
class Field:
    """One field: its tag, its block (`GENL/STAT/REAS`), its first line's number, its parts."""

    tag: str
    block: str
    line: int
    text: str

    @property
    def where(self) -> str:
        """The field's place in the message, for people."""
        return f"line {self.line} :{self.tag}:{(':' + self.qualifier) if self.qualifier else ''}"

    @property
    def qualifier(self) -> str:
        """The four characters after the tag, or nothing."""
        found = _QUALIFIED.match(self.text)
        return found.group(1) if found else ""

    @property
    def scheme(self) -> str:
        """The data source scheme: with one, the code is the servicer's own."""
        found = _QUALIFIED.match(self.text)
        return found.group(2) if found else ""

    @property
    def value(self) -> str:
        """What follows the qualifier and the scheme; the whole text where there is no qualifier."""
        found = _QUALIFIED.match(self.text)
        return (found.group(3) if found else self.text).strip()


_Reader = Callable[[str, str], str]


def _date(text: str, where: str) -> str:
    return fields.read_date(text, where)


_FIELDS: dict[tuple[str, str], tuple[str, _Reader]] = {
    ("20C", "SEME"): ("sender_reference", fields.read_text),
    ("20C", "RELA"): ("instruction_reference", fields.read_text),
    ("97A", "SAFE"): ("safekeeping_account", fields.read_text),
    ("97B", "SAFE"): ("safekeeping_account", fields.read_text),
    ("98A", "SETT"): ("settlement_date", _date),
    ("98C", "SETT"): ("settlement_date", _date),
    ("98A", "TRAD"): ("trade_date", _date),
    ("98C", "TRAD"): ("trade_date", _date),
    ("22H", "REDE"): ("movement", fields.one_of("DELI", "RECE")),
    ("22H", "PAYM"): ("payment", fields.one_of("APMT", "FREE")),
    ("95P", "PSET"): ("place_of_settlement", fields.read_text),
}

_COUNTERPARTY = {"DELI": ("REAG", "BUYR"), "RECE": ("DEAG", "SELL")}
"""Our movement -> qualifiers of field 95P that name the other side."""


def read(text: str) -> Instruction:
    """Return the content of the advice; raise MessageError."""
    found = list(_read_fields(text))
    kept, left_out = fields.bounded(list(_reasons(found)))
    result: dict[str, Any] = {
        "message_type": "MT548",
        "statuses": [_status(field) for field in found if field.tag == "25D"],
        "reasons": kept,
        "reasons_left_out": left_out,
        "sources": {},
    }
    if not result["statuses"]:
        raise MessageError("MT548", "has no status, field :25D:")
    for field in found:
        _put_simple(result, field)
        _put_compound(result, field)
    _put_counterparty(result, found)
    return result  # type: ignore[return-value]  # built key by key, and typed for its readers


def _read_fields(text: str) -> Iterator[Field]:
    blocks: list[str] = []
    for tag, line, body in _tagged(text):
        if tag == "16R":
            blocks.append(body.strip())
        elif tag == "16S":
            if not blocks or blocks.pop() != body.strip():
                raise MessageError(f"line {line} :16S:", f"the block {body.strip()[:20]!r} is not the one that is open")
        else:
            yield Field(tag, "/".join(blocks), line, body.strip())
    if blocks:
        raise MessageError("MT548", f"the block {blocks[-1][:20]!r} is not closed")


def _tagged(text: str) -> Iterator[tuple[str, int, str]]:
    """Tags with the lines that follow them, joined by line feeds."""
    tag, first, lines = "", 0, list[str]()
    for number, raw in enumerate(_body(text).splitlines(), start=1):
        line = raw.strip()
        if found := _TAG.match(line):
            if tag:
                yield tag, first, "\n".join(lines)
            tag, first, lines = found.group(1), number, [found.group(2)]
        elif line == "-" or line.startswith("-}"):
            break
        elif line:
            lines.append(line)
    if not tag:
        raise MessageError("MT548", "has no field like :20C::SEME//...")
    yield tag, first, "\n".join(lines)


def _body(text: str) -> str:
    # Blocks 1 to 3 and 5 name sender and receiver; their lines are kept as empty ones, so line numbers are correct.
    start = text.find("{4:")
    if start < 0:
        return text
    header = text[:start]
    if (kind := re.search(r"\{2:[IO](\d{3})", header)) and kind.group(1) != "548":
        raise MessageError("block 2", f"this is an MT{kind.group(1)}, not an MT548")
    return "\n" * header.count("\n") + text[start + 3 :]


def _status(field: Field) -> Status:
    layer = _LAYERS.get(field.qualifier)
    if layer is None or not field.value:
        raise MessageError(field.where, f"{field.text[:40]!r} is not a status like :SETT//PENF")
    return Status(layer=layer, code=field.value[:4], where=field.where)


def _reasons(found: list[Field]) -> Iterator[Reason]:
    status = ""
    for place, field in enumerate(found):
        if field.tag == "25D":
            status = field.value[:4]
        elif field.tag == "24B":
            yield _reason(field, _narrative(found[place + 1 : place + 2]))
        elif field.tag == "70D" and (place == 0 or found[place - 1].tag != "24B"):
            layer = _REASON_LAYERS.get(status, "processing")
            yield Reason(
                layer=layer, status=status, code="", proprietary=False, narrative=_narrative([field]), where=field.where
            )


def _reason(field: Field, narrative: str) -> Reason:
    if not field.qualifier:
        raise MessageError(field.where, f"{field.text[:40]!r} is not a reason like :PENF//LACK")
    return Reason(
        layer=_REASON_LAYERS.get(field.qualifier, "processing"),
        status=field.qualifier,
        code=field.value[:4],
        proprietary=bool(field.scheme),
        narrative=narrative,
        where=field.where,
    )


def _narrative(following: list[Field]) -> str:
    return " ".join(fields.read_text(field.value, field.where) for field in following if field.tag == "70D")


def _put_simple(result: dict[str, Any], field: Field) -> None:
    if known := _FIELDS.get((field.tag, field.qualifier)):
        name, reader = known
        if name not in result:
            result[name] = reader(field.value, field.where)
            result["sources"][name] = field.where


def _put_compound(result: dict[str, Any], field: Field) -> None:
    match field.tag, field.qualifier:
        case "35B", _:
            isin, _, name = field.text.removeprefix("ISIN").strip().partition("\n")
            _put(result, field, isin=fields.read_isin(isin, field.where), security_name=fields.read_text(name, ""))
        case "36B", "SETT":
            kind, _, number = field.value.partition("/")
            quantity_type = fields.one_of("UNIT", "FAMT", "AMOR")(kind, field.where)
            # An amortised face amount (AMOR) is a face amount for what follows.
            _put(
                result,
                field,
                quantity=_number(number, field.where),
                quantity_type=quantity_type.replace("AMOR", "FAMT"),
            )
        case "19A", "SETT":
            amount = field.value.removeprefix("N")
            currency = fields.read_currency(amount[:3], field.where)
            _put(result, field, settlement_amount=_number(amount[3:], field.where), currency=currency)
        case _:
            pass


def _put(result: dict[str, Any], field: Field, **values: str) -> None:
    for name, value in values.items():
        if value and name not in result:
            result[name] = value
            result["sources"][name] = field.where


def _put_counterparty(result: dict[str, Any], found: list[Field]) -> None:
    for qualifier in _COUNTERPARTY.get(result.get("movement", ""), ()):
        for field in found:
            if (field.tag, field.qualifier) == ("95P", qualifier):
                _put(result, field, counterparty_bic=fields.read_text(field.value, field.where))


def _number(text: str, where: str) -> str:
    # ISO 15022 writes the decimal point as a comma, also where nothing follows: `1000,`.
    return fields.read_decimal(text.strip().replace(",", ".", 1).rstrip("."), where)
