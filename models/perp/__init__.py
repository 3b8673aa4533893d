"""The exact numeric core of a perpetuals venue: pure functions on int64 arrays, no state and no clock.

``units`` what the integers mean and how large they may be · ``funding`` rate, index, profit and loss · ``margin``
account value and requirement · ``liquidation`` shares, penalty, cut · ``mark`` medians and mark price ·
``socialised`` the loss that nobody's fund covers.
"""
