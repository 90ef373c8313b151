"""The two parsers: what they read, and that any other text gives a named error and no crash."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_agents.workflows.settlement_fail_triage import mt548, sese_024
from tradewind_agents.workflows.settlement_fail_triage.graph import read
from tradewind_agents.workflows.settlement_fail_triage.instruction import Instruction, MessageError

DATA = Path(__file__).parents[4] / "data" / "settlement"
SESE = (DATA / "sese024_penf_lack.xml").read_text()
MT548 = (DATA / "mt548_several_reasons.txt").read_text()


def _read(text: str) -> Instruction | MessageError:
    """Any other error than `MessageError` fails the test."""
    try:
        return read(text)
    except MessageError as error:
        return error


@given(st.text(max_size=400))
def test_any_text(text: str) -> None:
    _read(text)


@given(st.text(alphabet=":/{}-\n\r 0123459ABDPENFLACK,", max_size=300))
def test_any_text_like_an_mt548(text: str) -> None:
    _read(":20C::SEME//X\n" + text)


@given(st.text(alphabet='<>/&;!"= DocumentSctiesSttlmTxStsAdvc', max_size=300))
def test_any_text_like_xml(text: str) -> None:
    _read("<" + text)


@pytest.mark.parametrize("whole", [SESE, MT548], ids=["sese.024", "MT548"])
@given(st.data())
def test_any_damage(whole: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(whole)))
    length = data.draw(st.integers(0, 60))
    _read(whole[:start] + data.draw(st.text(max_size=20)) + whole[start + length :])


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "MT548: has no field like :20C::SEME//..."),
        ("hello", "MT548: has no field like :20C::SEME//..."),
        (":20C::SEME//X", "MT548: has no status, field :25D:"),
        (":16R:GENL\n:20C::SEME//X", "MT548: the block 'GENL' is not closed"),
        (":16R:GENL\n:16S:STAT", "line 2 :16S:: the block 'STAT' is not the one that is open"),
        (":25D:PENF", "line 1 :25D:: 'PENF' is not a status like :SETT//PENF"),
        (":25D::SETT//PENF\n:24B:LACK", "line 2 :24B:: 'LACK' is not a reason like :PENF//LACK"),
        (":25D::SETT//PENF\n:98A::SETT//20261345", "line 2 :98A::SETT: '20261345' is not a date"),
        (":25D::SETT//PENF\n:98A::SETT//00010101", "line 2 :98A::SETT: the year 1 is out of range"),
        (":25D::SETT//PENF\n:35B:ISIN DE0007164601", "line 2 :35B:: 'DE0007164601' is not an ISIN"),
        (":25D::SETT//PENF\n:19A::SETT//eur5,", "line 2 :19A::SETT: 'eur' is not a currency"),
        (":25D::SETT//PENF\n:36B::SETT//BOXES/5,", "line 2 :36B::SETT: 'BOXES' is not one of UNIT, FAMT, AMOR"),
        (
            ":25D::SETT//PENF\n:36B::SETT//UNIT/-5,",
            "line 2 :36B::SETT: '-5' is not an unsigned decimal of at most 24 characters",
        ),
        ("{2:I541BANKDEFFXXXXN}{4:\n:20C::SEME//X\n-}", "block 2: this is an MT541, not an MT548"),
        ("<Document/>", "XML: contains no SctiesSttlmTxStsAdvc; its root is Document"),
        ("<SctiesSttlmTxStsAdvc/>", "SctiesSttlmTxStsAdvc: its namespace '' is not one of sese.024.001.xx or 002.xx"),
        ("<a", "XML line 1, column 1: unclosed token"),
        (
            '<SctiesSttlmTxStsAdvc xmlns="urn:iso:std:iso:20022:tech:xsd:sese.024.002.11"/>',
            "SctiesSttlmTxStsAdvc: has neither PrcgSts nor MtchgSts nor SttlmSts",
        ),
        (SESE.replace("6187500.00", "about 6m"), "TxDtls/SttlmAmt/Amt: 'about 6m' is not a number"),
        (SESE.replace('Ccy="EUR"', ""), "TxDtls/SttlmAmt/Amt/@Ccy: '' is not a currency"),
        (SESE.replace(">DELI<", ">SELL<"), "TxDtls/SctiesMvmntTp: 'SELL' is not one of DELI, RECE"),
        (SESE.replace("sese.024.002.11", "sese.025.002.11"), "SctiesSttlmTxStsAdvc: its namespace"),
    ],
)
def test_the_error_names_the_place(text: str, error: str) -> None:
    assert str(_read(text)).startswith(error)


@pytest.mark.parametrize(
    "attack",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        '<?xml version="1.0" encoding="no-such-encoding"?><x/>',
    ],
)
def test_xml_attacks_are_rejected(attack: str) -> None:
    found = _read(attack)
    assert isinstance(found, MessageError)
    assert found.where.startswith("XML")


def test_deep_xml_does_not_crash() -> None:
    assert isinstance(_read("<a>" * 80_000 + "</a>" * 80_000), MessageError)


@pytest.mark.parametrize("version", ["001.03", "001.11", "002.08", "002.14"])
def test_any_version_of_the_namespace(version: str) -> None:
    assert sese_024.read(SESE.replace("002.11", version))["message_type"] == f"sese.024.{version}"


def test_windows_1252_declared_as_utf_8_text() -> None:
    declared = SESE.replace("SAP SE O.N.", "Soci\u00e9t\u00e9").replace('encoding="UTF-8"', 'encoding="utf-8"')
    assert sese_024.read(declared)["security_name"] == "Soci\u00e9t\u00e9"


def test_sources_say_where_each_field_stood() -> None:
    found = mt548.read(MT548)
    assert found["sources"]["settlement_amount"] == "line 32 :19A::SETT"
    assert MT548.splitlines()[31] == ":19A::SETT//EUR17229800,00"
    assert found["reasons"][1]["narrative"] == "OWN INSTRUCTION ON HOLD SINCE 13NOV RELEASE REQUIRED BEFORE BATCH 3"
    assert found["reasons"][2] == {
        "layer": "settlement",
        "status": "PENF",
        "code": "TR07",
        "proprietary": True,
        "narrative": "",
        "where": "line 21 :24B::PENF",
    }


def test_lines_count_from_the_top_of_the_message() -> None:
    found = mt548.read("{1:F01X}\n{3:{108:A}}\n{4:\n:25D::SETT//PEND\n-}")
    assert found["statuses"][0]["where"] == "line 4 :25D::SETT"


def test_the_first_of_a_repeated_field_counts() -> None:
    found = mt548.read(":25D::SETT//PEND\n:97A::SAFE//ONE\n:97A::SAFE//TWO\n:19A::SETT//EUR1,\n:19A::SETT//EUR2,")
    assert (found["safekeeping_account"], found["settlement_amount"]) == ("ONE", "1")


def test_processing_status() -> None:
    found = mt548.read(":25D::IPRC//REJT\n:24B::REJT//DSEC\n:70D::REAS//ISIN NOT ELIGIBLE")
    assert found["statuses"][0]["layer"] == "processing"
    assert found["reasons"][0]["narrative"] == "ISIN NOT ELIGIBLE"


def test_reasons_without_a_code_in_xml() -> None:
    text = SESE.replace("<Cd><Cd>LACK</Cd></Cd>", "")
    assert sese_024.read(text)["reasons"][0]["code"] == ""


def test_a_quantity_without_movement_and_parties() -> None:
    text = SESE.replace("<SctiesMvmntTp>DELI</SctiesMvmntTp>", "")
    found = sese_024.read(text)
    assert "counterparty_bic" not in found
    assert found["place_of_settlement"] == "DAKVDEFFXXX"
