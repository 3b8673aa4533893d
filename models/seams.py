"""The seams of a venue: where faults can bend what passes, each with a sentence for the catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from drydock.harness.seam import Seam, Seams

SEAM_SENTENCES: Mapping[str, str] = {
    "service.boot": "a service passes a named boot step",
    "service.act": "a service does what it does periodically (funding/tick), or takes a message (market_data/feed)",
    "clock.read": "a service reads its own clock",
    "policy.read": "a service asks what its documentation has it do in a case (funding/on_missing)",
    "cloud.submit": "a transaction on its way from the cloud to the sequencer",
    "chain.notify": "busts, refused liquidations and credited transfers on their way from the chain to the cloud",
    "oracle.spot": "a spot source's message to market data",
    "oracle.external": "an external venue's rates to market data",
    "market_data.publish": "prices on their way to the cloud and the chain",
    "database.statement": "a statement of a transaction, row by row: which server answers, and which rows others hold",
    "database.commit": "a transaction at its commit: whether it happens, when, and whether the client is told",
    "database.copy": "a table's turn in the copy of a scale-up, row by row",
    "funding.load": "a restarted funding engine reads its rows, market by market",
    "funding.restore": "which artefact a restarted funding engine's rows come from, and which columns it has",
    "funding.publish": "indices on their way to the cloud and the chain",
    "funding.persist": "the write-behind of indices to the database",
    "liquidator.load": "a restarted liquidator reads the accounts from the chain",
    "portfolio.read": "the portfolio page reads the state it shows",
    "vault.read": "the vault page reads the state it shows",
    "front_page.read": "the front page reads the prices it shows",
    "gateway.send": "an intent on its way from a client to matching",
    "operator.act": "an operator begins a step: in its order, once, in time",
    "operator.decide": "an operator decides: to go on though a gate fails, to roll back, and to which snapshot",
    "operator.time": "how long operators take to notice, to decide, and to do a step",
    "mode.ack": "a service acknowledges the mode that is about to be announced",
    "mode.gate": "a service is asked for what the mode forbids, and honours that",
    "safeguard.fire": "a safeguard is asked whether something is wrong",
    "maker.return": "makers come back to quote after a closure",
    "chain.seal": "the sequencer seals its next block",
    "chain.order": "the sequencer puts the operations of a block into their declared order",
    "liquidator.check": "the liquidator reads the state on which it decides",
    "artefact.read": "a booting service reads the market parameters, which are generated outside of it",
    "rollback.store": "a rollback reaches one of the stores that it has to take back",
}


def new_seam(seams: Seams, name: str) -> Seam:
    """A new seam of this name among a world's seams. ``KeyError`` if it has no sentence."""
    return seams.add(name, SEAM_SENTENCES[name])
