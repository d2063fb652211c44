"""Support tickets of the sandbox's CRM: subjects and agents' notes by topic, with blanks for the customer's facts.

The notes hold what real ones hold: addresses, phone numbers, a card number that somebody should not have typed.
"""

CARDS = ("4111 1111 1111 1111", "5555 5555 5555 4444", "4012 8888 8888 1881", "3782 822463 10005")
"""The payment networks' published test numbers: valid by checksum, never issued."""

SUBJECTS = {
    "late": "Order {order} has not arrived",
    "refund": "Refund for order {order}",
    "address": "Change of delivery address",
    "payment": "Card was charged twice",
    "login": "Cannot sign in",
    "privacy": "What do you store about me?",
    "praise": "Thank you",
}

NOTES = {
    "late": (
        "{name} called from {phone}. Order {order} shows as shipped since {day}, carrier says it is in the depot. "
        "Promised an update by mail to {email}.",
        "Parcel went to {street}, {city}, the customer says nobody was at home. Second delivery booked for {day}.",
        "Tracking has not moved for six days. Opened an inquiry with the carrier; {first} wants a call on {phone}.",
    ),
    "refund": (
        "Customer sent order {order} back, warehouse confirms. Refund of {amount} approved, confirmation to {email}.",
        "{name} asks for {amount} back because two items arrived broken. Photos attached. Refund to the card ending "
        "in the usual four digits.",
        "Refund of {amount} was booked on {day}, bank says not received. Asked {first} for a statement.",
    ),
    "address": (
        "New address from {day}: {name}, {street}, {city}. Verified by calling back on {phone}.",
        "{first} moves house on {day}, next orders to {street}, {city}. Old address to be removed.",
    ),
    "payment": (
        "Charged {amount} twice for order {order}. Customer read out the card over the phone: {card}. Reminded {first} "
        "never to do that; passed on to finance.",
        "Bank disputes {amount}. Customer mailed from {email} with the full card number {card} in the text, deleted "
        "from the inbox.",
    ),
    "login": (
        "Password reset mail to {email} bounced once, then arrived. Second factor moved to {phone}.",
        "{name} locked out after five attempts. Identity checked by order {order} and postal code, unlocked.",
    ),
    "privacy": (
        "Request for access under GDPR article 15 from {name}, {street}, {city}. Due by {day}. Sent to privacy team.",
        "{first} wants all data deleted. Open order {order} must be finished first. Answered to {email}.",
    ),
    "praise": (
        "{first} liked the quick exchange of order {order}. No action needed.",
        "Would recommend us, asks for a voucher to {email}.",
    ),
}
