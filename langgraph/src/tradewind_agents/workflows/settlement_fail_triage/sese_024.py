"""SecuritiesSettlementTransactionStatusAdvice, sese.024.001.xx and 002.xx (ISO 20022), any version.

Elements are found by their local names: the versions differ in namespaces and in elements that are not used here.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tradewind_agents.workflows.settlement_fail_triage import instruction as fields
from tradewind_agents.workflows.settlement_fail_triage.instruction import (
    Instruction,
    Layer,
    MessageError,
    Reason,
    Status,
)

_ADVICE = "SctiesSttlmTxStsAdvc"
_NAMESPACE = re.compile(r"sese\.024\.00[12]\.\d\d$")

_LAYERS: dict[str, Layer] = {
    "PrcgSts": "processing",
    "IfrrdMtchgSts": "matching",
    "MtchgSts": "matching",
    "SttlmSts": "settlement",
}

_STATUS_CODES = {
    "AckdAccptd": "PACK",
    "PdgPrcg": "PPRC",
    "Rjctd": "REJT",
    "Canc": "CAND",
    "PdgCxl": "CANP",
    "Prtry": "PRTY",
    "Mtchd": "MACH",
    "Umtchd": "NMAT",
    "Pdg": "PEND",
    "Flng": "PENF",
}
"""Element of the status choice -> code of MT548's field 25D."""

_Reader = Callable[[str, str], str]

_FIELDS: dict[str, tuple[tuple[str, ...], _Reader]] = {
    "instruction_reference": (("TxId/AcctOwnrTxId", "TxId/AcctSvcrTxId"), fields.read_text),
    "isin": (("TxDtls/FinInstrmId/ISIN",), fields.read_isin),
    "security_name": (("TxDtls/FinInstrmId/Desc",), fields.read_text),
    "settlement_amount": (("TxDtls/SttlmAmt/Amt", "TxDtls/PstngAmt/Amt"), fields.read_decimal),
    "trade_date": (("TxDtls/TradDt/Dt/Dt", "TxDtls/TradDt/Dt/DtTm"), fields.read_date),
    "settlement_date": (("TxDtls/SttlmDt/Dt/Dt", "TxDtls/SttlmDt/Dt/DtTm"), fields.read_date),
    "movement": (("TxDtls/SctiesMvmntTp",), fields.one_of("DELI", "RECE")),
    "payment": (("TxDtls/Pmt",), fields.one_of("APMT", "FREE")),
    "safekeeping_account": (("TxDtls/SfkpgAcct/Id",), fields.read_text),
}


def read(text: str) -> Instruction:
    """Return the content of the advice; raise MessageError."""
    advice, version = _advice(text)
    found = list(_reasons(advice))
    kept, left_out = fields.bounded(found)
    result: dict[str, Any] = {
        "message_type": version,
        "statuses": list(_statuses(advice)),
        "reasons": kept,
        "reasons_left_out": left_out,
        "sources": {},
    }
    if not result["statuses"]:
        raise MessageError(_ADVICE, "has neither PrcgSts nor MtchgSts nor SttlmSts")
    for name, (paths, reader) in _FIELDS.items():
        _put(result, name, advice, paths, reader)
    _put_quantity(result, advice)
    _put_currency(result, advice)
    _put_parties(result, advice)
    return result  # type: ignore[return-value]  # built key by key, and typed for its readers


def _advice(text: str) -> tuple[Element, str]:
    try:
        # ElementTree refuses a text that declares its encoding unless it is given as bytes.
        root: Element = fromstring(text.strip().encode(), forbid_dtd=True)
    except ParseError as error:
        line, column = error.position
        raise MessageError(f"XML line {line}, column {column + 1}", str(error).split(":", maxsplit=1)[0]) from error
    except (DefusedXmlException, ValueError, LookupError) as error:
        raise MessageError("XML", f"refused: {type(error).__name__} {error}"[:300]) from error
    for element in root.iter():
        if _local(element) == _ADVICE:
            return element, _version(element)
    raise MessageError("XML", f"contains no {_ADVICE}; its root is {_local(root)[:80]}")


def _version(advice: Element) -> str:
    namespace = str(advice.tag).rpartition("}")[0].removeprefix("{")
    found = _NAMESPACE.search(namespace)
    if not found:
        raise MessageError(_ADVICE, f"its namespace {namespace[:120]!r} is not one of sese.024.001.xx or 002.xx")
    return found.group()


def _statuses(advice: Element) -> Iterator[Status]:
    for block, layer in _blocks(advice):
        for choice in block:
            code = _STATUS_CODES.get(_local(choice))
            if code:
                yield Status(layer=layer, code=code, where=f"{_local(block)}/{_local(choice)}")


def _reasons(advice: Element) -> Iterator[Reason]:
    for block, layer in _blocks(advice):
        for choice in block:
            status = _STATUS_CODES.get(_local(choice))
            if status:
                for place, element in enumerate(_children(choice, "Rsn"), start=1):
                    where = f"{_local(block)}/{_local(choice)}/Rsn[{place}]"
                    yield _reason(element, layer, status, where)


def _reason(element: Element, layer: Layer, status: str, where: str) -> Reason:
    code = _text(element, "Cd/Cd") or _text(element, "Cd")
    proprietary = _text(element, "Cd/Prtry/Id")
    return Reason(
        layer=layer,
        status=status,
        code=(code or proprietary)[:35],
        proprietary=not code and bool(proprietary),
        narrative=fields.read_text(_text(element, "AddtlRsnInf"), where),
        where=where + ("/Cd/Cd" if code else ""),
    )


def _put(result: dict[str, Any], name: str, advice: Element, paths: tuple[str, ...], reader: _Reader) -> None:
    for path in paths:
        if text := _text(advice, path):
            result[name] = reader(text, path)
            result["sources"][name] = path
            return


def _put_quantity(result: dict[str, Any], advice: Element) -> None:
    for kind, element in (("UNIT", "Unit"), ("FAMT", "FaceAmt")):
        path = f"TxDtls/SttlmQty/Qty/{element}"
        if text := _text(advice, path):
            result |= {"quantity": fields.read_decimal(text, path), "quantity_type": kind}
            result["sources"]["quantity"] = path


def _put_currency(result: dict[str, Any], advice: Element) -> None:
    if path := result["sources"].get("settlement_amount"):
        amount = _find(advice, path)
        result["currency"] = fields.read_currency("" if amount is None else amount.get("Ccy", ""), f"{path}/@Ccy")


def _put_parties(result: dict[str, Any], advice: Element) -> None:
    # The counterparty is on the other side of our movement.
    theirs = "DlvrgSttlmPties" if result.get("movement") == "RECE" else "RcvgSttlmPties"
    depositories = tuple(f"TxDtls/{side}/Dpstry/Id/AnyBIC" for side in (theirs, "DlvrgSttlmPties", "RcvgSttlmPties"))
    _put(result, "place_of_settlement", advice, depositories, fields.read_text)
    if "movement" in result:
        parties = tuple(f"TxDtls/{theirs}/Pty{number}/Id/AnyBIC" for number in (1, 2))
        _put(result, "counterparty_bic", advice, parties, fields.read_text)


def _blocks(advice: Element) -> Iterator[tuple[Element, Layer]]:
    for block in advice:
        if layer := _LAYERS.get(_local(block)):
            yield block, layer


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if _local(child) == name)


def _find(element: Element, path: str) -> Element | None:
    found: Element | None = element
    for name in path.split("/"):
        found = next(_children(found, name), None) if found is not None else None
    return found


def _text(element: Element, path: str) -> str:
    found = _find(element, path)
    return ((found.text or "") if found is not None else "").strip()
