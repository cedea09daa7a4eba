"""What happened, and what the customer asks for: the intent of a ticket is what is asked, not what happened.

Notation as in products.py.
"""

# What happened, by kind. Trouble at the start and faults are in products.py: they differ by product.
SITUATIONS = {
    "late": (
        "The {p} [was promised for|should have come on] [Tuesday|the 4th|last Friday].",
        "[Twelve|Nine] days and [still no|not a trace of the] {p}.",
        "Tracking for the {p} [hasn't moved|says 'in transit'] [since Monday|for a week].",
        "The courier [left a card but no parcel|says it was handed over], I never [saw|got] the {p}.",
        "The box came today [without the {p}|with everything but the {p}].",
        "You [sent|packed] one {p}, I [ordered|paid for] two.",
        "The parcel with the {p} [sits|is stuck] [in the depot|at customs].",
        "[Someone else's|The wrong] parcel came, where mine should hold the {p}.",
    ),
    "regret": (
        "The {p} [is nicer in the pictures|isn't what I had in mind].",
        "My wife [bought|ordered] the same {p}, so now we have two.",
        "The {p} is [unused|still sealed], [we move abroad|our landlord forbids it].",
        "I [ordered|picked] the {p} [in the wrong size|by mistake].",
        "For that price the {p} [does too little|is a letdown].",
        "We [tried|had] the {p} [for a week|over the weekend] and [it isn't for us|nobody likes it].",
    ),
    "charge": (
        "My card shows [two payments|the amount twice] for [one|a single] {p}.",
        "The [invoice|bill] for the {p} [has the wrong name|shows our old address].",
        "I was charged [89|129] for the {p}, the shop said [69|99].",
        "The voucher [was ignored|didn't count] when I paid for the {p}.",
        "[19.90|4.99] left my account for [a {p} plan|something with the {p}] [this month|yesterday].",
        "The {p} was bought for the [firm|club] and [the VAT is missing|our number isn't on the paper].",
        "You [reminded|dunned] me for the {p}, I [paid|transferred] it [weeks ago|on the 2nd].",
    ),
    "login": (
        "I changed my phone and now the app with the {p} [wants a code|asks who I am].",
        "The reset mail [never comes|doesn't arrive], so I can't reach the {p}.",
        "The {p} is [tied|registered] to [my old address|someone who left us].",
        "We bought the house with the {p} and [the former owner|the seller] is still in charge of it.",
        "It says 'too many attempts' when I [sign in|want] to see the {p}.",
        "My [son|flatmate] is [not allowed|no longer listed] to use the {p} in the app.",
        "[Two profiles|Two users] came out of [one sign-up|my sign-up] and the {p} is in the wrong one.",
    ),
    "plan": (
        "I have the [Plus|Care] plan for the {p} [since spring|for two years].",
        "The {p} plan [renews|goes on] [on the 1st|next week].",
        "The trial for the {p} [ends|runs out] [tomorrow|on Sunday].",
        "We [sold|gave away] the {p} [last week|in summer].",
        "The plan for the {p} [gives me nothing|is more than I need].",
        "I ordered a {p} [an hour ago|last night].",
    ),
    "curious": (
        "I am [thinking about|looking at] the {p}.",
        "We [plan|build] a [house|studio] and like the {p}.",
        "The {p} has been [running well|with us] for a [month|year].",
        "A friend [showed|recommended] me the {p}.",
        "[Before I order|Before we decide on] the {p}, one thing.",
        "I [read|looked through] the manual of the {p}.",
    ),
}

# Which kinds of situation lead to which intent, and how often.
CAUSES = {
    "setup": {"setup": 9, "login": 1},
    "fault": {"fault": 9, "setup": 1},
    "delivery": {"late": 8, "plan": 1, "curious": 1},
    "refund": {"fault": 4, "late": 2, "regret": 4, "setup": 2},
    "billing": {"charge": 8, "plan": 2, "regret": 1},
    "account": {"login": 8, "plan": 1, "curious": 1},
    "cancel": {"plan": 5, "late": 3, "charge": 2, "regret": 1},
    "question": {"curious": 7, "plan": 1, "regret": 1},
}

ASKS = {
    "setup": (
        "[Which step|What] am I missing to get {it} going?",
        "Please [walk|talk] me through the start of {it}.",
        "How do I [connect|add] {it} properly?",
        "Can someone [call and|] install {it} with me?",
        "I [need|would like] the first steps in plain words.",
        "How do I get {it} into the app?",
        "Is there [a video|a drawing] of how to [mount|begin with] {it}?",
        "What must I [press|enter] so that {it} is [found|accepted]?",
    ),
    "fault": (
        "Please [repair|fix] {it}.",
        "[Send|I want] a new one [under warranty|in exchange].",
        "What is [wrong|the matter] with {it}?",
        "How do I get {it} to [behave|work] again?",
        "Can you [look at the log|check from your side] and [mend|fix] {it}?",
        "I want {it} to work as [before|it did].",
        "[Swap {it}, please|Please exchange {it}].",
        "Is that [a known bug|broken hardware], and when is it [mended|solved]?",
    ),
    "delivery": (
        "Where is {it}?",
        "When [will|does] {it} [get here|arrive]?",
        "Please [send|ship] [it again|what is missing].",
        "Can you [ask|chase] the courier?",
        "[Give me|I need] a date on which somebody [must be home|can open the door].",
        "Can {it} go to [my office|a pick-up shop] instead?",
        "Please [find|trace] {it}.",
        "Has {it} been sent [at all|yet]?",
    ),
    "refund": (
        "I want [my money|the money] back.",
        "Please [take {it} back and pay me|return what I paid].",
        "How do I [return {it}|send {it} back] for a refund?",
        "[Just refund me|A refund, please], [nothing else|no exchange].",
        "Where is the [label|form] to send {it} back?",
        "I give {it} back, you give me the [full price|120 euros].",
        "[Reimburse me|Pay me back] for {it}.",
        "I'd [rather|sooner] have the money than {it}.",
    ),
    "billing": (
        "Please [correct|redo] the [invoice|bill].",
        "What is this [charge|amount] for?",
        "[Send|I need] a [proper|corrected] receipt for {it}.",
        "Book the [wrong|extra] amount back to my card.",
        "Why does the [sum|total] not match?",
        "Please put [our VAT number|the firm's name] on [it|the paper].",
        "Can I pay for {it} [by bank transfer|in two parts]?",
        "Please stop the reminders, [it is paid|nothing is open].",
    ),
    "account": (
        "Please [let me back in|unlock me].",
        "How do I [change|replace] the [e-mail address|phone number] I sign in with?",
        "Move {it} to my [profile|name], please.",
        "[Delete|Erase] my profile and [all data|everything on {it}].",
        "Can you [reset|switch off] the second factor?",
        "Take the [previous owner|old user] off {it}.",
        "How can my [partner|son] get [a login|access] of their own?",
        "I need [a new password|my access] for {it}.",
    ),
    "cancel": (
        "[Cancel|Please cancel] [it|the order] [before it ships|right away].",
        "I want to [end|stop] the [plan|subscription].",
        "Please [don't send {it}|call it off], I no longer want it.",
        "Do not renew [it|the plan].",
        "How do I get out of the [contract|plan]?",
        "[Withdraw|Strike] my order, [please|I changed my mind].",
        "[Terminate|End] everything I have with you for {it}.",
        "I [quit|stop] as of [this month|the 30th], confirm please.",
    ),
    "question": (
        "[Any idea|Do you know]?",
        "What would you [advise|recommend]?",
        "Is that [possible|planned]?",
        "Where can I [read|learn] more about that?",
        "[Which version|What] should I choose?",
        "A [short|simple] yes or no will do.",
        "I only want to [know|understand] it.",
        "What do other customers do?",
    ),
}

# Asks that leave it to the reader to see from what happened what is wanted.
OPEN_ASKS = (
    "What [now|should I do]?",
    "Please [help|advise].",
    "Can [someone|anyone] look into this?",
    "[Could|Can] you sort this out?",
    "I hope you can help.",
    "[How do we go on|How does this go on]?",
    "I [look forward to|wait for] your answer.",
    "[Tell me|Let me know] what you need from me.",
    "This can't be right.",
    "What do you suggest?",
)

# The kind of situation from which an open ask can be understood.
PLAIN_CAUSE = {
    "setup": "setup",
    "fault": "fault",
    "delivery": "late",
    "billing": "charge",
    "account": "login",
}


SUBJECTS = {
    "setup": ("Getting started", "Won't connect", "Pairing the {p}", "Installation", "First steps", "Stuck at step 3"),
    "fault": ("{p} broken", "Stopped working", "Warranty", "Strange behaviour", "{p} acting up", "Defect"),
    "delivery": ("Where is my order", "Parcel", "Delivery of the {p}", "Not arrived", "Shipment", "Something missing"),
    "refund": ("Refund", "Return of the {p}", "Money back", "Sending it back", "Disappointed", "Returning an item"),
    "billing": ("Invoice", "Wrong amount", "Charged?", "Payment for the {p}", "Receipt needed", "Bill"),
    "account": ("Login", "My account", "Locked out of the app", "Change of owner", "Password", "Access to the {p}"),
    "cancel": ("Cancellation", "Please cancel", "My plan", "Contract for the {p}", "Stop the order", "Subscription"),
    "question": ("Question about the {p}", "Quick question", "Is this possible?", "Info", "Before I buy", "Advice"),
}

VAGUE_SUBJECTS = (
    "Help",
    "Hello",
    "Ostrelle",
    "Your {p}",
    "The {p}",
    "{p}",
    "Problem",
    "Support",
    "Customer service",
    "Please read",
    "My order",
    "Again me",
    "One thing",
    "Message from the app",
    "No subject",
    "Request",
)
