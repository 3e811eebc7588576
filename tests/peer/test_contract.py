"""Every answer has the shape that Alpaca's own OpenAPI documents give it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.exchange import Exchange
from tests.peer.conftest import Show

VALIDATE = Path(__file__).with_name("validate.py")

# What the exchange does not have: it holds no wallets, mints no tokens, changes no money.
NOT_SERVED = {
    "Logos", "LatestRates", "Rates",
    "createWhitelistedAddress", "deleteWhitelistedAddress", "getCryptoFundingTransfer",
    "getCryptoTransferEstimate", "getTokenizationRequest",
    "getTokenizationRequestByClientRequestID", "getTokenizationRequests",
    "listCryptoFundingTransfers", "listCryptoFundingWallets", "listWhitelistedAddress",
    "postTokenizationMint", "searchVASPs", "updateWhitelistedAddressTravelRuleInfo",
}  # fmt: skip

# Served, and refused with a status that the documents leave out: nobody announced
# that, nothing needs to be located.
REFUSED = {
    "get-v2-corporate_actions-announcements-id": 404,
    "getLocate": 404,
    "createLocates": 422,
}


def test_every_served_operation_answers_as_documented(
    peer: Path, exchange: Exchange, show: Show
) -> None:
    command = [str(peer), str(VALIDATE), exchange.url, exchange.key, exchange.secret]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    answers = {line["operation"]: line for line in map(json.loads, done.stdout.splitlines())}
    served = {name: one for name, one in answers.items() if name not in NOT_SERVED}
    show([(name, str(one["status"]), one["wrong"] or "") for name, one in served.items()])
    assert len(served) > 80
    absent = {name: answers[name]["status"] for name in NOT_SERVED}
    assert absent == dict.fromkeys(NOT_SERVED, 404)
    assert {name: served.pop(name)["status"] for name in REFUSED} == REFUSED
    assert {name: one for name, one in served.items() if one["wrong"]} == {}
    assert {name: one["status"] for name, one in served.items() if one["status"] >= 300} == {}
